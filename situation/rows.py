"""What becomes a row of the table ``situation``. Pure: facts and hours with data in, rows out.

``at`` is a full hour, or, for the one row that says how it stands now, the time of the assessment, which is none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec
import numpy as np
import numpy.typing as npt

from fengsui.finding import HOUR_US
from situation.area import Member, Organisation, area, weight_of
from situation.index import DISPOSAL, Facts, K, Point, Scores, Times, points, risks, scores, settled
from situation.tables import INSUFFICIENT, Weights

PROVINCE, CITY, ORGANISATION = "province", "city", "organisation"


class Coverage(msgspec.Struct, frozen=True):
    """Of an organisation: full hours with data; of an area: organisations with enough of them, ``share`` by weight."""

    reporting: int
    registered: int
    share: float
    enough: bool


class Body(msgspec.Struct, frozen=True, omit_defaults=True):
    """The JSON of a row. ``scores`` and ``risk`` by dimension; ``points`` of the newest row of an organisation.

    ``told``: index and band that the activity last told of.
    """

    scores: tuple[float | None, ...]
    coverage: Coverage
    risk: tuple[float, ...] = ()
    points: tuple[Point, ...] = ()
    told: tuple[float | None, str] | None = None


@dataclass(frozen=True)
class Row:
    """A row, its body not yet JSON."""

    scope: str
    scope_id: str
    at: int
    index: float | None
    at_least: float | None
    band: str
    body: Body


def newest(at: int) -> bool:
    """Whether a row says how it stands now (and not at a full hour)."""
    return at % HOUR_US != 0


def coverage_at(present: Times, hours: Times, w: Weights) -> list[Coverage]:
    """Of an organisation with data in the full hours ``present``: in the hours before each of ``hours``."""
    needed = w.coverage.hours
    n = np.searchsorted(present, hours) - np.searchsorted(present, hours - needed * HOUR_US)
    return [Coverage(int(c), needed, c / needed, bool(c / needed >= w.coverage.organisation)) for c in n.tolist()]


def organisation_rows(o: Organisation, f: Facts, present: Times, hours: Times, now: int, sources: npt.NDArray[np.bool_],
                      w: Weights) -> list[Row]:  # fmt: skip
    """The rows at full ``hours`` (ascending, the last one the last before ``now``), and the one of now at the end.

    ``sources`` (k): dimensions that some rule can speak about. A dimension counts where there is a source and enough
    data. Within an hour the index moves by what happens; it decays at full hours, for all alike.
    """
    coverage = coverage_at(present, hours, w)
    enough = np.array([c.enough for c in coverage])
    known = enough[:, None] & sources
    known[:, DISPOSAL] = True
    s = scores(risks(f, hours, w), o.size, known, w)
    out = [_organisation_row(o, int(h), s, i, coverage[i], (), w) for i, h in enumerate(hours)]
    last, today = hours[-1:], settled(f, int(hours[-1]))
    t = scores(risks(today, last, w), o.size, known[-1:], w)
    given = tuple(points(today, int(last[0]), t, w))
    return [*out, _organisation_row(o, now if newest(now) else now + 1, t, 0, coverage[-1], given, w)]


def _organisation_row(o: Organisation, at: int, s: Scores, i: int, coverage: Coverage, given: tuple[Point, ...],
                      w: Weights) -> Row:  # fmt: skip
    index = float(s.index[i])
    risk = s.risk[i].tolist()
    shown = [_short(s.score[i, k]) if s.covered[i, k] and (coverage.enough or risk[k] > 0) else None for k in range(K)]
    body = Body(tuple(shown), coverage, tuple(map(_short, risk)), given)
    if not coverage.enough:
        return Row(ORGANISATION, o.id, at, None, index if index > 0 else None, INSUFFICIENT, body)
    return Row(ORGANISATION, o.id, at, index, None, w.band(index), body)


def _short(value: float) -> float:
    return round(float(value), 6)


class Standing(msgspec.Struct, frozen=True):
    """Of an organisation's row what its city and province need."""

    index: float | None
    at_least: float | None
    scores: tuple[float | None, ...]


def area_row(scope: str, scope_id: str, at: int, members: Sequence[Organisation], standing: Mapping[str, Standing],
             w: Weights) -> Row:  # fmt: skip
    """The row of a city or the province from its organisations' rows at the same time; those without say nothing."""
    reporting = reporting_members(members, standing, w)
    total, covered = sum(weight_of(o, w) for o in members), sum(m.weight for m in reporting)
    share = covered / total if total else 0.0
    coverage = Coverage(len(reporting), len(members), _short(share), bool(members) and share >= w.coverage.area)
    if not (coverage.enough and reporting):
        body = Body((None,) * K, coverage)
        return Row(scope, scope_id, at, None, _at_least(members, standing, w), INSUFFICIENT, body)
    index, _ = area(reporting, w)
    body = Body(tuple(_dimension(k, reporting, standing, w) for k in range(K)), coverage)
    return Row(scope, scope_id, at, index, None, w.band(index), body)


def reporting_members(members: Sequence[Organisation], standing: Mapping[str, Standing], w: Weights) -> list[Member]:
    """Those whose index is known; the others do not enter the mean."""
    known = [(o, standing[o.id].index) for o in members if o.id in standing]
    return [Member(o.id, index, weight_of(o, w)) for o, index in known if index is not None]


def _at_least(members: Sequence[Organisation], standing: Mapping[str, Standing], w: Weights) -> float | None:
    """The area's index if what is not known were nothing: it cannot be lower."""
    lows = [Member(o.id, _low(standing.get(o.id)), weight_of(o, w)) for o in members]
    return area(lows, w)[0] if any(m.index > 0 for m in lows) else None


def _low(s: Standing | None) -> float:
    return 0.0 if s is None else s.index or s.at_least or 0.0


def _dimension(k: int, reporting: Sequence[Member], standing: Mapping[str, Standing], w: Weights) -> float | None:
    known = [(m, standing[m.id].scores[k]) for m in reporting]
    scored = [Member(m.id, score, m.weight) for m, score in known if score is not None]
    return _short(area(scored, w)[0]) if scored else None
