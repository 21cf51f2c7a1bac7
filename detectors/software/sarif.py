"""Verdicts as SARIF 2.1.0, for pipelines and editors."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from detectors.software import wording
from detectors.software.verdict import MALICIOUS, SUSPICIOUS, Verdict
from fengsui import __version__

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
LEVELS = {MALICIOUS: "error", SUSPICIOUS: "warning"}


def sarif(answers: Iterable[tuple[str, Verdict]], lang: str) -> dict[str, Any]:
    """A result for each reason and each limit of each file, by its path or name."""
    results, rules = [], {}
    for path, v in answers:
        for e, _ in v.reasons:
            rules[e.rule] = wording.reason(e, lang)
            region = {"startLine": e.line} if e.line > 0 else {"byteOffset": e.offset} if e.offset >= 0 else None
            said = f"{wording.reason(e, lang)}: {e.path}"
            results.append(_result(e.rule, LEVELS.get(v.word, "note"), said, path, region))
        for x in v.limits:
            rules[f"limit.{x.name}"] = wording.limit(x, lang)
            results.append(_result(f"limit.{x.name}", "note", f"{wording.limit(x, lang)}: {x.path}", path, None))
    driver = {"name": "Fengsui", "version": __version__,
              "rules": [{"id": k, "shortDescription": {"text": t}} for k, t in sorted(rules.items())]}  # fmt: skip
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [{"tool": {"driver": driver}, "results": results}]}


def _result(rule: str, level: str, message: str, path: str, region: dict[str, int] | None) -> dict[str, Any]:
    place: dict[str, Any] = {"artifactLocation": {"uri": path}}
    if region is not None:
        place["region"] = region
    return {"ruleId": rule, "level": level, "message": {"text": message}, "locations": [{"physicalLocation": place}]}
