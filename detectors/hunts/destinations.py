"""What is known of a destination outside: how many hosts inside use it, and for how long. Raises or lowers a threat."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from detectors.base import Query
from detectors.hunts.history import ages
from detectors.hunts.sql import Scope
from detectors.hunts.threat import FirstSeen, Prevalence
from fengsui.jsonform import ip_text


def all_hosts(query: Query, scope: Scope) -> int:
    """Hosts inside that called outside within the window."""
    return int(scope.ask(query, "hosts").to_pylist()[0]["hosts"])


def modifiers(query: Query, scope: Scope, of: str, dsts: Sequence[bytes | str], hosts: int, newest: int,
              prevalence: Prevalence, first_seen: FirstSeen) -> dict[Any, Mapping[str, Any]]:  # fmt: skip
    """By destination: ``modifiers`` of the threat, and how many ``hosts`` use it. ``of``: pairs (addresses) or names.

    ``hosts``: of all that called; ``newest``: second that ages are counted from.
    """
    names = sorted({d if isinstance(d, str) else ip_text(d) for d in dsts})
    using = {r["dst"]: r["hosts"] for r in scope.ask(query, f"beacon_{of}_hosts", {"dst": names}).to_pylist()}
    age, memory = ages(query, scope, f"history_{of}", names, newest, first_seen)
    return {
        d: {
            "modifiers": {
                "prevalence": prevalence.modifier(using.get(d, 1), hosts),
                "first_seen": first_seen.modifier(age.get(d), memory),
            },
            "hosts": using.get(d, 1), "all_hosts": hosts,
        } for d in dsts
    }  # fmt: skip
