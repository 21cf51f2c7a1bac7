"""The order of versions in each ecosystem, as bytes: ``a`` comes before ``b`` where ``key(e, a) < key(e, b)``.

A key is computed once, and a database or a sort needs nothing but to compare bytes. Numbers are their length and their
digits, so that they are of any size; whatever may go on ends with a sign below every continuation, except where the
ecosystem says that something that goes on comes first (``~`` of Debian, a pre-release).

Sources: PEP 440; deb-version(7); rpm's vercmp; apk-tools' version; Semantic Versioning 2.0.0; RubyGems' Gem::Version;
Maven's version order specification; NuGet's and Dart's package versioning; PHP's version_compare and Composer's
normalisation; R's and Haskell's lists of numbers. Where PEP 440 does not read a version, setuptools' older order
holds, below
every version that it reads.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import lru_cache


class Unordered(ValueError):
    """The ecosystem has no order for this version: it can only be named."""


def number(digits: str) -> bytes:
    """A number of any size: of two, the longer is the greater."""
    bare = digits.lstrip("0")
    n = len(bare)
    return (bytes([n]) if n < 255 else b"\xff" + n.to_bytes(4, "big")) + bare.encode()


# Python

_PEP440 = re.compile(
    r"v?(?:(\d+)!)?(\d+(?:\.\d+)*)(?:[-_.]?(a|b|c|rc|alpha|beta|pre|preview)[-_.]?(\d+)?)?"
    r"(?:(?:-(\d+))|(?:[-_.]?(post|rev|r)[-_.]?(\d+)?))?(?:[-_.]?(dev)[-_.]?(\d+)?)?"
    r"(?:\+([a-z0-9]+(?:[-_.][a-z0-9]+)*))?", re.IGNORECASE)  # fmt: skip
_PRE = {"a": b"\x10", "alpha": b"\x10", "b": b"\x11", "beta": b"\x11", "c": b"\x12", "rc": b"\x12", "pre": b"\x12",
        "preview": b"\x12"}  # fmt: skip
_LEGACY = re.compile(r"(\d+|[a-z]+|\.|-)")
_LEGACY_WORDS = {"pre": "c", "preview": "c", "-": "final-", "rc": "c", "dev": "@"}


def pypi(version: str) -> bytes:
    text = version.strip().lower()
    m = _PEP440.fullmatch(text)
    if m is None:
        return b"\x00" + _legacy(text)
    epoch, release, pre, pre_n, post_alone, post, post_n, dev, dev_n, local = m.groups()
    numbers = release.split(".")
    while len(numbers) > 1 and not numbers[-1].strip("0"):
        numbers.pop()
    key = b"\x01" + number(epoch or "0") + b"".join(b"\x01" + number(n) for n in numbers) + b"\x00"
    is_post = post is not None or post_alone is not None
    if pre is None and not is_post and dev is not None:
        key += b"\x01"  # a development release comes before every pre-release
    else:
        key += _PRE[pre] + number(pre_n or "0") if pre else b"\x20"
    key += b"\x01" + number(post_alone or post_n or "0") if is_post else b"\x00"
    key += b"\x00" + number(dev_n or "0") if dev is not None else b"\x01"
    if local is None:
        return key + b"\x00"
    parts = re.split(r"[-_.]", local)
    return key + b"\x01" + b"".join(b"\x02" + number(p) if p.isdigit() else b"\x01" + p.encode() + b"\x00" for p
                                    in parts)


def _legacy(text: str) -> bytes:
    """As setuptools ordered what PEP 440 does not read."""
    parts: list[str] = []
    for raw in _LEGACY.split(text):
        part = _LEGACY_WORDS.get(raw, raw)
        if not part or part == ".":
            continue
        if part[0].isdigit():
            _legacy_add(parts, part.zfill(8))
        else:
            _legacy_add(parts, f"*{part}")
    _legacy_add(parts, "*final")
    return b"".join(p.encode() + b"\x00" for p in parts)


def _legacy_add(parts: list[str], part: str) -> None:
    if part.startswith("*"):
        if part < "*final":
            while parts and parts[-1] == "*final-":
                parts.pop()
        while parts and parts[-1] == "00000000":
            parts.pop()
    parts.append(part)


# Debian, RPM, Alpine


def debian(version: str) -> bytes:
    text = version.strip()
    epoch, colon, rest = text.partition(":")
    if not colon:
        epoch, rest = "0", text
    if not epoch.isdigit():
        raise Unordered(version)
    upstream, dash, revision = rest.rpartition("-")
    if not dash:
        upstream, revision = rest, "0"
    return number(epoch) + _debian_part(upstream) + _debian_part(revision)


def _debian_part(text: str) -> bytes:
    out, at = [], 0
    while at < len(text):
        end = at
        while end < len(text) and not text[end].isdigit():
            end += 1
        out.append(b"".join(_debian_sign(c) for c in text[at:end]) + b"\x02")
        at = end
        while end < len(text) and text[end].isdigit():
            end += 1
        out.append(number(text[at:end]))
        at = end
    return b"".join(out) + b"\x02" + number("") + b"\x02"


def _debian_sign(c: str) -> bytes:
    """``~`` before the end, the end before letters, letters before everything else."""
    if c == "~":
        return b"\x01"
    return b"\x03" + c.encode() if c.isalpha() else b"\x04" + c.encode()


_RPM = re.compile(r"[0-9]+|[a-zA-Z]+|~|\^")


def redhat(version: str) -> bytes:
    text = version.strip()
    epoch, colon, rest = text.partition(":")
    if not colon:
        epoch, rest = "0", text
    head, dash, release = rest.partition("-")
    return _rpm_part(epoch) + _rpm_part(head) + (b"\x03" + _rpm_part(release) if dash else b"\x02")


def _rpm_part(text: str) -> bytes:
    out = []
    for part in _RPM.findall(text):
        if part == "~":
            out.append(b"\x01")
        elif part == "^":
            out.append(b"\x03")
        elif part.isdigit():
            out.append(b"\x20" + number(part))
        else:
            out.append(b"\x10" + part.encode() + b"\x00")
    return b"".join(out) + b"\x02"


_APK = re.compile(r"(\d+)((?:\.\d+)*)(?:([a-z])(\d*))?((?:_(?:alpha|beta|pre|rc|cvs|svn|git|hg|"
                  r"p)\d*)*)(?:~([0-9a-f]+))?(?:-r(\d*))?")
_APK_SUFFIX = {"alpha": b"\x01", "beta": b"\x02", "pre": b"\x03", "rc": b"\x04", "cvs": b"\x10", "svn": b"\x11",
               "git": b"\x12", "hg": b"\x13", "p": b"\x14"}  # fmt: skip
_POINTS = re.compile(r"\.+")
_APK_END = b"\x08"
"""Between suffixes of what is still to come and those of what was added."""


def alpine(version: str) -> bytes:
    """What does not follow the form is read as far as it does, and comes before the version that ends there."""
    text = _POINTS.sub(".", version.strip())
    m = _APK.match(text)
    if m is None:
        return b"\x00" + text.encode()
    first, more, letter, after, suffixes, _, revision = m.groups()
    key = [b"\x01" + number(first)]
    for n in more.split(".")[1:]:
        # a component that begins with 0 is read as behind a point: 1.01 before 1.1
        key.append(b"\x01" + (b"\x00" + n.rstrip("0").encode() + b"\x00" if n[0] == "0" else b"\x01" + number(n)))
    key.append(b"\x00" + (b"\x01" + letter.encode() + number(after) if letter else b"\x00"))
    for suffix in suffixes.split("_")[1:]:
        word = suffix.rstrip("0123456789")
        key.append(_APK_SUFFIX[word] + number(suffix[len(word) :]))
    return b"".join(key) + _APK_END + number(revision or "0") + (b"\x01" if m.end() == len(text) else b"\x00")


# Semantic versions and their like

_SEMVER = re.compile(r"[vV=]*\s*(\d+(?:\.\d+)*)(?:[-.]?([0-9A-Za-z.-]+?))?(?:\+(.*))?")


def _release(digits: str, most: int = 0) -> bytes:
    """Numbers between points, without the zeros at the end."""
    parts = digits.split(".")
    while len(parts) > 1 and not parts[-1].strip("0"):
        parts.pop()
    return b"".join(b"\x01" + number(p) for p in parts) + b"\x00"


def _identifiers(text: str, *, fold: bool = False) -> bytes:
    """A pre-release: numbers before words, and one that goes on after one that ends."""
    parts = (text.lower() if fold else text).split(".")
    return b"".join(b"\x01" + number(p) if p.isdigit() else b"\x02" + p.encode() + b"\x00" for p in parts) + b"\x00"


def semver(version: str) -> bytes:
    m = _SEMVER.fullmatch(version.strip())
    if m is None:
        raise Unordered(version)
    release, pre, _ = m.groups()
    return _release(release) + (b"\x00" + _identifiers(pre) if pre else b"\x01")


def nuget(version: str) -> bytes:
    m = _SEMVER.fullmatch(version.strip())
    if m is None:
        raise Unordered(version)
    release, pre, _ = m.groups()
    return _release(release) + (b"\x00" + _identifiers(pre, fold=True) if pre else b"\x01")


def pub(version: str) -> bytes:
    """As semantic versions, but what was built of one comes after it."""
    m = _SEMVER.fullmatch(version.strip())
    if m is None:
        raise Unordered(version)
    release, pre, build = m.groups()
    built = b"\x01" + _identifiers(build) if build else b"\x00"
    return _release(release) + (b"\x00" + _identifiers(pre) if pre else b"\x01") + built


_GEM = re.compile(r"[0-9]+|[a-z]+", re.IGNORECASE)


def rubygems(version: str) -> bytes:
    text = version.strip().replace("-", ".pre.")
    parts = _GEM.findall(text)
    if not re.fullmatch(r"[0-9A-Za-z.]*", text):
        raise Unordered(version)
    split = next((i for i, p in enumerate(parts) if not p.isdigit()), len(parts))
    kept = [*_untrailed(parts[:split]), *_untrailed(parts[split:])]
    return b"".join(b"\x20" + number(p) if p.isdigit() else b"\x10" + p.encode() + b"\x00" for p in kept) + b"\x18"


def _untrailed(parts: list[str]) -> list[str]:
    out = list(parts)
    while out and out[-1].isdigit() and not out[-1].strip("0"):
        out.pop()
    return out


def numbers(version: str) -> bytes:
    """Numbers alone, between points or dashes; more of them come after."""
    parts = re.split(r"[.-]", version.strip())
    if not all(p.isdigit() for p in parts):
        raise Unordered(version)
    return b"".join(b"\x01" + number(p) for p in parts) + b"\x00"


# Maven

_MAVEN = re.compile(r"([.\-_]?)([0-9]+|[^0-9.\-_]+|)")
_QUALIFIERS = {"alpha": 0x10, "beta": 0x11, "milestone": 0x12, "rc": 0x13, "cr": 0x13, "snapshot": 0x14, "sp": 0x50}
_NOTHING = "0"
_SHORT = {"a": "alpha", "b": "beta", "m": "milestone"}
_NULLS = frozenset({"0", "", "final", "ga", "release"})
_BEFORE, _BEHIND = {".": 0x08, "-": 0x18}, {".": 0x50, "-": 0x58}
"""Words below an end and above it; of the same sort one behind a point comes first."""
_LOW, _END, _OTHER, _DASHED, _HIGH, _DOTTED = 0x20, 0x30, 0x51, 0x60, 0x68, 0x70


def maven(version: str) -> bytes:
    tokens = _trimmed(_tokens(version.strip().lower()))
    key = bytearray()
    for i, (separator, token) in enumerate(tokens):
        if token in _NULLS and (separator == "." or not token.isdigit()) and i:
            rest = next((x for x in tokens[i + 1 :] if x[1] not in _NULLS), None)
            low = rest is not None and not rest[1].isdigit() and _QUALIFIERS.get(rest[1], _OTHER) < _LOW
            key.append(_LOW if low else _HIGH)
        elif token.isdigit():
            key.append(_DASHED if separator == "-" else _DOTTED)
            key += number(token)
        else:
            rank = _QUALIFIERS.get(token, _OTHER)
            key.append(_BEFORE[separator] if rank < _LOW else _BEHIND[separator])
            key.append(rank)
            if rank == _OTHER:
                key += token.encode() + b"\x00"
    return bytes(key) + bytes([_END])


def _tokens(text: str) -> list[tuple[str, str]]:
    """Tokens with what stands before each; where digits and letters meet is a dash. Numbers without zeros in front."""
    out: list[tuple[str, str]] = []
    at = 0
    while at <= len(text):
        m = _MAVEN.match(text, at)
        assert m is not None  # it matches nothing too
        separator, token = m[1] or ("-" if out else "."), m[2]
        if not m[0]:
            break
        separator = "-" if separator == "_" else separator
        after = text[m.end() : m.end() + 1]
        if token.isdigit():
            token = token.lstrip("0") or "0"
        elif token in _SHORT and after.isdigit():
            token = _SHORT[token]
        out.append((separator, token or _NOTHING))
        at = m.end()
    return out


def _trimmed(tokens: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Without what counts for nothing at the end, and before each dash."""
    out: list[tuple[str, str]] = []
    for separator, token in tokens:
        if separator == "-":
            while len(out) > 1 and out[-1][1] in _NULLS and out[-1][0] != "!":
                out.pop()
        out.append((separator, token))
    while len(out) > 1 and out[-1][1] in _NULLS:
        out.pop()
    return out


# PHP

_PHP = re.compile(r"[0-9]+|[a-zA-Z]+|#")
_PHP_WORDS = (("dev", 1), ("alpha", 2), ("a", 2), ("beta", 3), ("b", 3), ("RC", 4), ("rc", 4), ("#", 5), ("pl", 7),
              ("p", 7))
"""What a word begins with, in the order in which PHP asks; others are 0, and equal."""


def packagist(version: str) -> bytes:
    """As PHP compares versions: words before numbers, unknown ones first and ``p`` last of them; an end is between."""
    text = version.strip()
    text = text[1:] if text[:1] in "vV" else text
    key = bytearray()
    for part in _PHP.findall(text):
        if part.isdigit():
            key.append(8)
            key += number(part)
        else:
            key.append(next((n for word, n in _PHP_WORDS if part.startswith(word)), 0))
    return bytes(key) + b"\x06"


ORDERS: dict[str, Callable[[str], bytes]] = {
    "PyPI": pypi, "Debian": debian, "Ubuntu": debian, "Red Hat": redhat, "AlmaLinux": redhat, "Rocky Linux": redhat,
    "openEuler": redhat, "SUSE": redhat, "openSUSE": redhat, "Alpine": alpine, "Alpaquita": alpine, "npm": semver,
    "Go": semver, "crates.io": semver, "Hex": semver, "SwiftURL": semver, "NuGet": nuget, "Pub": pub,
    "RubyGems": rubygems, "CRAN": numbers, "Hackage": numbers, "Maven": maven, "Packagist": packagist,
}  # fmt: skip
"""By the ecosystem's name in OSV, without what stands behind a colon (a distribution's release)."""


@lru_cache(maxsize=200_000)
def key(ecosystem: str, version: str) -> bytes | None:
    """The key of a version, or None where the ecosystem has no order for it, or is not known here."""
    order = ORDERS.get(ecosystem.split(":", 1)[0])
    if order is None:
        return None
    try:
        return order(version)
    except Unordered:
        return None


def ordered(ecosystem: str, versions: Iterable[str]) -> list[str]:
    """Those that have an order, in it."""
    return sorted((v for v in versions if key(ecosystem, v) is not None), key=lambda v: key(ecosystem, v) or b"")
