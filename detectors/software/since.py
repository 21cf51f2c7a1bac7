"""What a release has that the one before it had not: hooks, abilities at installation and import, programs, size."""

from __future__ import annotations

from detectors.software.facts import Evidence, Facts, visible

WEIGHTS = {"since.hook": 1.0, "since.ability": 1.0, "since.program": 0.5, "since.size": 0.3}
GROWN, LARGE = 10, 1 << 20
"""Times that a release has grown, and bytes that it must have for that to be told."""
_EARLY = ("install-process", "install-network", "install-decoded", "import-process", "import-network", "exec-fetched",
          "exec-decoded", "exec-input", "reverse-shell", "environment-sent", "host-sent", "capture-sent", "stores",
          "drop",
          "startup", "native-code", "pth")  # fmt: skip
NAMED = 5


def since(before: Facts, now: Facts) -> list[Evidence]:
    """Evidence in what is new. Files are compared by content, abilities by their rule: a file that only moved is not
    new.
    Facts of another analysis tell nothing: what a new rule finds was perhaps there before."""
    if before.analysis != now.analysis:
        return []
    out: list[Evidence] = []
    had = {e.rule for e in before.evidence}
    hooks = {e.matched for e in before.evidence if e.rule == "hook.install"}
    for e in now.evidence:
        if e.rule == "hook.install" and e.matched not in hooks:
            out.append(_told("since.hook", e.path, e.matched, e.line))
    fresh: dict[str, Evidence] = {}
    for e in now.evidence:
        if e.rule not in had and e.rule.partition(".")[2] in _EARLY:
            fresh.setdefault(e.rule, e)
    out += [_told("since.ability", e.path, f"{rule}: {e.matched}", e.line) for rule, e in fresh.items()]
    known = {f.sha256 for f in before.files}
    names = {_inner(b.path) for b in before.binaries}
    sums = {f.path: f.sha256 for f in now.files}
    programs = [b for b in now.binaries if _inner(b.path) not in names and sums.get(b.path) not in known]
    if programs and not before.binaries:
        out.append(_told("since.program", programs[0].path, ", ".join(_inner(b.path) for b in programs[:NAMED])))
    if now.size >= LARGE and now.size > GROWN * max(1, before.size):
        out.append(_told("since.size", now.files[0].path if now.files else "", f"{before.size:,} → {now.size:,}"))
    return out


def _inner(path: str) -> str:
    return path.partition("!/")[2]


def _told(rule: str, path: str, matched: str, line: int = -1) -> Evidence:
    return Evidence(rule, path, WEIGHTS[rule], line, matched=visible(matched))
