"""What follows of a match: a few lines of YAML say what stops a release, what is only told, and by when it must be
gone.

```yaml
rules:                                   # the first that applies counts
  - {name: exploited, when: {kev: true}, gate: fail, days: 3}
  - {name: severe and there is a fix, when: {severity: high, fixed: true}, gate: fail, days: 14}
  - {name: likely, when: {epss: 0.5}, gate: warn}
accept:
  - {id: CVE-2024-1, purl: "pkg:pypi/thing@1.0", until: 2026-12-31, reason: not reachable, owner: someone}
```
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from detectors.advisories.match import AFFECTED, SUPPRESSED, UNORDERED, Match
from detectors.advisories.severity import WORDS, severity
from fengsui.errors import BadSetting

Gate = Literal["fail", "warn", "pass"]
Line = Annotated[str, msgspec.Meta(min_length=1, max_length=300)]


class When(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All that is given must hold. ``severity``: at least; ``epss``: at least; ``fixed``: whether a fix is known."""

    severity: Literal["low", "medium", "high", "critical"] | None = None
    kev: bool | None = None
    epss: Annotated[float, msgspec.Meta(ge=0, le=1)] | None = None
    fixed: bool | None = None
    status: Literal["affected", "unordered"] | None = None


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: Line
    when: When = When()
    gate: Gate = "fail"
    days: Annotated[int, msgspec.Meta(ge=0)] | None = None


class Accepted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A vulnerability that does not count until a day, in one package or (without ``purl``) in all."""

    id: Line
    until: date
    reason: Line
    owner: Line
    purl: str = ""


class Policy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    rules: tuple[Entry, ...] = (Entry("affected", When(status="affected")), Entry("unordered",
                                                                                  When(status="unordered"), "warn"))
    accept: tuple[Accepted, ...] = ()


class Ruling(msgspec.Struct, frozen=True):
    """``rule``: the name of what applied, "" if nothing did; ``days`` in which it must be gone."""

    gate: Gate
    rule: str = ""
    days: int | None = None


def read(path: Path) -> Policy:
    """Raises BadSetting that names the file and the key."""
    try:
        return msgspec.yaml.decode(path.read_bytes(), type=Policy)
    except (msgspec.ValidationError, msgspec.DecodeError, OSError, UnicodeDecodeError) as e:
        raise BadSetting(f"{path}: {e}") from e


def ruling(m: Match, policy: Policy, today: date) -> Ruling:
    """What the policy says of a match. What is not affected passes."""
    if m.status not in (AFFECTED, UNORDERED) or m.advisory is None:
        return Ruling("pass", SUPPRESSED if m.status == SUPPRESSED else "")
    ids = (m.advisory.id, *m.advisory.aliases)
    for a in policy.accept:
        if a.id in ids and a.purl in ("", m.component.purl) and today <= a.until:
            return Ruling("pass", f"accepted by {a.owner} until {a.until}: {a.reason}")
    for entry in policy.rules:
        if _holds(entry.when, m):
            return Ruling(entry.gate, entry.name, entry.days)
    return Ruling("pass")


def _holds(when: When, m: Match) -> bool:
    assert m.advisory is not None
    word, _ = severity(m.advisory.severity)
    return all((
        when.severity is None or (word is not None and WORDS.index(word) >= WORDS.index(when.severity)),
        when.kev is None or when.kev == m.kev, when.epss is None or (m.epss is not None and m.epss >= when.epss),
        when.fixed is None or when.fixed == bool(m.fixed), when.status is None or when.status == m.status,
    ))  # fmt: skip
