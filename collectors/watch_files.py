"""Files of a watched folder: which there are, what each is, and when one has been written to its end."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from stat import S_ISREG
from typing import NamedTuple

from collectors.network.sources import CAPTURES, has_magic
from collectors.network.zeek_files import HEAD, SUFFIXES, Log, recognise

QUIET = 10.0  # seconds without a change after which a file counts as written to its end
UNENDED = 3600.0  # seconds after which this holds also for a log's last line that looks cut
TEMPORARY = (".part", ".partial", ".tmp", ".temp", ".filepart", ".crdownload", ".swp", "~")
_LAST = 1 << 16  # bytes at the end of a log that are looked at for its last line


class Found(NamedTuple):
    """A file as the folder shows it. ``key`` is the file itself (device, inode), whatever its name.

    ``stamp`` is what changes when it is written: size and time (nanoseconds).
    """

    place: str
    key: tuple[int, int]
    stamp: tuple[int, int]
    ctime_ns: int
    regular: bool = True

    @property
    def path(self) -> Path:
        return Path(self.place)

    @property
    def size(self) -> int:
        return self.stamp[0]


def scan(folder: str, problems: list[OSError]) -> Iterator[Found]:
    """All files below a folder in the order of their paths, except hidden and temporary names.

    Raises OSError if the folder itself cannot be read; folders below that cannot go into ``problems``. Links to folders
    are not followed: they may lead back.
    """
    with os.scandir(folder) as entries:
        here = sorted(entries, key=lambda e: e.name)
    for e in here:
        if e.name.startswith(".") or e.name.endswith(TEMPORARY):
            continue
        try:
            if e.is_dir(follow_symlinks=False):
                yield from scan(e.path, problems)
            else:
                s = e.stat()
                stamp = s.st_size, s.st_mtime_ns
                yield Found(e.path, (s.st_dev, s.st_ino), stamp, s.st_ctime_ns, S_ISREG(s.st_mode))
        except FileNotFoundError:
            continue  # gone since the folder was listed, or a link to nothing
        except OSError as error:
            problems.append(error)


def closed(found: Found, since: float, now: float) -> bool:
    """Written to its end: unchanged for ``QUIET`` seconds by the file's time, or as we saw it (``since``).

    A file that was moved in whole brings an old time with it. Our own watch decides where the file's clock runs ahead.
    """
    return now - found.stamp[1] / 1e9 >= QUIET or now - since >= QUIET


def grows(place: str) -> bool:
    """Whether a file is read while it grows: a log that is not compressed."""
    return place.endswith(".log")


def what(found: Found, *, whole: bool) -> Log | str:
    """A log, ``"capture"``, ``"other"``, or ``""`` while it cannot be told: a file that may grow is judged later."""
    name = found.place
    if name.endswith(CAPTURES) and found.regular:
        return "capture"
    if not found.regular:
        return "other"
    if name.endswith(SUFFIXES) and (whole or grows(found.place)):
        return recognise(found.path) or ("other" if whole or found.size >= HEAD else "")
    if not whole:
        return ""
    return "capture" if has_magic(found.path) else "other"


def last_line_is_whole(path: Path) -> bool:
    """Whether a log's last line, which lacks its end, looks complete: a closed JSON object, or all of its fields.

    A writer's buffer ends anywhere, so a quiet log may stand for long with half a line.
    """
    with path.open("rb") as f:
        f.seek(max(0, path.stat().st_size - _LAST))
        lines = f.read().split(b"\n")
    last, before = lines[-1], lines[-2] if len(lines) > 1 else b""
    if last.lstrip().startswith(b"{"):
        return last.rstrip().endswith(b"}")
    fields = before.count(b"\t") - before.startswith(b"#")  # a line of the header names itself first
    return fields > 0 and fields == last.count(b"\t") and not last.endswith(b"\t")


def ends_in_a_line(path: Path) -> bool:
    """Whether the last byte is other than a line's end."""
    with path.open("rb") as f:
        size = f.seek(0, os.SEEK_END)
        f.seek(max(0, size - 1))
        return f.read(1) not in (b"", b"\n")
