"""Content-addressed files: a blob is durable before any event names it."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import secrets
import shutil
from pathlib import Path
from typing import BinaryIO, Protocol

from fengsui.errors import Retry

COPY = 8 << 20
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

    def put_file(self, sha256: str, path: Path) -> None:
        """As ``put``, of a file that may be larger than memory; it stays where it is."""
        ...

    def open(self, sha256: str) -> BinaryIO | None:
        """The content as a file to read, with a descriptor; None if none is kept."""
        ...

    def delete(self, sha256: str) -> None:
        """Keep it no longer; one that is not there is no error."""
        ...

    def within(self, name: str) -> Blobs:
        """A store of its own below this one: what is kept there is not found here. ``name`` as people write it."""
        ...


def part_of(name: str) -> str:
    """A name as a folder's: its hash, for people's names hold anything."""
    return f"of-{hashlib.blake2b(name.encode(), digest_size=12).hexdigest()}"


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
        part = path.with_name(f"{sha256}.{secrets.token_hex(4)}.part")
        try:
            if not path.parent.exists():
                path.parent.mkdir(parents=True, exist_ok=True)
                _sync(self._folder)
            with part.open("wb") as f:
                f.write(content)
                f.flush()
                os.fsync(f.fileno())
            part.replace(path)
            _sync(path.parent)
        except OSError as e:
            raise Retry(f"the blob store: {e.strerror}") from e
        finally:
            with contextlib.suppress(OSError):  # what is left of it is no content
                part.unlink(missing_ok=True)

    def put_file(self, sha256: str, path: Path) -> None:
        to = self._path(sha256)
        with path.open("rb") as f:
            if hashlib.file_digest(f, "sha256").hexdigest() != sha256:
                raise ValueError(f"the content is not that of {sha256}")
            if to.exists():
                return
            to.parent.mkdir(parents=True, exist_ok=True)
            _sync(self._folder)
            part = to.with_name(f"{sha256}.{secrets.token_hex(4)}.part")
            f.seek(0)
            try:
                with part.open("wb") as out:
                    shutil.copyfileobj(f, out, COPY)
                    out.flush()
                    os.fsync(out.fileno())
                part.replace(to)
            except OSError as e:
                raise Retry(f"the blob store: {e.strerror}") from e
            finally:
                part.unlink(missing_ok=True)
        _sync(to.parent)

    def get(self, sha256: str) -> bytes | None:
        path = self._path(sha256)
        return path.read_bytes() if path.exists() else None

    def open(self, sha256: str) -> BinaryIO | None:
        path = self._path(sha256)
        return path.open("rb") if path.exists() else None

    def within(self, name: str) -> FolderBlobs:
        return FolderBlobs(self._folder / part_of(name))

    def delete(self, sha256: str) -> None:
        self._path(sha256).unlink(missing_ok=True)


def _sync(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
