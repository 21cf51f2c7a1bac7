"""Blobs: named by their content, durable before anything names them."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from fengsui.blobs import FolderBlobs
from fengsui.errors import Retry

CONTENT = b"content"
NAME = hashlib.sha256(CONTENT).hexdigest()


def test_what_was_put_comes_back_also_after_a_restart(tmp_path: Path):
    FolderBlobs(tmp_path / "b").put(NAME, CONTENT)
    assert FolderBlobs(tmp_path / "b").get(NAME) == CONTENT


def test_what_was_never_put_is_none(tmp_path: Path):
    assert FolderBlobs(tmp_path).get(NAME) is None


@pytest.mark.parametrize("name", ["", "../../etc/passwd", NAME.upper(), NAME[:-1], NAME + "0", NAME + "\n", "g" * 64])
def test_only_a_sha256_is_a_name(tmp_path: Path, name: str):
    blobs = FolderBlobs(tmp_path)
    with pytest.raises(ValueError, match="not a SHA-256"):
        blobs.put(name, CONTENT)
    with pytest.raises(ValueError, match="not a SHA-256"):
        blobs.get(name)
    assert list(tmp_path.iterdir()) == []


def test_putting_twice_is_harmless_and_leaves_one_file(tmp_path: Path):
    blobs = FolderBlobs(tmp_path)
    blobs.put(NAME, CONTENT)
    before = (tmp_path / NAME[:2] / NAME).stat()
    blobs.put(NAME, CONTENT)
    assert [f.name for f in tmp_path.rglob("*") if f.is_file()] == [NAME]
    assert (tmp_path / NAME[:2] / NAME).stat().st_ino == before.st_ino


def test_the_content_is_synced_before_the_name_appears_and_the_folders_after(tmp_path: Path, monkeypatch):
    seen: list[tuple[str, bool]] = []
    real, target = os.fsync, tmp_path / "b" / NAME[:2] / NAME

    def fsync(fd: int) -> None:
        seen.append((str(Path(f"/proc/self/fd/{fd}").readlink()), target.exists()))
        real(fd)

    monkeypatch.setattr(os, "fsync", fsync)
    FolderBlobs(tmp_path / "b").put(NAME, CONTENT)
    assert [there for p, there in seen if p.endswith(".part")] == [False]
    after = [p for p, there in seen if there]
    assert str(target.parent) in after
    assert str(tmp_path / "b") in [p for p, _ in seen]  # the folder of the first two letters is new in it


def test_a_blob_half_written_by_one_who_died_is_no_blob(tmp_path: Path):
    blobs = FolderBlobs(tmp_path)
    (tmp_path / NAME[:2]).mkdir()
    (tmp_path / NAME[:2] / f"{NAME}.ab.part").write_bytes(CONTENT[:3])
    assert blobs.get(NAME) is None
    blobs.put(NAME, CONTENT)
    assert blobs.get(NAME) == CONTENT


def test_a_part_is_removed_when_the_disk_is_full(tmp_path: Path, monkeypatch):
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(Retry, match="No space"):
        FolderBlobs(tmp_path).put(NAME, CONTENT)
    assert [f for f in tmp_path.rglob("*") if f.is_file()] == []
