"""A report as it is handed over: page and PDF, content, SARIF and CycloneDX, all under one signature."""

from __future__ import annotations

import json
from typing import Any

from detectors.software import report
from detectors.software.facts import Facts
from detectors.software.report import Subject
from detectors.software.sarif import sarif
from detectors.software.verdict import Verdict
from fengsui.signing import Signer


def files(of: Subject, facts: Facts, v: Verdict, lang: str) -> dict[str, bytes]:
    """Every form of the report, by file name."""
    content = report.content(of, facts, v, lang)
    return {
        "report.html": report.page(content).encode(), "report.pdf": report.pdf(content), "report.json": _json(content),
        "report.sarif": _json(sarif([(of.name, v)], lang)), "bom.cdx.json": _json(report.cyclonedx(of, facts, v)),
    }  # fmt: skip


def signed(of: Subject, facts: Facts, v: Verdict, lang: str, signer: Signer) -> bytes:
    """The same as a ZIP with their signature."""
    return signer.bundle(files(of, facts, v, lang), of.at // 1_000_000)


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, indent=1).encode() + b"\n"
