"""What is known of submitted content: a pure function of the bytes and of the analysis. The verdict is none of it."""

from __future__ import annotations

import msgspec

MAX_MATCHED = 200
"""Characters of what was matched that are kept."""
MAX_USES = 2_000


class Evidence(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing found in one file.

    ``rule`` names what found it (``yara.x``, ``archive.traversal``, ``python.exec-decoded``), ``line`` counts from 1
    and ``offset`` from 0 where known, else -1. ``matched`` is what was found, escaped. ``weight``: what it adds to the
    log odds of malice when it stands alone. ``arguments`` fill the rule's sentence.
    """

    rule: str
    path: str
    weight: float
    line: int = -1
    offset: int = -1
    matched: str = ""
    arguments: dict[str, str] = {}
    techniques: tuple[str, ...] = ()


class Use(msgspec.Struct, frozen=True, omit_defaults=True, array_like=True):
    """A function of a library or of the language that code calls, by its full name. ``when``: install, import (of the
    package), module (when that module is imported) or later. Where it stands first."""

    when: str
    name: str
    path: str
    line: int


class Claim(msgspec.Struct, frozen=True):
    """What a package says that it is. ``ecosystem`` as in package URLs: pypi, npm."""

    ecosystem: str
    name: str
    version: str
    path: str


class Limit(msgspec.Struct, frozen=True, omit_defaults=True):
    """Something was not looked at. ``name``: bytes, ratio, members, metadata, depth, time, path, encrypted, damaged,
    unsupported, slow (rules that ran out of time), crash, memory, missing; ``path`` where, ``detail`` what."""

    name: str
    path: str
    detail: str = ""


class File(msgspec.Struct, frozen=True, omit_defaults=True):
    """One file that was met. ``depth`` 0 is what was handed in; ``parent`` the SHA-256 of what holds it; ``entropy`` in
    bits a byte."""

    path: str
    sha256: str
    size: int
    format: str
    depth: int
    parent: str = ""
    entropy: float = 0.0


class Binary(msgspec.Struct, frozen=True, omit_defaults=True):
    """A program or library. ``format``: elf, pe, macho; ``machine`` as its header names it; ``imports``: how many
    functions;
    ``packed``: by what, or *dense*; ``signed``: signed, broken or "" (whether the signer is trusted is not asked);
    ``hardening``: yes or no for each that its format has (relro: full, partial, no)."""

    path: str
    format: str
    machine: str
    imports: int
    libraries: tuple[str, ...] = ()
    packed: str = ""
    signed: str = ""
    hardening: dict[str, str] = {}


class Facts(msgspec.Struct, frozen=True, omit_defaults=True):
    """``bytes_out`` were produced by decompressors; ``members`` met; ``files`` at most a profile's number of them;
    ``uses`` and ``binaries`` the first MAX_USES; ``signature``: what its code resembles (``similar.py``), empty
    where there is none;
    ``seconds`` the worker needed."""

    sha256: str
    size: int
    format: str
    analysis: str
    files: tuple[File, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    limits: tuple[Limit, ...] = ()
    claims: tuple[Claim, ...] = ()
    uses: tuple[Use, ...] = ()
    binaries: tuple[Binary, ...] = ()
    signature: tuple[int, ...] = ()
    bytes_out: int = 0
    members: int = 0
    seconds: float = 0.0


def visible(text: str, most: int = MAX_MATCHED) -> str:
    """``text`` with control, bidi and unassigned characters escaped, cut to ``most`` characters."""
    cut = text[:most]
    shown = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in cut)
    return shown + ("…" if len(text) > most else "")
