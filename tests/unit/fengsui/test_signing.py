"""What is signed can be checked without us, and nothing else passes for it."""

from __future__ import annotations

import io
import json
import stat
import zipfile

import pytest

from fengsui.errors import UsageError
from fengsui.signing import MANIFEST, BadSignature, Signer, verify, verify_bundle

FILES = {"a.txt": b"one", "b.json": b"{}"}
AT = 1_764_000_000


@pytest.fixture
def signer(tmp_path):
    return Signer.of(tmp_path / "keys" / "k.pem")


def zipped(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as z:
        for name, content in files.items():
            z.writestr(name, content)
    return out.getvalue()


def test_a_key_is_made_once_and_is_nobody_elses_to_read(tmp_path):
    path = tmp_path / "keys" / "k.pem"
    first, again = Signer.of(path), Signer.of(path)
    assert first.public == again.public
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [p.name for p in path.parent.iterdir()] == ["k.pem"]


def test_what_was_signed_is_found_to_be_so_and_says_when_and_by_whom(signer):
    bundle = signer.bundle(FILES, AT)
    assert bundle == signer.bundle(FILES, AT)
    said = verify_bundle(bundle, signer.public)
    assert (said["at"], said["key"], sorted(said["files"])) == (AT, signer.public, sorted(FILES))


def test_every_change_is_found(signer, tmp_path):
    manifest = signer.manifest(FILES, AT)
    other = Signer.of(tmp_path / "other.pem")
    said = json.loads(manifest)
    wrong = [
        ({**FILES, "a.txt": b"two"}, manifest, "a.txt is not as it was signed"),
        ({**FILES, "c": b""}, manifest, "c is there and not signed"),
        ({"a.txt": b"one"}, manifest, "b.json is signed and not there"),
        (FILES, json.dumps(said | {"at": AT + 1}).encode(), "not that of the manifest"),
        (FILES, json.dumps(said | {"key": other.public}).encode(), "not that of the manifest"),
        (FILES, json.dumps(said | {"format": "x"}).encode(), "format"),
        (FILES, json.dumps({k: v for k, v in said.items() if k != "signature"}).encode(), "no manifest"),
        (FILES, json.dumps(said | {"signature": "AAAA"}).encode(), "not that of the manifest"),
        (FILES, b"[]", "no manifest"), (FILES, b"\xff", "no manifest"),
    ]  # fmt: skip
    for files, text, why in wrong:
        with pytest.raises(BadSignature, match=why):
            verify(files, text)
    with pytest.raises(BadSignature, match="another key"):
        verify(FILES, manifest, other.public)


def test_a_bundle_that_is_none_is_told(signer):
    for content, why in ((b"", "cannot be opened"), (zipped({"a": b""}), MANIFEST), (signer.bundle(FILES, AT)[:200],
                                                                                     "opened")):
        with pytest.raises(BadSignature, match=why):
            verify_bundle(content)
    with pytest.warns(UserWarning, match="Duplicate"):
        out = io.BytesIO(signer.bundle(FILES, AT))
        with zipfile.ZipFile(out, "a") as z:
            z.writestr("a.txt", b"evil")
    with pytest.raises(BadSignature, match="twice"):
        verify_bundle(out.getvalue())


def test_a_file_that_is_no_key_is_refused(tmp_path):
    (tmp_path / "k").write_text("no key")
    with pytest.raises(UsageError, match="no private key"):
        Signer.of(tmp_path / "k")
