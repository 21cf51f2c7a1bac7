"""What follows a proxy's agreement (CONNECT, SOCKS) is a connection of its own."""

from __future__ import annotations

from collectors.network.parsers.base import Emit, Keep, Stream, StreamParser

MAX_PROBE = 4096


class Tunnel:
    """Finds the protocol inside and hands the bytes to it. Keeps at most ``MAX_PROBE`` bytes until it knows."""

    def __init__(self, parsers: tuple[StreamParser, ...], emit: Emit, keep: Keep) -> None:
        self._parsers = parsers
        self._emit = emit
        self._keep = keep
        self._held: list[tuple[bool, bytes, int]] = []
        self._inner: Stream | None = None

    def data(self, orig: bool, data: bytes, ts: int) -> bool:
        if self._inner is not None:
            return self._inner.data(orig, data, ts)
        self._held.append((orig, data, ts))
        first = {side: b"".join(d for o, d, _ in self._held if o is side) for side in (True, False)}
        verdicts = [(p, p.probe(first[True], first[False], 0)) for p in self._parsers]
        found = next((p for p, yes in verdicts if yes), None)
        if found is None:
            small = len(first[True]) + len(first[False]) < MAX_PROBE
            return small and any(v is None for _, v in verdicts)
        self._inner = found.open(self._emit, self._keep)
        held, self._held = self._held, []
        wanted = True
        for side, part, at in held:
            wanted = self._inner.data(side, part, at)
        return wanted

    def gap(self, orig: bool, size: int, ts: int) -> bool:
        return self._inner.gap(orig, size, ts) if self._inner else False

    def close(self, ts: int) -> None:
        if self._inner is not None:
            self._inner.close(ts)
