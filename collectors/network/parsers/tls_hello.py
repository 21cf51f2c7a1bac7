"""ClientHello and ServerHello, and their fingerprints.

JA3 and JA3S: MD5 of the numbers of a hello in their order, GREASE (RFC 8701) removed. JA4: FoxIO's TLS client
fingerprint, whose parts are sorted, so that a client that shuffles its extensions keeps it.
"""

from __future__ import annotations

import hashlib
import struct
from functools import lru_cache
from typing import NamedTuple

from collectors.network.parsers.tls_names import DRAFTS

SERVER_NAME, GROUPS, POINT_FORMATS, SIGNATURES, ALPN = 0, 10, 11, 13, 16
PRE_SHARED_KEY, VERSIONS, KEY_SHARE = 41, 43, 51
RETRY = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")  # of a HelloRetryRequest
EMPTY = "000000000000"
_JA4_VERSIONS = {0x0304: "13", 0x0303: "12", 0x0302: "11", 0x0301: "10", 0x0300: "s3", 0x0002: "s2"}
_EXTENSION = struct.Struct(">HH").unpack_from
_GREASE = frozenset(n << 8 | n for n in range(0x0A, 0x100, 0x10))


class ClientHello(NamedTuple):
    version: int
    session: bytes
    sni: str
    ja3: str
    ja4: str


class ServerHello(NamedTuple):
    version: int
    cipher: int
    session: bytes
    group: int
    alpn: str
    ja3s: str
    resumed: bool  # by a pre-shared key of TLS 1.3
    retry: bool


def client_hello(body: bytes) -> ClientHello | None:
    """Read a ClientHello's body; None if it does not parse. A part cut short reads as absent."""
    try:
        version = body[0] << 8 | body[1]
        at = 35 + body[34]
        session = body[35:at]
        size = body[at] << 8 | body[at + 1]
        ciphers = body[at + 2 : at + 2 + size]
        at += 2 + size
        at += 1 + body[at]
    except IndexError:
        return None
    kinds, found = _extensions(body, at)
    groups = found.get(GROUPS, b"")[2:]
    formats = found.get(POINT_FORMATS, b"")[1:]
    versions = found.get(VERSIONS, b"")[1:]
    ja3, ja4 = fingerprints(version, ciphers, kinds, groups, formats, found.get(SIGNATURES, b"")[2:], versions,
                            found.get(ALPN, b""))  # fmt: skip
    return ClientHello(version, session, _server_name(found.get(SERVER_NAME, b"")), ja3, ja4)


def server_hello(body: bytes) -> ServerHello | None:
    """Read a ServerHello's body (also of the drafts of TLS 1.3, which lacked two fields)."""
    try:
        version = body[0] << 8 | body[1]
        session, at = b"", 34
        if not DRAFTS < version < DRAFTS + 22:
            at = 35 + body[34]
            session = body[35:at]
        cipher = body[at] << 8 | body[at + 1]
    except IndexError:
        return None
    at += 2 if DRAFTS < version < DRAFTS + 22 else 3
    kinds, found = _extensions(body, at)
    chosen = found.get(VERSIONS, b"")
    share = found.get(KEY_SHARE, b"")
    return ServerHello(
        version=chosen[0] << 8 | chosen[1] if len(chosen) == 2 else version,
        cipher=cipher,
        session=session,
        group=share[0] << 8 | share[1] if len(share) >= 2 else 0,
        alpn=_first_protocol(found.get(ALPN, b"")).decode("utf-8", "backslashreplace"),
        ja3s=server_fingerprint(version, cipher, kinds),
        resumed=PRE_SHARED_KEY in found,
        retry=body[2:34] == RETRY,
    )


def _extensions(body: bytes, at: int) -> tuple[tuple[int, ...], dict[int, bytes]]:
    """The types in their order, and the first content of each."""
    kinds: list[int] = []
    found: dict[int, bytes] = {}
    if at + 2 <= len(body):
        body = body[at + 2 : at + 2 + (body[at] << 8 | body[at + 1])]
        at, last = 0, len(body) - 4
        while at <= last:
            kind, size = _EXTENSION(body, at)
            kinds.append(kind)
            after = at + 4 + size
            if kind not in found:
                found[kind] = body[at + 4 : after]
            at = after
    return tuple(kinds), found


def _server_name(raw: bytes) -> str:
    if len(raw) < 5 or raw[2] != 0:
        return ""
    size = raw[3] << 8 | raw[4]
    return raw[5 : 5 + size].decode("utf-8", "backslashreplace").replace("\x00", "\\x00")


def _first_protocol(raw: bytes) -> bytes:
    return raw[3 : 3 + raw[2]] if len(raw) > 3 else b""


@lru_cache(maxsize=4096)
def server_fingerprint(version: int, cipher: int, kinds: tuple[int, ...]) -> str:
    """JA3S of a server."""
    return _md5(f"{version},{cipher},{_dashed(kinds)}")


@lru_cache(maxsize=4096)
def fingerprints(version: int, ciphers: bytes, kinds: tuple[int, ...], groups: bytes, formats: bytes, signatures: bytes,
                 versions: bytes, alpn: bytes) -> tuple[str, str]:  # fmt: skip
    """JA3 and JA4 of a client; what clients of one build have in common, so it is remembered."""
    parts = (_dashed(_numbers(ciphers)), _dashed(kinds), _dashed(_numbers(groups)), "-".join(map(str, formats)))
    ja3 = _md5(f"{version},{','.join(parts)}")
    suites = sorted(_hex(_numbers(ciphers)))
    types = _hex(kinds)
    offered = [v for v in _numbers(versions) if v not in _GREASE]
    head = "t{}{}{:02}{:02}{}".format(
        _JA4_VERSIONS.get(max(offered, default=version), "00"), "d" if "0000" in types else "i",
        min(len(suites), 99), min(len(types), 99), _ja4_alpn(_first_protocol(alpn)))  # fmt: skip
    rest = ",".join(sorted(k for k in types if k not in ("0000", "0010")))
    signed = ",".join(_hex(_numbers(signatures)))
    extensions = f"{rest}_{signed}" if signed else rest
    return ja3, f"{head}_{_short(','.join(suites))}_{_short(extensions)}"


def _numbers(raw: bytes) -> tuple[int, ...]:
    return struct.unpack(f">{len(raw) // 2}H", raw[: len(raw) & ~1])


def _dashed(numbers: tuple[int, ...]) -> str:
    return "-".join([str(n) for n in numbers if n not in _GREASE])


def _hex(numbers: tuple[int, ...]) -> list[str]:
    return [f"{n:04x}" for n in numbers if n not in _GREASE]


def _ja4_alpn(first: bytes) -> str:
    if not first:
        return "00"
    a, b = chr(first[0]), chr(first[-1])
    if a.isascii() and b.isascii() and a.isalnum() and b.isalnum():
        return a + b
    return first.hex()[0] + first.hex()[-1]


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12] if text else EMPTY
