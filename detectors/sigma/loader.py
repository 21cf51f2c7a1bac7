"""Sigma rules from files to what a hunt runs. Every error is a BadRule naming the file and, where known, the line."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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


def load_folder(folder: Path) -> list[Loaded]:
    """Every ``.yml`` and ``.yaml`` file below a folder, in order of path. Raises BadRule at the first bad one."""
    files = sorted(p for p in folder.rglob("*") if p.suffix in (".yml", ".yaml"))
    rules = [load_text(p.read_text(encoding="utf-8"), p) for p in files]
    seen: dict[str, Path] = {}
    for r in rules:
        if r.rule.id in seen:
            raise BadRule(r.path, f"id {r.rule.id} is also the id of {seen[r.rule.id]}")
        seen[r.rule.id] = r.path
    return rules


def load_text(text: str, path: Path) -> Loaded:
    """One rule from the text of its file. Raises BadRule, also for a sound rule that asks for what is not covered."""
    section = parse(path, text)
    if "correlation" in section.values:
        raise section.error("correlation rules are not covered", "correlation")
    own = _own(section)
    plain = {k: v for k, v in _plain(section).items() if k != _OWN_KEY}
    try:
        sigma = SigmaRule.from_dict(plain)
        where, fields = _conditions(plain, sigma)
    except NotCovered as e:
        raise BadRule(path, f"not covered: {e.reason}", _line(text, e.word)) from e
    except SigmaError as e:
        raise BadRule(path, str(e), _line(text, "detection")) from e
    except (TypeError, AttributeError, KeyError, NotImplementedError) as e:
        raise BadRule(path, f"pySigma cannot read it: {e}", _line(text, "detection")) from e
    return _loaded(path, text, section, sigma, own, where, fields)


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


def _loaded(path: Path, text: str, section: Section, sigma: SigmaRule, own: Section | None,
            where: dict[str, str], fields: dict[str, dict[str, Field]]) -> Loaded:  # fmt: skip
    if sigma.id is None:
        raise section.error("a rule needs an id")
    title = sigma.title or str(sigma.id)
    zh = own.values.get("title_zh", title) if own else title
    digest = hashlib.sha256(f"{BACKEND_VERSION}\n{text}".encode()).hexdigest()[:16]
    rule = Rule(
        id=f"sigma.{sigma.id}", version=digest, category=_category(sigma, own), techniques=_techniques(sigma),
        title={"en": title, "zh": zh},
        text={lang: _braced(t) + _SUMMARY for lang, t in (("en", title), ("zh", zh))},
    )  # fmt: skip
    return Loaded(
        path, rule, _SEVERITY[sigma.level.name] if sigma.level else 3,
        _CONFIDENCE[sigma.status.name] if sigma.status else 55, own.values.get("subject", "src") if own else "src",
        where, fields, sigma.description or "", own.values.get("samples") if own else None,
    )  # fmt: skip


def _own(section: Section) -> Section | None:
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


def _category(sigma: SigmaRule, own: Section | None) -> str:
    if own and "category" in own.values:
        return str(own.values["category"])
    tactics = {t.name.replace("_", "-") for t in sigma.tags if t.namespace == "attack"}
    return next((c for tactic, c in _CATEGORIES.items() if tactic in tactics), _OTHER)


def _techniques(sigma: SigmaRule) -> tuple[str, ...]:
    names = (t.name for t in sigma.tags if t.namespace == "attack")
    return tuple(n.upper() for n in names if _TECHNIQUE.fullmatch(n))


def _braced(text: str) -> str:
    """Text that ``str.format`` gives back as it is."""
    return text.replace("{", "{{").replace("}", "}}")


def _plain(value: Any) -> Any:
    if isinstance(value, Section):
        return {k: _plain(v) for k, v in value.values.items()}
    return [_plain(v) for v in value] if isinstance(value, list) else value


def _line(text: str, word: str) -> int | None:
    """The first line that begins with a key or holds a word, from 1."""
    if not word:
        return None
    key = re.compile(rf"[\s-]*['\"]?{re.escape(word)}['\"]?\s*[:|]")
    lines = text.splitlines()
    return next((n for n, line in enumerate(lines, 1) if key.match(line)),
                next((n for n, line in enumerate(lines, 1) if word in line), None))  # fmt: skip
