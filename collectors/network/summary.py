"""Finished flows of the table as columns of flow rows: sizes, states and history. Compiled."""

from __future__ import annotations

from typing import Any

from collectors.network import endings, sides
from collectors.network.compiled import compiled
from collectors.network.layout import OTHER, TCP, UDP

UDP_STATES = (12, 11, 0, 2)  # OTH, SHR, S0, SF by originator active (2) + responder active (1)


@compiled()
def _aborted(letters: Any, n: Any) -> Any:
    """Whether the history is SYN and RST of the originator without an answer: ^?S, none of HAFGIQ, R."""
    i = 1 if n and letters[0] == 94 else 0
    if i >= n or letters[i] != 83:
        return False
    for k in range(i + 1, n):
        if letters[k] == 82:
            return True
        if letters[k] in (72, 65, 70, 71, 73, 81):
            return False
    return False


@compiled(nogil=True)
def summarise(flows: Any, ends: Any, history: Any, sizes: Any, states: Any, offsets: Any, text: Any) -> None:
    """For n flows: ``sizes`` (n, 2) int64 payload bytes, ``states`` (n,) int64 indices into endings.CONN_STATES,
    ``offsets`` (n + 1,) int32 and ``text`` uint8 the history letters as one Arrow string column."""
    at = 0
    offsets[0] = 0
    for k in range(flows.shape[0]):
        f, o, r = flows[k], ends[2 * k], ends[2 * k + 1]
        if f.kind == TCP:
            sizes[k, 0], sizes[k, 1] = max(sides.size(o, r), 0), max(sides.size(r, o), 0)
            states[k] = endings.conn_state(o, r, sizes[k, 0], sizes[k, 1], _aborted(history[k], f.history))
        else:
            sizes[k, 0], sizes[k, 1] = (0, 0) if f.kind == OTHER else (o.bytes, r.bytes)
            states[k] = UDP_STATES[2 * o.active + r.active] if f.kind == UDP else 12
        for i in range(f.history):
            text[at] = history[k, i]
            at += 1
        offsets[k + 1] = at
