"""The hunts' SQL: a file each, with a few shared pieces filled in by name. Values are bound by the server, never here.

``@window`` the rows of the organisation's network from the first window's start to the last one's end; ``@flows`` its
flows, each once; ``@hour`` the start of a row's hour (µs), and ``@each`` the numbers of the windows that a column
``hour`` lies in; ``@local(column)``, ``@outside(column)`` and ``@nowhere(column)`` the sides of an address;
``@from(column)`` and ``@to(column)`` the ends of calls to the outside.

Windows are made of whole hours, so what is counted by hour is added up for each window: rows are read once for all.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from detectors.base import Query, Site
from detectors.hunts.networks import Networks
from fengsui.finding import HOUR_US, Window

_PIECE = re.compile(r"@(\w+)(?:\((\w+)\))?")
Piece = str | Callable[[str], str]


@dataclass(frozen=True)
class Scope:
    """What every query of one run of a hunt is bound to. Windows ascend, and neither end ever goes back from one to the
    next. ``public``: no side is known to be inside (see beacon). ``reports``: some flows are reported while still open.
    """

    org: str
    network: str
    windows: tuple[Window, ...]
    networks: Networks
    public: bool = False
    reports: bool = True

    @staticmethod
    def of(query: Query, org: str, network: str, windows: Sequence[Window], networks: Networks) -> Scope:
        """The scope of a run; asks whether any flow is reported while open, which few windows need to care for."""
        scope = Scope(org, network, tuple(windows), networks)
        return replace(scope, reports=bool(scope.ask(query, "flows_open").to_pylist()[0]["n"]))

    @cached_property
    def span(self) -> Window:
        """From the start of the first window to the end of the last."""
        return Window(self.windows[0].start, self.windows[-1].end)

    @cached_property
    def _hours(self) -> dict[str, list[int]]:
        """For each hour of the span the number of the first window that it lies in, and of the first behind it."""
        hours = range(self.span.start, self.span.end, HOUR_US)
        lows = [bisect_right(self.windows, h, key=lambda w: w.end) for h in hours]
        highs = [bisect_right(self.windows, h, key=lambda w: w.start) for h in hours]
        return {"lows": lows, "highs": [max(ends) for ends in zip(lows, highs, strict=True)]}

    def ask(self, query: Query, name: str, values: Mapping[str, Any] | None = None, **pieces: Piece) -> Any:
        """Run ``name``.sql; the answer is a table."""
        sql = fill(name, self._pieces() | pieces)
        bound = {"org": self.org, "network": self.network, "start": self.span.start, "end": self.span.end}
        hours = self._hours if "{lows:" in sql else {}
        return query(sql, bound | hours | self.networks.parameters(sql) | dict(values or {}))

    def piece(self, name: str) -> str:
        """A condition that several queries share, filled."""
        return fill(name, self._pieces())

    def _pieces(self) -> dict[str, Piece]:
        n = self.networks
        return {"local": n.local_sql, "outside": n.outside_sql, "nowhere": n.nowhere_sql, "to": n.outside_sql,
                "from": n.outside_sql if self.public else n.local_sql,
                "flows": _file("flows" if self.reports else "flows_closed")}  # fmt: skip


def ask_sites(query: Query, name: str, sites: Sequence[Site], span: Window, networks: Networks,
              values: Mapping[str, Any]) -> set[Site]:  # fmt: skip
    """The sites that ``name``.sql selects by (org, network); there ``@window`` is the rows of all of them."""
    scope = Scope("", "", (span,), networks)
    sql = fill(name, scope._pieces() | {"window": OF_SITES})
    bound = bound_sites(sites, span) | networks.parameters(sql) | dict(values)
    return {(r["org"], r["network"]) for r in query(sql, bound).to_pylist()}


def bound_sites(sites: Sequence[Site], span: Window) -> dict[str, Any]:
    """What ``sites.sql`` binds."""
    return {"orgs": sorted({org for org, _ in sites}), "sites": [f"{org}/{network}" for org, network in sites],
            "start": span.start, "end": span.end}  # fmt: skip


def fill(name: str, pieces: Mapping[str, Piece]) -> str:
    """The text of ``name``.sql with its pieces; a piece that is not given is a file of that name."""

    def piece(match: re.Match[str]) -> str:
        given = pieces.get(match[1])
        text = given(match[2]) if callable(given) else _file(match[1]) if given is None else given
        return _PIECE.sub(piece, text)

    return _PIECE.sub(piece, _file(name))


@cache
def _file(name: str) -> str:
    lines = Path(__file__).with_name(f"{name}.sql").read_text(encoding="utf-8").splitlines()
    return "\n".join(line for line in lines if not line.startswith("--"))


OF_SITES = _file("sites")
"""The condition for rows of several sites, with what ``bound_sites`` binds."""
