"""How long events are kept, by kind: a table forgets whole days of ``read_at``, which is how it is partitioned.

By ``read_at``, not by event time: an old capture that was read today is kept as long as what happened today.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from fengsui.errors import BadSetting
from fengsui.schema import EVENTS, KINDS

LEAST = 8
"""Days: longer than the bus keeps messages, or what is read again would come back to be forgotten."""
_ENTRY = re.compile(r"([a-z_0-9]+)=(\d+)")
_TTL = re.compile(r"\bTTL toDateTime\(read_at\) \+ toIntervalDay\((\d+)\)")


def days(default: int, by_kind: tuple[str, ...]) -> Mapping[str, int]:
    """Days of every kind, 0 for ever. Findings stay as long as the longest of the events that they rest on.

    Raises BadSetting for a kind that is unknown, or fewer days than LEAST.
    """
    out = dict.fromkeys(EVENTS, default)
    for entry in by_kind:
        found = _ENTRY.fullmatch(entry)
        if found is None or found[1] not in EVENTS:
            raise BadSetting(f"retention_kinds: {entry!r} is not KIND=DAYS; kinds: {', '.join(sorted(EVENTS))}")
        out[found[1]] = int(found[2])
    short = {k: n for k, n in out.items() if 0 < n < LEAST}
    if short:
        raise BadSetting(f"retention: at least {LEAST} days (or 0, for ever), not {sorted(set(short.values()))}")
    longest = 0 if 0 in out.values() else max(out.values())
    return {k: out.get(k, longest) for k in KINDS}


def kept(engine: str) -> int:
    """Days that a table keeps, from its ``engine_full``; 0 for ever."""
    found = _TTL.search(engine)
    return int(found[1]) if found else 0


def statements(table: str, n: int, where: str = "") -> list[str]:
    """What makes a table keep ``n`` days. ``where``: the clause of a cluster."""
    if n == 0:
        return [f"ALTER TABLE {table}{where} REMOVE TTL"]
    return [f"ALTER TABLE {table}{where} MODIFY SETTING ttl_only_drop_parts = 1",
            f"ALTER TABLE {table}{where} MODIFY TTL toDateTime(read_at) + toIntervalDay({n})"]  # fmt: skip
