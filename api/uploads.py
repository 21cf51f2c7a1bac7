"""Large files that come in parts: each part is durable before the next is asked for, so that who was cut off goes on
where it was."""

from __future__ import annotations

import os
import secrets
import time
from pathlib import Path
from typing import Any

import msgspec

from api.context import Handed
from api.handed import NO_ROOM, base
from api.problems import ProblemError, not_found

PART = 64 << 20
"""Bytes of one part at most."""
LEFT = 2 * 86_400
"""Seconds after which an upload that nobody went on with is removed."""


class About(msgspec.Struct, frozen=True):
    name: str
    size: int


class Uploads:
    """Each is a file and what it is to be, below ``folder``."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def begin(self, name: str, size: int, room: int) -> str:
        """Raises a 413 problem if there is no room for it."""
        if size > room:
            raise ProblemError(413, "too-large", NO_ROOM)
        self._folder.mkdir(parents=True, exist_ok=True)
        self._sweep()
        key = secrets.token_hex(16)
        self._about(key).write_bytes(msgspec.json.encode(About(base(name), size)))
        self._path(key).touch()
        return key

    def shown(self, key: str) -> dict[str, Any]:
        """As :class:`api.models.submissions.Upload` says."""
        about = self._known(key)
        return {"id": key, "name": about.name, "size": about.size, "offset": self._path(key).stat().st_size}

    def add(self, key: str, offset: int, part: bytes) -> None:
        """The next part. Raises a 409 problem if it does not begin where the last one ended, 413 past the end."""
        about, path = self._known(key), self._path(key)
        held = path.stat().st_size
        if offset != held:
            raise ProblemError(409, "refused", (f"{held} bytes are here: go on from there.",
                                                f"已收到 {held} 字节，请从该处继续。"))  # fmt: skip
        if len(part) > PART or held + len(part) > about.size:
            raise ProblemError(413, "too-large")
        with path.open("r+b") as f:
            f.seek(held)
            f.write(part)
            f.flush()
            os.fsync(f.fileno())

    def whole(self, key: str) -> Handed:
        """The file, all of which has arrived. Raises a 409 problem if it has not."""
        about, path = self._known(key), self._path(key)
        if path.stat().st_size != about.size:
            raise ProblemError(409, "refused", ("Not all of it has arrived.", "文件尚未上传完整。"))
        return Handed(about.name, path, about.size)

    def end(self, key: str) -> None:
        self._path(key).unlink(missing_ok=True)
        self._about(key).unlink(missing_ok=True)

    def _known(self, key: str) -> About:
        try:
            return msgspec.json.decode(self._about(key).read_bytes(), type=About)
        except FileNotFoundError as e:
            raise not_found(key) from e

    def _path(self, key: str) -> Path:
        return self._folder / f"{key}.upload"

    def _about(self, key: str) -> Path:
        return self._folder / f"{key}.json"

    def _sweep(self) -> None:
        for about in self._folder.glob("*.json"):
            path = about.with_suffix(".upload")
            if not path.exists() or time.time() - path.stat().st_mtime > LEFT:
                self.end(about.stem)
