"""One side of a TCP connection put in order: segments in, each byte once out, holes told.

The compiled part calls in-order data as such, so most bytes never come here; this handles what is out of order, with
bounded memory. Where segments overlap, the first copy of a byte wins.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field

Piece = bytes | int  # data, or the size of a hole


@dataclass
class Budget:
    """Bytes that all sides together may hold back, and what was given up for it."""

    limit: int
    used: int = 0
    given_up: int = 0


@dataclass(slots=True)
class Side:
    """``next``: relative sequence number of the next byte; ``held`` blocks lie beyond it, sorted, without overlap."""

    budget: Budget
    limit: int
    next: int = 1
    held: list[tuple[int, bytes]] = field(default_factory=list)
    size: int = 0

    def add(self, seq: int, data: bytes) -> Iterator[Piece]:
        """Take ``data`` at relative sequence number ``seq``; yields what became ready, in order."""
        end = seq + len(data)
        if end <= self.next:
            return
        if seq <= self.next:
            data = data[self.next - seq :]
            self.next = end
            if self.held:
                data = self._unhold(data)
            yield data
            return
        self._hold(seq, data)
        while self.size > self.limit or (self.budget.used > self.budget.limit and self.held):
            self.budget.given_up += 1
            yield from self.skip(self.held[0][0] + 1)

    def _unhold(self, data: bytes) -> bytes:
        """``data`` ends at ``next``: trim nothing of it, but append what it makes ready; held copies came first."""
        parts, start = [data], self.next - len(data)
        while self.held and self.held[0][0] <= self.next:
            seq, block = self._pop()
            end = seq + len(block)
            if seq < self.next:  # the held bytes are the first copy: they replace what came now
                whole = b"".join(parts)
                parts = [whole[: seq - start], block, whole[end - start :]]
            else:
                parts.append(block)
            self.next = max(self.next, end)
        return b"".join(parts)

    def _pop(self) -> tuple[int, bytes]:
        seq, block = self.held.pop(0)
        self.size -= len(block)
        self.budget.used -= len(block)
        return seq, block

    def _hold(self, seq: int, data: bytes) -> None:
        i = max(bisect_left(self.held, (seq,)) - 1, 0)
        while data:
            while i < len(self.held) and self.held[i][0] + len(self.held[i][1]) <= seq:
                i += 1
            if i == len(self.held) or seq + len(data) <= self.held[i][0]:
                return self._insert(i, seq, data)
            start, block = self.held[i]
            if seq < start:
                self._insert(i, seq, data[: start - seq])
                i += 1
            end = start + len(block)
            data = data[max(end - seq, 0) :]
            seq = max(seq, end)
        return None

    def _insert(self, i: int, seq: int, data: bytes) -> None:
        self.held.insert(i, (seq, data))
        self.size += len(data)
        self.budget.used += len(data)

    def skip(self, upto: int) -> Iterator[Piece]:
        """Give up what is missing below ``upto``: yields holes as sizes and what was held between them."""
        while self.held and self.held[0][0] < upto:
            seq, block = self._pop()
            if seq > self.next:
                yield seq - self.next
            self.next = seq + len(block)
            yield block
        if upto > self.next:
            yield upto - self.next
            self.next = upto
        while self.held and self.held[0][0] <= self.next:
            seq, block = self._pop()
            self.next = seq + len(block)
            yield block

    def flush(self) -> Iterator[Piece]:
        """The end: yield everything still held, with the holes before it."""
        if self.held:
            yield from self.skip(self.held[-1][0] + 1)

    def drop(self) -> None:
        """Forget what is held."""
        self.budget.used -= self.size
        self.held, self.size = [], 0
