"""Files that come with a request: written durably under names of our own, as long as there is room."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from fastapi import UploadFile

from api.context import Handed
from api.problems import ProblemError

BLOCK = 1 << 20
NO_ROOM = ("No room is left for it: see the disk limit.", "剩余空间不足，请查看磁盘上限设置。")


def keep(folder: Path, file: UploadFile, room: int) -> Handed:
    """Write a file durably below a folder. Raises a 413 problem if it has more than ``room`` bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{secrets.token_hex(16)}.part"
    size = 0
    try:
        with path.open("wb") as out:
            while block := file.file.read(BLOCK):
                size += len(block)
                if size > room:
                    raise ProblemError(413, "too-large", NO_ROOM)
                out.write(block)
            out.flush()
            os.fsync(out.fileno())
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return Handed(base(file.filename or "file"), path, size)


def base(name: str) -> str:
    """The last part of a name that a browser gave: a name to show, never a path to write to."""
    return Path(name.replace("\\", "/").replace("\0", "")).name[:255] or "file"
