"""Signatures on files that leave the platform: ed25519 over their hashes, to be checked without a network.

The manifest is a JSON object: ``format``, ``at`` (seconds), ``key`` (public, base64), ``files`` (SHA-256 by name) and
``signature`` (base64) over the rest, written with sorted keys and no spaces.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import io
import json
import os
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from cryptography.hazmat.primitives.serialization import load_pem_private_key as load_key

from fengsui.errors import UsageError

FORMAT = "fengsui-signed/1"
MANIFEST = "SIGNATURE.json"
MOST = 256 << 20
"""Bytes of all files together that are looked at."""


class BadSignature(Exception):
    """What is signed is not what is there, or the signature is not one."""


class Signer:
    """Signs with one key. ``public``: its public half, base64."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        self.public = base64.b64encode(key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)).decode()

    @classmethod
    def of(cls, path: Path) -> Signer:
        """The key in a file (PEM), which is made if there is none. Raises UsageError."""
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
            part = path.with_name(f"{path.name}.{os.getpid()}")
            fd = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(fd, "wb") as f:
                f.write(pem)
                f.flush()
                os.fsync(f.fileno())
            with contextlib.suppress(FileExistsError):  # the first of two that start together wins
                os.link(part, path)
            part.unlink()
        try:
            key = load_key(path.read_bytes(), None)
        except (ValueError, TypeError, OSError) as e:
            raise UsageError(f"{path}: no private key: {e}") from e
        if not isinstance(key, Ed25519PrivateKey):
            raise UsageError(f"{path}: not a key of ed25519")
        return cls(key)

    def manifest(self, files: Mapping[str, bytes], at: int) -> bytes:
        """The signed manifest of some files; ``at`` in seconds."""
        said = {"format": FORMAT, "at": at, "key": self.public,
                "files": {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}}  # fmt: skip
        signature = base64.b64encode(self._key.sign(_canonical(said))).decode()
        return json.dumps(said | {"signature": signature}, indent=1, sort_keys=True).encode() + b"\n"

    def bundle(self, files: Mapping[str, bytes], at: int) -> bytes:
        """A ZIP of the files and their manifest, the same for the same input."""
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as z:
            for name, content in {**files, MANIFEST: self.manifest(files, at)}.items():
                info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
                info.compress_type = zipfile.ZIP_DEFLATED
                z.writestr(info, content)
        return out.getvalue()


def verify(files: Mapping[str, bytes], manifest: bytes, key: str = "") -> dict[str, Any]:
    """What a manifest says, if it is true of exactly these files. ``key``: the public key that must have signed;
    without
    one only the files' agreement with whoever signed is known. Raises BadSignature."""
    try:
        said = json.loads(manifest)
        signature, public = base64.b64decode(said.pop("signature"), validate=True), base64.b64decode(said["key"],
                                                                                                     validate=True)
        listed: dict[str, str] = dict(said["files"])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as e:
        raise BadSignature(f"{MANIFEST} is no manifest: {e}") from e
    if said.get("format") != FORMAT:
        raise BadSignature(f"{MANIFEST}: format {said.get('format')!r} is not known here")
    if key and said["key"] != key:
        raise BadSignature(f"signed by another key: {said['key']}")
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, _canonical(said))
    except (InvalidSignature, ValueError) as e:
        raise BadSignature("the signature is not that of the manifest") from e
    for name in sorted(set(listed) | set(files)):
        if name not in files:
            raise BadSignature(f"{name} is signed and not there")
        if name not in listed:
            raise BadSignature(f"{name} is there and not signed")
        if hashlib.sha256(files[name]).hexdigest() != listed[name]:
            raise BadSignature(f"{name} is not as it was signed")
    return dict(said)


def verify_bundle(content: bytes, key: str = "") -> dict[str, Any]:
    """The same of a ZIP that :meth:`Signer.bundle` made. Raises BadSignature."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as z:
            names = z.namelist()
            if len(set(names)) != len(names):
                raise BadSignature("a name stands twice in it")
            if sum(i.file_size for i in z.infolist()) > MOST:
                raise BadSignature(f"it holds more than {MOST >> 20} MB")
            files = {name: z.read(name) for name in names}
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError, ValueError) as e:
        raise BadSignature(f"it cannot be opened: {e}") from e
    if MANIFEST not in files:
        raise BadSignature(f"there is no {MANIFEST} in it")
    return verify({n: c for n, c in files.items() if n != MANIFEST}, files[MANIFEST], key)


def _canonical(said: Mapping[str, Any]) -> bytes:
    return json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
