"""What every store of blobs must do: a folder, and S3 (on MinIO)."""

from __future__ import annotations

import hashlib
import secrets
from pathlib import Path
from typing import Any

import pytest

from fengsui.blobs import FolderBlobs
from fengsui.blobs_s3 import S3Blobs
from fengsui.errors import BadSetting, Retry, UsageError
from tests.support.minio import bucket


@pytest.fixture(params=["folder", "s3"])
def blobs(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    if request.param == "folder":
        return FolderBlobs(tmp_path)
    return S3Blobs(bucket())


def named(content: bytes) -> tuple[str, bytes]:
    return hashlib.sha256(content).hexdigest(), content


@pytest.mark.parametrize("size", [0, 1, 100_000, 20_000_000])
def test_what_was_put_is_there_and_again_is_harmless(blobs, size):
    name, content = named(secrets.token_bytes(size))
    assert blobs.get(name) is None
    blobs.put(name, content)
    blobs.put(name, content)
    assert blobs.get(name) == content


def test_what_was_deleted_is_gone_and_can_be_put_again(blobs):
    name, content = named(b"something")
    blobs.put(name, content)
    blobs.delete(name)
    blobs.delete(name)
    assert blobs.get(name) is None
    blobs.put(name, content)
    assert blobs.get(name) == content


def test_a_name_that_is_no_hash_is_refused(blobs):
    for name in ("../etc/passwd", "", "A" * 64, "0" * 63):
        with pytest.raises(ValueError, match="not a SHA-256"):
            blobs.put(name, b"")
        with pytest.raises(ValueError, match="not a SHA-256"):
            blobs.get(name)


def test_content_that_is_not_what_its_name_says_is_refused(blobs):
    with pytest.raises(ValueError, match="not that of"):
        blobs.put("0" * 64, b"something else")
    assert blobs.get("0" * 64) is None


def test_a_store_that_is_away_may_come_back_and_a_bucket_that_is_not_there_is_named():
    name, content = named(b"x")
    there = bucket()
    with pytest.raises(Retry):
        S3Blobs("s3://b?endpoint=http://127.0.0.1:1").put(name, content)
    with pytest.raises(UsageError, match="NoSuchBucket"):
        S3Blobs(there.replace("s3://test-", "s3://other-")).put(name, content)


@pytest.mark.parametrize("url", ["http://bucket", "s3://", "s3://b?key=secret"])
def test_an_address_that_is_none_names_the_setting(url):
    with pytest.raises(BadSetting, match="blobs_url"):
        S3Blobs(url)


@pytest.mark.parametrize("size", [0, 100_000, 20_000_000])
def test_a_file_is_put_and_opened_as_one(blobs, tmp_path, size):
    name, content = named(secrets.token_bytes(size))
    path = tmp_path / "file"
    path.write_bytes(content)
    assert blobs.open(name) is None
    blobs.put_file(name, path)
    blobs.put_file(name, path)
    with blobs.open(name) as f:
        assert f.fileno() > 0
        assert f.read() == content
    assert blobs.get(name) == content
    assert path.read_bytes() == content
    with pytest.raises(ValueError, match="not that of"):
        blobs.put_file("0" * 64, path)


def test_what_is_kept_within_is_found_there_alone(blobs):
    name, content = named(b"somebody's")
    mine, theirs = blobs.within("org/../a"), blobs.within("b")
    mine.put(name, content)
    assert (mine.get(name), theirs.get(name), blobs.get(name)) == (content, None, None)
    mine.delete(name)
    assert mine.get(name) is None
