"""Content-addressed files: a blob is durable before any event names it."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
from pathlib import Path
from typing import Protocol

_SHA256 = re.compile(r"[0-9a-f]{64}")


class Blobs(Protocol):
    def put(self, sha256: str, content: bytes) -> None:
        """Keep ``content`` under its SHA-256 (hex), durably; again is harmless.

        Raises ValueError if it is not the content of that name, Retry if the store is away or full.
        """
        ...

    def get(self, sha256: str) -> bytes | None:
        """The content, or None if none is kept."""
        ...

    def delete(self, sha256: str) -> None:
        """Keep it no longer; one that is not there is no error."""
        ...


def checked(sha256: str) -> str:
    """The name, if it is one. Raises ValueError."""
    if not _SHA256.fullmatch(sha256):
        raise ValueError(f"not a SHA-256: {sha256!r}")
    return sha256


class FolderBlobs:
    """Blobs in a folder, two levels deep."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def _path(self, sha256: str) -> Path:
        return self._folder / checked(sha256)[:2] / sha256

    def put(self, sha256: str, content: bytes) -> None:
        path = self._path(sha256)
        if hashlib.sha256(content).hexdigest() != sha256:
            raise ValueError(f"the content is not that of {sha256}")
        if path.exists():
            return
        if not path.parent.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            _sync(self._folder)
        part = path.with_name(f"{sha256}.{secrets.token_hex(4)}.part")
        try:
            with part.open("wb") as f:
                f.write(content)
                f.flush()
                os.fsync(f.fileno())
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
        _sync(path.parent)

    def get(self, sha256: str) -> bytes | None:
        path = self._path(sha256)
        return path.read_bytes() if path.exists() else None

    def delete(self, sha256: str) -> None:
        self._path(sha256).unlink(missing_ok=True)


def _sync(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
