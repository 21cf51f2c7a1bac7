"""Sigma rules from files to what a hunt runs. Every error is a BadRule naming the file and, where known, the line."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sigma.correlations import SigmaCorrelationRule
from sigma.exceptions import SigmaError
from sigma.rule import SigmaRule

from detectors.rulefile import Section, parse
from detectors.sigma.backend import ClickHouse, NotCovered
from detectors.sigma.fields import FIELDS, Field, kinds_of
from fengsui.errors import BadRule
from fengsui.finding import Rule

BACKEND_VERSION = "1"

_SEVERITY = {"INFORMATIONAL": 1, "LOW": 2, "MEDIUM": 3, "HIGH": 4, "CRITICAL": 5}
_CONFIDENCE = {"STABLE": 85, "TEST": 70, "EXPERIMENTAL": 55, "DEPRECATED": 30, "UNSUPPORTED": 30}
# The first tactic that is found names the category of GB/T 20986-2023; rules may name their own.
_CATEGORIES = {
    "exfiltration": "data/leak", "impact": "malware/other", "command-and-control": "malware/botnet",
    "credential-access": "attack/credential", "lateral-movement": "attack/backdoor_use",
    "initial-access": "attack/exploit", "reconnaissance": "attack/scanning", "discovery": "attack/scanning",
}  # fmt: skip
_OTHER = "attack/other"
_TECHNIQUE = re.compile(r"t\d{4}(\.\d{3})?")
_SUMMARY = ": {host} ×{count} {seen}"
_BREAK = re.compile(r"^---[ \t]*\n", re.MULTILINE)
_CORRELATION = re.compile(r"^correlation\s*:", re.MULTILINE)
_OWN_KEY = "fengsui"
_OWN_KEYS = {"title_zh", "category", "subject", "samples"}
_SUBJECTS = ("src", "dst")


@dataclass(frozen=True)
class Loaded:
    """A rule ready to run: one WHERE expression for each kind that it looks at."""

    path: Path
    rule: Rule
    severity: int
    confidence: int
    subject: str
    where: Mapping[str, str]
    fields: Mapping[str, Mapping[str, Field]]
    description: str
    samples: Section | None


@dataclass(frozen=True)
class Compiled:
    """A rule as written, and its WHERE expressions with the fields they use, by kind."""

    section: Section
    sigma: SigmaRule
    own: Section | None
    where: dict[str, str]
    fields: dict[str, dict[str, Field]]


def rule_files(folder: Path) -> list[tuple[Path, list[str]]]:
    """Every ``.yml`` and ``.yaml`` file below a folder in order of path, and the documents in it."""
    files = sorted(p for p in folder.rglob("*") if p.suffix in (".yml", ".yaml"))
    return [(p, documents(p.read_text(encoding="utf-8"))) for p in files]


def documents(text: str) -> list[str]:
    """The YAML documents of a file, each behind as many empty lines as there are before it: lines keep their number."""
    parts = _BREAK.split(text)
    found, line = [], 0
    for part in parts:
        if part.strip():
            found.append("\n" * line + part)
        line += part.count("\n") + 1
    return found


def is_correlation(document: str) -> bool:
    return _CORRELATION.search(document) is not None


def load_folder(folder: Path) -> list[Loaded]:
    """Every rule below a folder, but those of a file with a correlation. Raises BadRule at the first bad one."""
    rules = [load_text("\n---\n".join(d), p) for p, d in rule_files(folder) if not any(map(is_correlation, d))]
    unique([(r.rule.id, r.path) for r in rules])
    return rules


def unique(ids: Iterable[tuple[str, Path]]) -> None:
    """Raise BadRule for an id that stands twice."""
    seen: dict[str, Path] = {}
    for rule, path in ids:
        if rule in seen:
            raise BadRule(path, f"id {rule} is also the id of {seen[rule]}")
        seen[rule] = path


def load_text(text: str, path: Path) -> Loaded:
    """One rule from the text of its file. Raises BadRule, also for a sound rule that asks for what is not covered."""
    return _loaded(path, text, compiled(text, path))


def compiled(text: str, path: Path) -> Compiled:
    section = parse(path, text)
    if "correlation" in section.values:
        raise section.error("a correlation stands in a file with its rules", "correlation")
    own = own_keys(section)
    plain = {k: v for k, v in as_plain(section).items() if k != _OWN_KEY}
    with naming(path, text):
        sigma = SigmaRule.from_dict(plain)
        where, fields = _conditions(plain, sigma)
    return Compiled(section, sigma, own, where, fields)


@contextmanager
def naming(path: Path, text: str, key: str = "detection") -> Iterator[None]:
    """Turn what pySigma raises into a BadRule with file and line; ``key`` is where to look if it names none."""
    try:
        yield
    except NotCovered as e:
        raise BadRule(path, f"not covered: {e.reason}", _line(text, e.word)) from e
    except SigmaError as e:
        raise BadRule(path, str(e), _line(text, key)) from e
    except (TypeError, AttributeError, KeyError, NotImplementedError) as e:
        raise BadRule(path, f"pySigma cannot read it: {e}", _line(text, key)) from e


def _conditions(plain: dict[str, Any], sigma: SigmaRule) -> tuple[dict[str, str], dict[str, dict[str, Field]]]:
    source = sigma.logsource
    groups = kinds_of(source.category, source.product, source.service)
    if not groups:
        named = ", ".join(str(p) for p in (source.category, source.product, source.service) if p)
        raise NotCovered(f"log source {named}", "logsource")
    missing: list[NotCovered] = []
    for group in groups:
        where, fields = {}, {}
        for kind in group:
            backend = ClickHouse(kind)
            try:
                conditions = backend.convert_rule(SigmaRule.from_dict(plain))
            except NotCovered as e:
                missing.append(e)
                continue
            where[kind], fields[kind] = " OR ".join(f"({c})" for c in conditions), backend.used
        if where:
            return where, fields
    # Of what is missing, say first what no kind has.
    kinds = [kind for group in groups for kind in group]
    raise next((e for e in missing if not any(e.word in FIELDS[k] for k in kinds)), missing[0])


def _loaded(path: Path, text: str, c: Compiled) -> Loaded:
    own = c.own.values if c.own else {}
    return Loaded(
        path, described(text, c.section, c.sigma, c.own, _SUMMARY), severity(c.sigma), confidence(c.sigma),
        own.get("subject", "src"), c.where, c.fields, c.sigma.description or "", own.get("samples"),
    )  # fmt: skip


def described(text: str, section: Section, sigma: SigmaRule | SigmaCorrelationRule, own: Section | None,
              summary: str) -> Rule:  # fmt: skip
    """What the rule says of itself; ``summary`` is what its findings' text says after the title."""
    if sigma.id is None:
        raise section.error("a rule needs an id")
    title = sigma.title or str(sigma.id)
    titles = {"en": title, "zh": own.values.get("title_zh", title) if own else title}
    return Rule(
        id=f"sigma.{sigma.id}", version=hashlib.sha256(f"{BACKEND_VERSION}\n{text}".encode()).hexdigest()[:16],
        category=_category(sigma, own), techniques=_techniques(sigma), title=titles,
        text={lang: _braced(t) + summary for lang, t in titles.items()},
    )  # fmt: skip


def severity(sigma: SigmaRule | SigmaCorrelationRule) -> int:
    return _SEVERITY[sigma.level.name] if sigma.level else 3


def confidence(sigma: SigmaRule | SigmaCorrelationRule) -> int:
    return _CONFIDENCE[sigma.status.name] if sigma.status else 55


def own_keys(section: Section) -> Section | None:
    own = section.values.get(_OWN_KEY)
    if own is None:
        return None
    if not isinstance(own, Section):
        raise section.error(f"{_OWN_KEY} must be a mapping", _OWN_KEY)
    own.only(_OWN_KEYS)
    if own.values.get("subject", "src") not in _SUBJECTS:
        raise own.error(f"subject is one of {', '.join(_SUBJECTS)}", "subject")
    for key in ("title_zh", "category"):
        if not isinstance(own.values.get(key, ""), str):
            raise own.error(f"{key} must be text", key)
    if not isinstance(own.values.get("samples"), (Section, type(None))):
        raise own.error("samples must be a mapping", "samples")
    return own


def _category(sigma: SigmaRule | SigmaCorrelationRule, own: Section | None) -> str:
    if own and "category" in own.values:
        return str(own.values["category"])
    tactics = {t.name.replace("_", "-") for t in sigma.tags if t.namespace == "attack"}
    return next((c for tactic, c in _CATEGORIES.items() if tactic in tactics), _OTHER)


def _techniques(sigma: SigmaRule | SigmaCorrelationRule) -> tuple[str, ...]:
    names = (t.name for t in sigma.tags if t.namespace == "attack")
    return tuple(n.upper() for n in names if _TECHNIQUE.fullmatch(n))


def _braced(text: str) -> str:
    """Text that ``str.format`` gives back as it is."""
    return text.replace("{", "{{").replace("}", "}}")


def as_plain(value: Any) -> Any:
    if isinstance(value, Section):
        return {k: as_plain(v) for k, v in value.values.items()}
    return [as_plain(v) for v in value] if isinstance(value, list) else value


def _line(text: str, word: str) -> int | None:
    """The first line that begins with a key or holds a word, from 1."""
    if not word:
        return None
    key = re.compile(rf"[\s-]*['\"]?{re.escape(word)}['\"]?\s*[:|]")
    lines = text.splitlines()
    return next((n for n, line in enumerate(lines, 1) if key.match(line)),
                next((n for n, line in enumerate(lines, 1) if word in line), None))  # fmt: skip
