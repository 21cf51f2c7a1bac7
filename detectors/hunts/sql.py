"""The hunts' SQL: a file each, with a few shared pieces filled in by name. Values are bound by the server, never here.

``@window`` the rows of the organisation's network in the window; ``@flows`` its flows, each once; ``@local(column)``,
``@outside(column)`` and ``@nowhere(column)`` the sides of an address; ``@from(column)`` and ``@to(column)`` the ends
of calls to the outside.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from detectors.base import Query
from detectors.hunts.networks import Networks
from fengsui.finding import Window

_PIECE = re.compile(r"@(\w+)(?:\((\w+)\))?")
Piece = str | Callable[[str], str]


@dataclass(frozen=True)
class Scope:
    """What every query of one run of a hunt is bound to. ``public``: no side is known to be inside (see beacon).
    ``reports``: some flows are reported while still open."""

    org: str
    network: str
    window: Window
    networks: Networks
    public: bool = False
    reports: bool = True

    @staticmethod
    def of(query: Query, org: str, network: str, window: Window, networks: Networks) -> Scope:
        """The scope of a run; asks whether any flow is reported while open, which few windows need to care for."""
        scope = Scope(org, network, window, networks)
        return replace(scope, reports=bool(scope.ask(query, "flows_open").to_pylist()[0]["n"]))

    def ask(self, query: Query, name: str, values: Mapping[str, Any] | None = None, **pieces: Piece) -> Any:
        """Run ``name``.sql; the answer is a table."""
        sql = fill(name, self._pieces() | pieces)
        bound = {"org": self.org, "network": self.network, "start": self.window.start, "end": self.window.end}
        return query(sql, bound | self.networks.parameters() | dict(values or {}))

    def piece(self, name: str) -> str:
        """A condition that several queries share, filled."""
        return fill(name, self._pieces())

    def _pieces(self) -> dict[str, Piece]:
        n = self.networks
        return {"local": n.local_sql, "outside": n.outside_sql, "nowhere": n.nowhere_sql, "to": n.outside_sql,
                "from": n.outside_sql if self.public else n.local_sql,
                "flows": _file("flows" if self.reports else "flows_closed")}  # fmt: skip


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
