"""What calls and texts of a file mean together, whatever language it is written in.

A reader of a language (``python.py``, ``javascript.py``) gives a Source: calls by their full names with what they can
do, literals, and which names were given something decoded or fetched. Evidence is a combination of them, or of one with
a moment at which nobody expects it: at installation or at import.
"""

from __future__ import annotations

import re
import time
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from detectors.software.facts import Evidence, Use, visible
from detectors.software.signs import (
    ASIDE,
    BARE,
    BLOB,
    CODE,
    DROPS,
    FOREIGN,
    HINTS,
    LOCAL,
    MANGLED,
    PROGRAM,
    SHELL,
    STORES,
    hinted,
)

CHUNK = 2048
"""Bytes that the parser is given at once. The text of a node is read through the same door, a chunk for each, so that
large ones would be copied again and again."""
SMALL, SHORT = 1 << 16, 8
LONG = 800
"""Characters of a literal that is a blob and not text."""
LONGEST = 60
"""Characters of the name of a function that is told."""
_TEXTS = re.compile(r"\"\"\".*?\"\"\"|\'\'\'.*?\'\'\'|#[^\n]*|//[^\n]*|\"[^\"\n]*\"|'[^'\n]*'", re.DOTALL)
_SPACES, _GAP = bytes.maketrans(b"\t", b" "), b" " * 150
"""What there must be for ASIDE to match: looked for first, as with HINTS."""
_WORD = re.compile(r"\w+")
_LITERAL = re.compile(r"['\"`][^\s'\"`]{60,}")

WEIGHTS = {
    "exec-fetched": 6.0, "exec-decoded": 4.0, "install-process": 2.0, "install-network": 3.0, "install-decoded": 2.5,
    "import-process": 1.2, "import-network": 1.5, "module-process": 0.8, "module-network": 0.8, "fetch-and-run": 2.0,
    "host-sent": 2.0, "environment-sent": 0.8, "stores": 2.5, "hidden-name": 3.0, "code-in-text": 3.5, "drop": 2.5,
    "shell": 3.5, "bare-address": 0.8, "program-url": 1.5, "blob": 0.7, "mangled": 2.0, "aside": 4.0,
    "exec-input": 5.0, "native-code": 2.0, "capture-sent": 2.5, "startup": 1.5, "reverse-shell": 4.0, "pth": 2.5,
}  # fmt: skip
"""What a rule adds; its name is the language and one of these."""
SOFTER = {
    "shell": {"exec-fetched": 1.0, "shell": 0.5, "program-url": 0.3, "stores": 1.0, "blob": 0.3, "fetch-and-run": 2.5},
    "powershell": {"exec-fetched": 2.5, "fetch-and-run": 1.0, "startup": 0.8, "shell": 2.0, "program-url": 0.5},
}
"""What it adds where the language is there to fetch and start things."""
_RUN = {"network": "exec-fetched", "decode": "exec-decoded"}
FLOWS = frozenset({"decode", "network", "input"})
"""What is followed: something decoded, fetched, or sent by a visitor."""


@dataclass(frozen=True)
class Call:
    """A call with a capability. ``scope``: 0 is the module, otherwise the function's first byte; ``when``: install,
    import (of the package), module (when that module is imported) or later."""

    name: str
    capability: str
    start: int
    end: int
    line: int
    scope: int
    when: str
    text: str


@dataclass
class Source:
    """What was read of one file."""

    path: str
    language: str
    calls: list[Call] = field(default_factory=list)
    strings: Sequence[Any] = ()
    """Nodes of literals. ``before``: lines before the text."""
    before: int = 0
    tainted: dict[str, set[str]] = field(default_factory=dict)
    """Names that were given something decoded or fetched."""
    uses: dict[tuple[str, str], int] = field(default_factory=dict)
    """When and what is called, with the line on which it is first."""
    joined: bool = False
    """Whether it joins a shell to something."""
    environment: bool = False
    """Whether it takes all of the environment."""
    hidden: list[tuple[int, str]] = field(default_factory=list)
    """Lines and text of built-in functions that are asked for by a made name."""


@dataclass(frozen=True)
class Grammar:
    """A parser, and the query for what is read of a tree."""

    parser: Any
    query: Any


def grammar(language: Any, query: str) -> Grammar:
    import tree_sitter

    known = tree_sitter.Language(language)
    return Grammar(tree_sitter.Parser(known), tree_sitter.Query(known, query))


def parsed(known: Grammar, content: bytes, seconds: float) -> Any:
    """A syntax tree, or None if it takes too long. Only with a reader does the library ask whether to go on; but then
    the text of every node is read through it, which a small file need not pay for."""
    if len(content) <= SMALL:
        return known.parser.parse(content)
    end = time.thread_time() + seconds  # of this thread: what is seen must not depend on what else the machine does

    def more(at: int, _: Any) -> bytes:
        return content[at : at + CHUNK]

    def over(*_: Any) -> bool:
        return time.thread_time() > end

    try:
        tree = known.parser.parse(more, progress_callback=over)
    except ValueError:
        tree = None
    if tree is None:
        known.parser.reset()
    return tree


def said(node: Any) -> str:
    return "" if node is None else str(node.text.decode("utf-8", "replace"))


def capability(name: str, known: dict[str, tuple[str, ...]]) -> str:
    """What a function can do, by its full name or what it begins with (if that ends in a dot or in part of a name)."""
    if not name:
        return ""
    for word, names in known.items():
        for k in names:
            if name == k or (name.startswith(k) and (k[-1] in "._" or len(k) > 8)):
                return word
    return ""


def taint(name: str, start: int, end: int, text: str, out: Source) -> None:
    """``name`` is given what stands from ``start`` to ``end``."""
    marks = {c.capability for c in _within(out, start, end)} & FLOWS | _marks(out, text[:4000])
    if marks:
        out.tainted.setdefault(name, set()).update(marks)


def used(name: str, known: set[str], builtins: frozenset[str]) -> str:
    """What a call is told as: a built-in function, or one of a module that is imported; "" for others."""
    if not name or len(name) > LONGEST:
        return ""
    root = name.split(".", 1)[0]
    return name if (root and root in known) or name in builtins else ""


def follows(out: Source) -> bool:
    """Whether there is anything whose way is to be followed."""
    return any(c.capability in FLOWS for c in out.calls)


def start(c: Call) -> int:
    return c.start


def told(source: Source, content: bytes, whole: bytes | None = None) -> Iterator[Evidence | Use]:
    """Everything that a file shows. ``whole``: all of it, where only ``content`` was parsed."""
    yield from text_evidence(source.path, source.language, content if whole is None else whole)
    yield from evidence(source, content)
    for (when, name), line in source.uses.items():
        yield Use(when, name, source.path, line)


def evidence(source: Source, content: bytes) -> Iterator[Evidence]:
    """What the calls of a file mean together."""

    def told(rule: str, line: int, matched: str) -> Evidence:
        return made(source.language, rule, source.path, line, matched.strip("'\"` \n"))

    by_scope: dict[int, dict[str, Call]] = {}
    for c in source.calls:
        by_scope.setdefault(c.scope, {}).setdefault(c.capability, c)
        flows = _flows(c, source) if c.capability == "run" or source.language == "php" else set()
        if "input" in flows and c.capability in ("run", "process"):
            yield told("exec-input", c.line, c.text)
        elif c.capability == "run" and flows:
            rules = [_RUN[f] for f in flows if f in _RUN]
            if rules:
                yield told(max(rules, key=lambda r: weight(source.language, r)), c.line, c.text)
        if c.when in ("install", "import", "module") and c.capability in ("process", "network"):
            yield told(f"{c.when}-{c.capability}", c.line, c.text)
        elif c.when == "install" and c.capability == "decode":
            yield told("install-decoded", c.line, c.text)
    for line, text in source.hidden:
        yield told("hidden-name", line, text)
    every = {c.capability: c for c in reversed(source.calls)}
    for found in by_scope.values():
        if {"network", "process"} <= set(found):
            yield told("fetch-and-run", found["process"].line, found["process"].text)
        if {"network", "host"} <= set(found):
            yield told("host-sent", found["host"].line, found["host"].text)
    if {"network", "capture"} <= set(every):
        yield told("capture-sent", every["capture"].line, every["capture"].text)
    if "native" in every and every["native"].name != "ctypes.CDLL":
        yield told("native-code", every["native"].line, every["native"].text)
    if "registry" in every:
        yield told("startup", every["registry"].line, every["registry"].text)
    if "network" in every and source.joined and source.language != "shell":
        yield told("reverse-shell", every["network"].line, every["network"].text)
    if "network" in every and source.environment:
        yield told("environment-sent", every["network"].line, every["network"].text)
    yield from _strings(source, content, "network" in every, told)


def _flows(c: Call, source: Source) -> set[str]:
    """What goes into a call: capabilities of calls in its arguments, and marks of names there."""
    marks = {x.capability for x in _within(source, c.start + 1, c.end)} | _marks(source, c.text)
    if _LITERAL.search(c.text):
        marks.add("decode")
    return marks & FLOWS


def _within(source: Source, first: int, end: int) -> list[Call]:
    """Calls that begin there."""
    at = bisect_left(source.calls, first, key=start)
    return source.calls[at : bisect_left(source.calls, end, key=start)]


def _marks(source: Source, text: str) -> set[str]:
    """What the names in a text were given."""
    if not source.tainted:
        return set()
    return {m for name in source.tainted.keys() & set(_WORD.findall(text)) for m in source.tainted[name]}


def _strings(source: Source, content: bytes, network: bool, told: Any) -> Iterator[Evidence]:
    """Of literals. A pattern that cannot match anywhere in the text is asked of none of them."""
    lower = content.lower()
    ask = {p: hinted(p, lower) for p in HINTS}
    some = any(ask.values())
    for node in source.strings:
        first, end = node.start_byte, node.end_byte
        if end - first < (SHORT if some else LONG):
            continue
        line = source.before + node.start_point[0] + 1
        inner = content[first:end].decode("utf-8", "replace").strip("rRbBfFuU").strip("'\"`")
        if ask[DROPS] and (m := DROPS.search(inner)) is not None:
            yield told("drop", line, m[0])
        if ask[SHELL] and (m := SHELL.search(inner)) is not None:
            yield told("shell", line, m[0])
        if network and ask[STORES] and (m := STORES.search(inner)) is not None:
            yield told("stores", line, m[0])
        if ask[CODE] and "(" in inner and (m := CODE.search(inner)) is not None and not _alone(node):
            yield told("code-in-text", line, m[0])
        if "://" not in inner:
            pass
        elif ask[PROGRAM] and (m := PROGRAM.search(inner)) is not None:
            yield told("program-url", line, m[0])
        elif ask[BARE] and (m := BARE.search(inner)) is not None and not LOCAL.search(m[0]):
            yield told("bare-address", line, m[0])
        if len(inner) >= LONG and BLOB.fullmatch(inner[:4000]) and " " not in inner[:200].strip():
            yield told("blob", line, inner[:60])


def _alone(node: Any) -> bool:
    """Whether a literal stands by itself, as documentation does."""
    return node.parent is not None and node.parent.type == "expression_statement"


def _code(content: bytes) -> str:
    """The text without literals and remarks, where foreign words are at home; nothing if all of it is ASCII."""
    return "" if content.isascii() else _TEXTS.sub("", content.decode("utf-8", "replace"))


def text_evidence(path: str, language: str, content: bytes) -> Iterator[Evidence]:
    """What the look of the text says, whatever it parses to."""
    if _GAP in content.translate(_SPACES) and (m := ASIDE.search(content)) is not None:
        line = content.count(b"\n", 0, m.start()) + 1
        yield made(language, "aside", path, line, m[0].decode("utf-8", "replace").strip()[-120:])
    mangled = {*MANGLED.findall(content), *(x.encode() for x in FOREIGN.findall(_code(content)))}
    if len(mangled) >= 5:
        yield made(language, "mangled", path, -1, ", ".join(sorted(x.decode() for x in mangled)[:4]))


def weight(language: str, rule: str) -> float:
    return SOFTER.get(language, {}).get(rule, WEIGHTS[rule])


def made(language: str, rule: str, path: str, line: int, matched: str) -> Evidence:
    """Evidence of one of WEIGHTS."""
    return Evidence(f"{language}.{rule}", path, weight(language, rule), line, matched=visible(matched))
