"""What a verdict on a submission says to the queue: a finding of one rule, for malicious and suspicious software."""

from __future__ import annotations

from detectors.software import wording
from detectors.software.facts import Facts, visible
from detectors.software.verdict import MALICIOUS, SUSPICIOUS, Verdict
from fengsui.finding import HOUR_US, Conclusion, Detection, Finding, Rule, added, withdraw

DETECTOR, NETWORK = "software", "software"
"""Submissions have no addresses; their alerts stand in a network of this name."""
SEVERITY = {MALICIOUS: 5, SUSPICIOUS: 3}
NAMED = 3
"""Reasons in the summary."""
RULE = Rule(
    "software.submission", "1", "malware/other", "supply_chain", ("T1195.002",), 3,
    {"en": "Submitted software is malicious or suspicious", "zh": "提交的软件为恶意或可疑"},
    {"en": "{name}: {verdict}. {why}", "zh": "{name}：{verdict_zh}。{why_zh}"},
)  # fmt: skip


def origin(submission: str) -> str:
    return f"submission/{submission}"


def findings(submission: str, org: str, name: str, facts: Facts, v: Verdict, at: int) -> list[Finding]:
    """What replaces whatever was said of this submission before; ``at`` in microseconds."""
    gone = withdraw(DETECTOR, org, NETWORK, origin(submission))
    if v.word not in SEVERITY:
        return [gone]
    reasons = [e for e, share in v.reasons if share > 0][:NAMED]
    why = {lang: "; ".join(dict.fromkeys(wording.reason(e, lang) for e in reasons)) for lang in ("en", "zh")}
    arguments = {"name": visible(name), "verdict": wording.VERDICTS[v.word][0], "why": why["en"],
                 "verdict_zh": wording.VERDICTS[v.word][1], "why_zh": why["zh"]}  # fmt: skip
    explanation = {
        "submission": submission, "sha256": facts.sha256, "probability": round(v.probability, 4),
        "reasons": [{"rule": e.rule, "file": e.path, "line": e.line, "share": round(share, 2)}
                    for e, share in v.reasons[:NAMED]],
        "limits": sorted({x.name for x in v.limits}),
    }  # fmt: skip
    c = Conclusion(f"file:{facts.sha256}", SEVERITY[v.word], round(100 * v.probability), arguments, explanation, at, at,
                   {at - at % HOUR_US: 1}, origin=origin(submission), unit=submission)  # fmt: skip
    return [gone, added(Detection(RULE, org, NETWORK, c), DETECTOR)]
