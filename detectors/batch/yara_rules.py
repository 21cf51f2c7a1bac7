"""YARA rules from files to something that scans. A rule that does not compile is a BadRule with its file and line."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yara

from fengsui.errors import BadRule
from fengsui.finding import Rule

SCANNER_VERSION = "1"
SUFFIXES = (".yar", ".yara")
MAX_STRINGS, MAX_PLACES = 10, 3
Buffer = bytes | memoryview

_LINE = re.compile(r"line (\d+): (.*)", re.DOTALL)
_TECHNIQUE = re.compile(r"T\d{4}(?:\.\d{3})?")
_DEFAULTS: Mapping[str, Any] = {"severity": 4, "confidence": 70, "category": "malware/other", "techniques": ""}
_TEXT = {"en": "{title}: {file} ({mime}) reached {hosts}", "zh": "{title_zh}：{file}（{mime}）到达 {hosts}"}


@dataclass(frozen=True)
class Source:
    """The text of one file of rules. ``name`` is its path below the rules' folder, and their namespace."""

    name: str
    path: Path
    text: str


@dataclass(frozen=True)
class YaraRule:
    """A rule, and what its ``meta`` says."""

    source: Source
    identifier: str
    rule: Rule
    meta: Mapping[str, Any]
    severity: int
    confidence: int


@dataclass(frozen=True)
class Match:
    """Matched strings: identifier, length, first offsets."""

    rule: YaraRule
    strings: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True)
class Scan:
    """``slow`` names the files of rules that ran out of time, ``skipped`` those that had none left.

    ``missing``: the content was not there to scan.
    """

    matches: tuple[Match, ...]
    slow: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()
    missing: bool = False

    @property
    def complete(self) -> bool:
        return not (self.slow or self.skipped or self.missing)


def read_folder(folder: Path) -> list[Source]:
    """Every file of rules below a folder, in order of path. Raises BadRule for one that is not UTF-8."""
    files = sorted(p for p in folder.rglob("*") if p.suffix in SUFFIXES)
    return [Source(str(p.relative_to(folder)), p, _text(p)) for p in files]


def _text(path: Path) -> str:
    raw = path.read_bytes()
    try:
        return raw.decode()
    except UnicodeDecodeError as e:
        raise BadRule(path, "not UTF-8", raw.count(b"\n", 0, e.start) + 1) from e


class YaraSet:
    """Rules compiled together, without includes and without external variables. Raises BadRule."""

    def __init__(self, sources: Iterable[Source]) -> None:
        self.sources = {s.name: s for s in sources}
        self._alone: dict[str, Any] = {}
        try:
            self._all = _compile({s.name: s.text for s in self.sources.values()})
        except yara.Error:
            for s in self.sources.values():
                self._single(s.name)  # says which
            raise
        self.rules: dict[str, YaraRule] = {}
        for s in self.sources.values():
            for r in self._described(s):
                if r.identifier in self.rules:
                    raise BadRule(s.path, f"rule {r.identifier} is also in {self.rules[r.identifier].source.path}")
                self.rules[r.identifier] = r

    def scan(self, data: Buffer, seconds: int, clock: Any) -> Scan:
        """Match within about ``seconds``. ``clock`` gives monotonic seconds.

        YARA loses every match when its time is over, so half of the time goes to all rules together, and if that was
        not enough, the other half to one file of rules after another.
        """
        begun = clock()
        try:
            return Scan(tuple(self._matches(self._all, data, max(1, seconds // 2))))
        except yara.TimeoutError:
            pass
        matches: list[Match] = []
        slow, skipped = [], []
        for name in self.sources:
            left = int(seconds - (clock() - begun))
            if left < 1:
                skipped.append(name)
                continue
            try:
                matches += self._matches(self._single(name), data, max(1, min(left, seconds // 4)))
            except yara.TimeoutError:
                slow.append(name)
        return Scan(tuple(matches), tuple(slow), tuple(skipped))

    def _matches(self, compiled: Any, data: Buffer, seconds: int) -> Iterator[Match]:
        found = compiled.match(data=data, timeout=seconds, console_callback=_silent)
        for m in sorted(found, key=lambda m: m.rule):
            yield Match(self.rules[m.rule], tuple(_string(s) for s in m.strings[:MAX_STRINGS]))

    def _single(self, name: str) -> Any:
        if name not in self._alone:
            source = self.sources[name]
            try:
                self._alone[name] = _compile({name: source.text})
            except yara.Error as e:
                found = _LINE.search(str(e))
                raise BadRule(source.path, found[2] if found else str(e), int(found[1]) if found else None) from e
        return self._alone[name]

    def _described(self, source: Source) -> Iterator[YaraRule]:
        digest = hashlib.sha256(f"{SCANNER_VERSION}\n{source.text}".encode()).hexdigest()[:16]
        for r in self._single(source.name):
            if not r.is_private:
                yield _described(source, r.identifier, dict(r.meta), digest)


def _silent(message: str) -> None:
    """Rules may write to the console; ours has other uses."""


def _compile(sources: Mapping[str, str]) -> Any:
    return yara.compile(sources=dict(sources), includes=False, error_on_warning=False)


def _string(s: Any) -> Mapping[str, Any]:
    places = [i.offset for i in s.instances[:MAX_PLACES]]
    return {"name": s.identifier, "offsets": places, "count": len(s.instances)}


def _described(source: Source, identifier: str, meta: Mapping[str, Any], digest: str) -> YaraRule:
    known = {**_DEFAULTS, **meta}
    severity, confidence = known["severity"], known["confidence"]
    severity = severity if type(severity) is int and 0 <= severity <= 6 else int(_DEFAULTS["severity"])
    confidence = confidence if type(confidence) is int and 0 <= confidence <= 100 else int(_DEFAULTS["confidence"])
    category = str(known["category"])
    title = str(meta.get("description", identifier))
    rule = Rule(
        id=f"yara.{identifier}", version=digest, techniques=tuple(_TECHNIQUE.findall(str(known["techniques"]))),
        category=category if "/" in category else str(_DEFAULTS["category"]),
        title={"en": title, "zh": str(meta.get("description_zh", title))}, text=_TEXT,
    )  # fmt: skip
    return YaraRule(source, identifier, rule, meta, severity, confidence)
