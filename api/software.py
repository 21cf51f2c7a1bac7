"""Submissions as the API shows them: the verdict is computed from the facts each time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import msgspec
from sqlalchemy import Connection

from api.context import Context
from api.problems import ProblemError
from api.views import moment
from detectors.software import bundle, wording
from detectors.software import report as pages
from detectors.software.facts import Evidence, Facts, Limit
from detectors.software.report import Subject
from detectors.software.sarif import sarif
from detectors.software.verdict import Verdict, verdict
from fengsui.signing import Signer
from situation import appeals, submissions

REASONS, FILES = 200, 500
ALIKE = 0.5
"""Share of equal places from which two resemble each other."""
_SIMILAR = """
SELECT submission, max(arrayCount((a, b) -> a = b, signature, {mine:Array(UInt64)}) / length(signature)) AS alike
FROM scan WHERE org = {org:String} AND submission != {me:String} AND length(signature) = length({mine:Array(UInt64)})
GROUP BY submission HAVING alike >= {least:Float64} ORDER BY alike DESC, submission LIMIT 20"""


def line(row: Any) -> dict[str, Any]:
    """As :class:`api.models.submissions.Submission` says."""
    return {
        "id": row.id, "org": row.org, "name": row.name, "size": row.size, "sha256": row.sha256,
        "profile": row.profile, "state": row.state, "verdict": row.verdict or None, "probability": row.probability,
        "actor": row.actor, "created_at": moment(row.created_at), "changed_at": moment(row.changed_at),
    }  # fmt: skip


def facts_of(ctx: Context, row: Any) -> Facts | None:
    """What is known of a submission; None while nothing is."""
    content = ctx.blobs.within(row.org).get(row.facts) if row.facts else None
    return None if content is None else msgspec.json.decode(content, type=Facts)


def detail(ctx: Context, db: Connection, row: Any) -> dict[str, Any]:
    """As :class:`api.models.submissions.SubmissionDetail` says."""
    facts = facts_of(ctx, row)
    exception = submissions.excepted(db, row.org, row.sha256, ctx.now())
    out = line(row) | {
        "analysis": row.analysis, "format": "", "seconds": None, "base": None, "reasons": [], "limits": [], "files": [],
        "more_files": 0, "exception": None if exception is None else exempt(exception),
        "appeals": [appeal(a) for a in appeals.of(db, row.id)],
    }  # fmt: skip
    if facts is None:
        return out
    v = judged(ctx, db, row, facts)
    inner = [{"path": f.path, "sha256": f.sha256, "size": f.size, "format": f.format, "depth": f.depth}
             for f in facts.files[:FILES]]  # fmt: skip
    return out | {
        "verdict": v.word, "probability": v.probability, "format": facts.format, "seconds": facts.seconds,
        "base": v.base, "reasons": [why(e, share) for e, share in v.reasons[:REASONS]],
        "limits": [not_seen(x) for x in v.limits], "files": inner, "more_files": max(0, len(facts.files) - FILES),
    }  # fmt: skip


def judged(ctx: Context, db: Connection, row: Any, facts: Facts) -> Verdict:
    """The verdict as it is today, with the release before in mind."""
    earlier = submissions.previous(db, row.id, row.package)
    content = ctx.blobs.within(row.org).get(earlier) if earlier else None
    previous = None if content is None else msgspec.json.decode(content, type=Facts)
    return verdict(facts, replace(ctx.software, previous=previous))


def report(ctx: Context, db: Connection, row: Any, form: str, lang: str) -> bytes:
    """One form of the report on a submission. Raises ProblemError while there is no verdict."""
    facts = facts_of(ctx, row)
    if facts is None:
        raise ProblemError(409, "refused", ("It has not been scanned yet.", "尚未完成扫描。"))
    v = judged(ctx, db, row, facts)
    org = ctx.names.organisations().get(row.org)
    of = Subject(row.name, ctx.now(), row.org if org is None else org["name"][lang], row.id)
    if form == "zip":
        return bundle.signed(of, facts, v, lang, signer(ctx))
    content = pages.content(of, facts, v, lang)
    made: dict[str, Callable[[], bytes]] = {
        "html": lambda: pages.page(content).encode(), "pdf": lambda: pages.pdf(content),
        "sarif": lambda: msgspec.json.encode(sarif([(row.name, v)], lang)),
        "cyclonedx": lambda: msgspec.json.encode(pages.cyclonedx(of, facts, v)),
    }  # fmt: skip
    return made[form]()


def signer(ctx: Context) -> Signer:
    return Signer.of(ctx.signing_key)


def similar(ctx: Context, db: Connection, row: Any) -> list[dict[str, Any]]:
    """As :class:`api.models.submissions.Similar` says. Deleted submissions are none."""
    facts = facts_of(ctx, row)
    if facts is None or not facts.signature:
        return []
    near = ctx.query(_SIMILAR, {"org": row.org, "me": row.id, "mine": list(facts.signature),
                                "least": ALIKE}).to_pylist()
    there = {r.id: r for r in submissions.named(db, [r["submission"] for r in near])}
    return [{"id": r["submission"], "name": there[r["submission"]].name, "verdict": there[r["submission"]].verdict,
             "alike": round(r["alike"], 3)} for r in near if r["submission"] in there]  # fmt: skip


def why(e: Evidence, share: float) -> dict[str, Any]:
    return {
        "rule": e.rule, "text": {lang: wording.reason(e, lang) for lang in ("en", "zh")}, "file": e.path,
        "line": e.line if e.line > 0 else None, "offset": e.offset if e.offset >= 0 else None, "matched": e.matched,
        "share": share, "techniques": list(e.techniques),
    }  # fmt: skip


def not_seen(x: Limit) -> dict[str, Any]:
    return {"name": x.name, "file": x.path, "detail": x.detail,
            "text": {lang: wording.limit(x, lang) for lang in ("en", "zh")}}  # fmt: skip


def exempt(row: Any) -> dict[str, Any]:
    return {"id": row.id, "org": row.org, "sha256": row.sha256, "reason": row.reason, "owner": row.owner,
            "created_at": moment(row.created_at), "expires_at": moment(row.expires_at)}  # fmt: skip


def appeal(row: Any) -> dict[str, Any]:
    return {
        "id": row.id, "submission": row.submission, "org": row.org, "sha256": row.sha256, "verdict": row.verdict,
        "actor": row.actor, "reason": row.reason, "at": moment(row.at), "deadline": moment(row.deadline),
        "state": row.state, "answer": row.answer, "answered_by": row.answered_by,
        "answered_at": moment(row.answered_at),
    }  # fmt: skip
