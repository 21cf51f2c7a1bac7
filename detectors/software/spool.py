"""Where what comes out of a decompressor is kept while it is looked at: in memory, or in one file of bounded size."""

from __future__ import annotations

import mmap
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from detectors.software.budget import Budget, Spent
from detectors.software.streams import Damaged

Filled = tuple[memoryview, Spent | Damaged | None]


class Spool:
    """A stack of large members in one open file (``fd``): the last that came is the first that goes. Without a file
    (-1) a large member is a limit."""

    def __init__(self, fd: int, most: int) -> None:
        self._fd, self._most, self._end = fd, most, 0

    @contextmanager
    def filled(self, budget: Budget, parts: Iterator[bytes], taken: Callable[[], int]) -> Iterator[Filled]:
        """What ``parts`` give as one buffer, and what cut it short: a limit, or damage. ``taken``: bytes read for it.

        The buffer is good until the next member: whoever keeps it longer reads other content.
        """
        start, held, size = self._end, bytearray(), 0
        spent: Spent | Damaged | None = None
        try:
            for part in parts:
                size += len(part)
                budget.give(len(part), size, taken())
                if self._end == start and len(held) + len(part) <= budget.profile.held:
                    held += part
                    continue
                if self._end == start:
                    self._write(bytes(held))
                    held = bytearray()
                self._write(part)
        except (Spent, Damaged) as e:
            spent = e
        if self._end == start:
            yield memoryview(held), spent
            return
        page = start - start % mmap.ALLOCATIONGRANULARITY
        mapped = mmap.mmap(self._fd, self._end - page, prot=mmap.PROT_READ, offset=page)
        try:
            yield memoryview(mapped)[start - page :], spent
        finally:
            os.ftruncate(self._fd, start)
            self._end = start

    def _write(self, part: bytes) -> None:
        if self._fd < 0 or self._end + len(part) > self._most:
            raise Spent("bytes", f"{self._most:,} bytes of spool")
        view = memoryview(part)
        while view:
            try:
                n = os.pwrite(self._fd, view, self._end)
            except OSError as e:
                raise Spent("bytes", f"the spool is full: {e.strerror}") from e
            self._end += n
            view = view[n:]
