"""YARA over files that protocols carried: each content once for each message, however many events name it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv6Address
from typing import Any

import pyarrow.compute as pc

from detectors.base import ReadBlob
from detectors.batch.yara_rules import SCANNER_VERSION, Match, Scan, YaraSet
from fengsui.batch import Batch
from fengsui.finding import MAX_EVIDENCE, Conclusion, Detection, Evidence, Rule, hour, microseconds

FILE_SECONDS = 10
_COLUMNS = ("org", "network", "origin", "sha256", "ts", "event_id", "src_ip", "dst_ip", "direction", "filename", "mime",
            "protocol", "seen_bytes")  # fmt: skip
_MAX_RELATED = 16

INCOMPLETE = Rule(
    id="yara.incomplete", version=SCANNER_VERSION, category="malware/other",
    title={"en": "File not wholly scanned", "zh": "文件未完整扫描"},
    text={"en": "{file} was not wholly scanned: {reason}", "zh": "{file} 未能完整扫描：{reason}"},
)  # fmt: skip


@dataclass(frozen=True)
class _File:
    """The events of one content of one organisation's network and origin."""

    org: str
    network: str
    origin: str
    sha256: str
    rows: list[dict[str, Any]]


class YaraDetector:
    """``seconds`` bounds the scan of one content; ``clock`` gives monotonic seconds."""

    name = "yara"
    kinds: tuple[str, ...] = ("file",)

    def __init__(
        self, rules: YaraSet, seconds: int = FILE_SECONDS, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.set, self._seconds, self._clock = rules, seconds, clock
        self.rules: tuple[Rule, ...] = (*(r.rule for r in rules.rules.values()), INCOMPLETE)

    def detect(self, batch: Batch, unit: str, read_blob: ReadBlob) -> list[Detection]:
        scans: dict[str, Scan] = {}
        found: list[Detection] = []
        for file in _files(batch):
            if file.sha256 not in scans:
                content = read_blob(file.sha256)
                scans[file.sha256] = (
                    Scan((), missing=True) if content is None else self.set.scan(content, self._seconds, self._clock)
                )
            scan = scans[file.sha256]
            found += [_matched(file, m, unit) for m in scan.matches]
            if not scan.complete:
                found.append(_incomplete(file, scan, unit))
        return found


def _files(batch: Batch) -> Iterator[_File]:
    kept = batch.rows.filter(batch.column("kept")).select(_COLUMNS)
    if not kept.num_rows:
        return
    groups: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for row in kept.take(pc.sort_indices(kept, [("ts", "ascending"), ("event_id", "ascending")])).to_pylist():
        groups.setdefault((row["org"], row["network"], row["origin"], row["sha256"]), []).append(row)
    for key, rows in groups.items():
        org, network, origin, sha256 = key
        yield _File(org, network, origin, sha256, rows)


def _matched(file: _File, match: Match, unit: str) -> Detection:
    r = match.rule
    arguments = {"title": r.rule.title["en"], "title_zh": r.rule.title["zh"], "file": _name(file),
                 "mime": file.rows[0]["mime"] or "?", "hosts": ", ".join(_receivers(file)[:3])}  # fmt: skip
    explanation = {"rule": r.identifier, "rule_file": r.source.name, "strings": list(match.strings), **_facts(file)}
    return _detection(r.rule, file, unit, r.severity, r.confidence, arguments, explanation)


def _incomplete(file: _File, scan: Scan, unit: str) -> Detection:
    parts = {"out of time:": scan.slow, "not tried:": scan.skipped}
    reason = "its content is gone" if scan.missing else "; ".join(f"{k} {', '.join(v)}" for k, v in parts.items() if v)
    explanation = {"missing": scan.missing, "slow": list(scan.slow), "skipped": list(scan.skipped), **_facts(file)}
    return _detection(INCOMPLETE, file, unit, 2, 100, {"file": _name(file), "reason": reason[:512]}, explanation)


def _detection(rule: Rule, file: _File, unit: str, severity: int, confidence: int, arguments: Mapping[str, Any],
               explanation: Mapping[str, Any]) -> Detection:  # fmt: skip
    times = [microseconds(r["ts"]) for r in file.rows]
    hours: dict[int, int] = {}
    for t in times:
        hours[hour(t)] = hours.get(hour(t), 0) + 1
    evidence = tuple(Evidence("file", t, r["event_id"]) for t, r in zip(times[:MAX_EVIDENCE], file.rows, strict=False))
    return Detection(rule, file.org, file.network, Conclusion(
        subject=f"file:{file.sha256}", severity=severity, confidence=confidence, arguments=arguments,
        explanation=explanation, first_seen=times[0], last_seen=times[-1], hours=hours,
        related=tuple(f"host:{h}" for h in _receivers(file)[:_MAX_RELATED]), evidence=evidence,
        filter={"kind": "file", "sha256": file.sha256}, origin=file.origin, unit=unit,
    ))  # fmt: skip


def _facts(file: _File) -> dict[str, Any]:
    row = file.rows[0]
    return {"filename": row["filename"], "mime": row["mime"], "protocol": row["protocol"], "bytes": row["seen_bytes"],
            "events": len(file.rows), "senders": _ends(file, sender=True)[:_MAX_RELATED]}  # fmt: skip


def _name(file: _File) -> str:
    return next((r["filename"] for r in file.rows if r["filename"]), file.sha256[:16])


def _receivers(file: _File) -> list[str]:
    return _ends(file, sender=False)


def _ends(file: _File, sender: bool) -> list[str]:
    """Addresses of the hosts that got (or sent) the file, in order of time."""
    ends = dict.fromkeys(r["src_ip"] if (r["direction"] == "orig") is sender else r["dst_ip"] for r in file.rows)
    addresses = [IPv6Address(e) for e in ends]
    return [str(a.ipv4_mapped or a) for a in addresses]
