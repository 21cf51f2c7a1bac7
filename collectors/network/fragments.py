"""IP fragments put together: whole fragments in, a datagram with an unfragmented header out. Rare, so plain Python.

Bounded by bytes and by time; where fragments overlap, the first copy of a byte wins (RFC 5722 would drop IPv6 ones).
"""

from __future__ import annotations

from dataclasses import dataclass, field

TIMEOUT = 60_000_000  # microseconds, as RFC 8200 4.5
MAX_SIZE = 65_575
MAX_PARTS = 8_192  # of one datagram

Key = tuple[bytes, int, int]


@dataclass
class Partial:
    """One datagram being collected."""

    since: int
    head: bytes = b""
    total: int = -1  # payload bytes, known once the last fragment is there
    parts: dict[int, bytes] = field(default_factory=dict)
    size: int = 0


@dataclass
class Fragments:
    """Datagrams being collected; ``lost`` counts those given up."""

    limit: int
    waiting: dict[Key, Partial] = field(default_factory=dict)
    size: int = 0
    lost: int = 0

    def add(self, packet: bytes, ts: int) -> bytes | None:
        """Take one fragment, from its IP header on; returns the whole datagram if it completes one."""
        read = _v4(packet) if packet[0] >> 4 == 4 else _v6(packet)
        if read is None:
            return None
        key, head, offset, more, data = read
        if not data or offset + len(data) > MAX_SIZE:
            return None
        partial = self.waiting.get(key)
        if partial is None or ts - partial.since > TIMEOUT:
            self._drop(key)
            partial = self.waiting[key] = Partial(ts)
        if offset == 0:
            partial.head = head
        if not more:
            partial.total = offset + len(data)
        if offset not in partial.parts and len(partial.parts) < MAX_PARTS:
            partial.parts[offset] = data
            partial.size += len(data)
            self.size += len(data)
        whole = _join(partial)
        if whole is not None:
            self._drop(key, lost=0)
            return whole
        while self.size > self.limit:
            self._drop(next(iter(self.waiting)))
        return None

    def _drop(self, key: Key, lost: int = 1) -> None:
        partial = self.waiting.pop(key, None)
        if partial is not None:
            self.size -= partial.size
            self.lost += lost


def _v4(p: bytes) -> tuple[Key, bytes, int, bool, bytes] | None:
    size = (p[0] & 15) * 4
    field_ = int.from_bytes(p[6:8], "big")
    key = (p[12:20], int.from_bytes(p[4:6], "big"), p[9])
    head = p[:6] + b"\0\0" + p[8:size]
    return key, head, (field_ & 0x1FFF) * 8, bool(field_ & 0x2000), p[size:]


def _v6(p: bytes) -> tuple[Key, bytes, int, bool, bytes] | None:
    at, place, proto = 40, 6, p[6]
    while proto in (0, 43, 60) and at + 8 <= len(p):
        proto, place, at = p[at], at, at + 8 * (p[at + 1] + 1)
    if proto != 44 or at + 8 > len(p):
        return None
    field_ = int.from_bytes(p[at + 2 : at + 4], "big")
    key = (p[8:40], int.from_bytes(p[at + 4 : at + 8], "big"), 256)
    head = p[:place] + p[at : at + 1] + p[place + 1 : at]
    return key, head, field_ & 0xFFF8, bool(field_ & 1), p[at + 8 :]


def _join(partial: Partial) -> bytes | None:
    """The datagram, or None while something is missing."""
    if partial.total < 0 or not partial.head or partial.size < partial.total:
        return None
    out = bytearray()
    for offset in sorted(partial.parts):
        data = partial.parts[offset]
        if offset > len(out):
            return None
        out += data[len(out) - offset :]
    if len(out) < partial.total:
        return None
    head = bytearray(partial.head)
    body = bytes(out[: partial.total])
    if head[0] >> 4 == 4:
        size = min(len(head) + len(body), 0xFFFF)
        head[2:4] = size.to_bytes(2, "big")
    else:
        head[4:6] = min(len(head) - 40 + len(body), 0xFFFF).to_bytes(2, "big")
    return bytes(head) + body
