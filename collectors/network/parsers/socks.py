"""SOCKS 4, 4a and 5: no row of its own yet; what the proxy lets through is read as a connection of its own.

The client of the proxy may be the responder of the flow: a back-connect, as malware does it.
"""

from __future__ import annotations

from collectors.network.parsers.base import Emit, Keep, Stream
from collectors.network.parsers.http import HttpParser
from collectors.network.parsers.tls import TlsParser
from collectors.network.parsers.tunnel import Tunnel

MAX_TALK = 1024  # bytes of a side until the proxy must have agreed
CONNECT, BIND = 1, 2
NO_AUTHENTICATION, PASSWORD, NONE_FITS = 0, 2, 0xFF
GRANTED_4, REFUSED_4 = 0x5A, range(0x5B, 0x5E)
IPV4, NAME, IPV6 = 1, 3, 4


class SocksParser:
    """SOCKS on any port: the client's greeting and the proxy's answer must both fit."""

    name = "socks"

    def probe(self, orig: bytes, resp: bytes, port: int) -> bool | None:
        verdicts = [_greets(orig, resp), _greets(resp, orig)]
        return True if True in verdicts else None if None in verdicts else False

    def open(self, emit: Emit, keep: Keep) -> Stream:
        return SocksStream(emit, keep)


def _greets(client: bytes, proxy: bytes) -> bool | None:
    """Do these sides begin SOCKS, ``client`` being the one that asks?"""
    if not client:
        return None if proxy[:1] in (b"", b"\0", b"\5") else False
    if client[0] == 5:
        fits = len(client) < 2 or (1 <= client[1] <= 16 and all(m < 10 or m >= 0x80 for m in client[2 : 2 + client[1]]))
        answer = len(proxy) < 2 or (proxy[0] == 5 and proxy[1] in (*client[2:18], NONE_FITS))
    elif client[0] == 4:
        fits = len(client) < 2 or client[1] in (CONNECT, BIND)
        answer = len(proxy) < 2 or (proxy[0] == 0 and (proxy[1] == GRANTED_4 or proxy[1] in REFUSED_4))
    else:
        return False
    if not (fits and answer):
        return False
    return True if len(client) >= 2 and len(proxy) >= 2 else None


class SocksStream:
    """One connection."""

    def __init__(self, emit: Emit, keep: Keep) -> None:
        self._tunnel = Tunnel((TlsParser(), HttpParser()), emit, keep)
        self._talk = {True: b"", False: b""}
        self._agreed = False
        self._client: bool | None = None  # the side that spoke first

    def data(self, orig: bool, data: bytes, ts: int) -> bool:
        if self._agreed:
            return self._tunnel.data(orig, data, ts)
        self._talk[orig] += data
        client = self._client = orig if self._client is None else self._client
        ends = _ends(self._talk[client], self._talk[not client])
        if ends is None:
            return max(len(t) for t in self._talk.values()) <= MAX_TALK
        if ends == REFUSED:
            return False
        self._agreed = True
        wanted = True
        for side, end in zip((client, not client), ends, strict=True):
            if rest := self._talk[side][end:]:
                wanted = self._tunnel.data(side, rest, ts)
        self._talk = {True: b"", False: b""}
        return wanted

    def gap(self, orig: bool, size: int, ts: int) -> bool:
        return self._agreed and self._tunnel.gap(orig, size, ts)

    def close(self, ts: int) -> None:
        self._tunnel.close(ts)


REFUSED = (-1, -1)


def _ends(client: bytes, proxy: bytes) -> tuple[int, int] | None:
    """Where the talk with the proxy ends on both sides; None if it goes on, ``REFUSED`` if it led to nothing."""
    try:
        return _ends_4(client, proxy) if client[0] == 4 else _ends_5(client, proxy)
    except (IndexError, ValueError):
        return None


def _ends_4(client: bytes, proxy: bytes) -> tuple[int, int] | None:
    end = client.index(b"\0", 8) + 1
    if client[4:7] == b"\0\0\0" and client[7]:  # 4a: a name follows
        end = client.index(b"\0", end) + 1
    if len(proxy) < 8:
        return None
    return (end, 8) if proxy[1] == GRANTED_4 else REFUSED


def _ends_5(client: bytes, proxy: bytes) -> tuple[int, int] | None:
    asked, told = 2 + client[1], 2
    if proxy[1] == PASSWORD:
        asked += 2 + client[asked + 1]
        asked += 1 + client[asked]
        if proxy[3]:
            return REFUSED
        told += 2
    elif proxy[1] != NO_AUTHENTICATION:
        return REFUSED
    if proxy[told + 1]:
        return REFUSED
    asked, told = _address_end(client, asked), _address_end(proxy, told)
    return (asked, told) if len(client) >= asked and len(proxy) >= told else None


def _address_end(data: bytes, at: int) -> int:
    kind = data[at + 3]
    return at + 6 + {IPV4: 4, IPV6: 16}.get(kind, 1 + data[at + 4])
