"""What is known of a submission as rows: its files and the verdict, so that the store can be asked for either."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from detectors.software.facts import Facts, visible
from detectors.software.telling import NETWORK, origin
from detectors.software.verdict import Verdict
from fengsui.batch import Batch, Identity, build
from fengsui.schema import ARTIFACT, SCAN

KINDS = (ARTIFACT.name, SCAN.name)


@dataclass(frozen=True)
class Submitted:
    """Whose it is, and which analysis speaks."""

    submission: str
    org: str
    name: str
    analysis: str


def rows(of: Submitted, facts: Facts, v: Verdict, at: int) -> list[Batch]:
    """Artifacts and the scan; ``at`` in microseconds."""
    identity = Identity(of.org, NETWORK, "scan", origin(of.submission), "submission")
    files = facts.files
    out = []
    if files:
        n = len(files)
        out.append(build(ARTIFACT, identity, {
            "event_id": [_id(of.submission, "file", f.path, f.sha256) for f in files], "ts": [at] * n,
            "submission": [of.submission] * n, "sha256": [f.sha256 for f in files],
            "parent_sha256": [f.parent for f in files], "path": [f.path for f in files],
            "format": [f.format for f in files], "size": [f.size for f in files],
            "entropy": [float(f.entropy) for f in files], "depth": [f.depth for f in files]}, n))  # fmt: skip
    claim = facts.claims[0] if facts.claims else None
    out.append(build(SCAN, identity, {
        "event_id": [_id(of.submission, "scan", of.analysis)], "ts": [at], "submission": [of.submission],
        "sha256": [facts.sha256], "name": [visible(of.name, 300)],
        "purl": [f"pkg:{claim.ecosystem}/{claim.name}@{claim.version}" if claim is not None else ""],
        "analysis": [of.analysis], "verdict": [v.word], "probability": [v.probability],
        "limits": [sorted({x.name for x in v.limits})],
        "reasons": [list(dict.fromkeys(e.rule for e, share in v.reasons if share > 0))[:32]],
        "bytes_out": [facts.bytes_out], "files": [facts.members], "seconds": [facts.seconds],
        "signature": [list(facts.signature)]}, 1))  # fmt: skip
    return out


def _id(*parts: str) -> bytes:
    return hashlib.blake2b("\0".join(parts).encode("utf-8", "surrogateescape"), digest_size=16).digest()
