"""Conversations as packets: handshake, data in segments, end. One Talk is one capture file."""

from __future__ import annotations

import random
from collections.abc import Sequence
from ipaddress import IPv4Address
from pathlib import Path

from collectors.made import wire
from collectors.made.pcap import ACK, FIN, PSH, RST, SEGMENT, SYN, TCP, UDP, Packet, write_capture

NOISE = 65_536  # bytes that stand for what is encrypted
MOST = 4_000  # bytes that a captured TLS connection carries each way: volume is what logs are for
RTT = 24_000  # microseconds there and back


def number(address: str) -> int:
    return int(IPv4Address(address))


class Talk:
    """Collects packets and the bytes that they carry; ``rng`` is the only source of chance."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._pool = bytearray(rng.randbytes(NOISE))
        self._known: dict[bytes, int] = {}
        self.packets: list[Packet] = []

    def _place(self, data: bytes) -> int:
        at = self._known.get(data)
        if at is None:
            at = self._known[data] = len(self._pool)
            self._pool += data
        return at

    def dns(self, ts: int, ends: tuple[str, int, str], name: str, qtype: int, data: bytes | None) -> None:
        """A query and its answer. ``ends``: client, its port, resolver."""
        client, port, server = number(ends[0]), ends[1], number(ends[2])
        trans_id = self._rng.getrandbits(16)
        query, answer = wire.dns_query(trans_id, name, qtype), wire.dns_answer(trans_id, name, qtype, data)
        later = ts + self._rng.randrange(2_000, 40_000)
        for when, a, b, p, q, raw in ((ts, client, server, port, 53, query), (later, server, client, 53, port, answer)):
            at = len(self._pool)
            self._pool += raw
            self.packets.append((when, a, b, p, q, UDP, 0, 0, 0, at, at + len(raw)))

    def tcp(self, ts: int, ends: tuple[str, int, str, int], said: Sequence[tuple[bool, bytes | int]],
            pause: int = RTT) -> int:  # fmt: skip
        """A whole connection; returns when it ended (microseconds).

        ``said``: who speaks (True the client), and bytes, or how many bytes of noise. ``pause``: microseconds between.
        """
        client, server = (number(ends[0]), ends[1]), (number(ends[2]), ends[3])
        seq = {True: self._rng.getrandbits(31), False: self._rng.getrandbits(31)}
        self._tcp(ts, True, client, server, SYN, seq[True], 0)
        self._tcp(ts + RTT // 2, False, client, server, SYN | ACK, seq[False], seq[True] + 1)
        seq = {side: s + 1 for side, s in seq.items()}
        self._tcp(ts + RTT, True, client, server, ACK, seq[True], seq[False])
        now = ts + RTT + 200
        for orig, what in said:
            size = what if isinstance(what, int) else len(what)
            at = self._rng.randrange(NOISE // 2) if isinstance(what, int) else self._place(what)
            wraps = NOISE // 2 if isinstance(what, int) else size
            for start in range(0, size, SEGMENT):
                n = min(SEGMENT, size - start)
                a = at + start % wraps if isinstance(what, int) else at + start
                self._tcp(now, orig, client, server, PSH | ACK, seq[orig], seq[not orig], a, a + n)
                seq[orig] += n
                now += 150
            self._tcp(now + RTT // 2, not orig, client, server, ACK, seq[not orig], seq[orig])
            now += pause
        self._tcp(now, True, client, server, FIN | ACK, seq[True], seq[False])
        self._tcp(now + RTT // 2, False, client, server, FIN | ACK, seq[False], seq[True] + 1)
        self._tcp(now + RTT, True, client, server, ACK, seq[True] + 1, seq[False] + 1)
        return now + RTT

    def refused(self, ts: int, ends: tuple[str, int, str, int]) -> None:
        """A SYN that a reset answers."""
        client, server = (number(ends[0]), ends[1]), (number(ends[2]), ends[3])
        first = self._rng.getrandbits(31)
        self._tcp(ts, True, client, server, SYN, first, 0)
        self._tcp(ts + 300, False, client, server, RST | ACK, 0, first + 1)

    def tls(self, ts: int, ends: tuple[str, int, str, int], sni: str, client: int, sent: int, got: int) -> int:
        """A TLS 1.3 connection that carries ``sent`` and ``got`` bytes of noise, at most ``MOST`` of each."""
        ours, theirs = self._rng.randbytes(64), self._rng.randbytes(64)
        sealed = [(orig, wire.record(23, b"")[:3] + n.to_bytes(2, "big"), n) for orig, n in
                  ((False, 1150), (True, 53), (True, min(sent, MOST)), (False, min(got, MOST)))]  # fmt: skip
        said: list[tuple[bool, bytes | int]] = [(True, wire.client_hello(sni, client, ours)),
                                                (False, wire.server_hello(ours[:32], theirs))]  # fmt: skip
        for orig, head, n in sealed:
            at = self._rng.randrange(NOISE // 2)
            said.append((orig, head + bytes(self._pool[at : at + n])))
        return self.tcp(ts, ends, said)

    def _tcp(self, ts: int, orig: bool, client: tuple[int, int], server: tuple[int, int], flags: int, seq: int,
             ack: int, start: int = 0, end: int = 0) -> None:  # fmt: skip
        a, b = (client, server) if orig else (server, client)
        self.packets.append((ts, a[0], b[0], a[1], b[1], TCP, flags, seq & 0xFFFFFFFF, ack & 0xFFFFFFFF, start, end))

    def write(self, path: Path) -> int:
        return write_capture(path, self.packets, bytes(self._pool))
