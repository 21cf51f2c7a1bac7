"""A working day of an organisation in which nothing happens: people who browse and read mail, updates, visitors.

People read a few pages of a site in a row, then something else after a while: favourite sites more often than others,
each page a few connections of very uneven sizes. Nothing here is periodic: an alert about it would be false.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from collectors.made import wire
from collectors.made.logs import Logs
from collectors.made.organisations import HOSTS, Organisation
from collectors.made.talk import Talk, number

MINUTE, HOUR = 60_000_000, 3_600_000_000
SITES = 90
STAYS = 0.7  # how often the next page is on the same site
_FIRST = ("kexin", "bailu", "chenxi", "yuanfang", "mutong", "qinglan", "shanhe", "fengye", "luming", "xingkong")
_SECOND = ("news", "mall", "maps", "video", "cloud", "bank", "forum", "music", "docs")
AGENTS = ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/131.0 Safari/537.36",
          "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0", "MadeUpdater/2.4")  # fmt: skip
JA3 = ("5bda2b5a4f9dc3d06d4f0f7ee8bbc1f0", "a3c1f3b3d57b0e0e5d8c1f7a2f8c6b11", "0f9f5b1c27e44bd4a0f3a4b4d8e5c6aa")
PAGE = b"<!DOCTYPE html><html><head><title>made</title></head><body>" + b"<p>made page</p>" * 60 + b"</body></html>"
CAPTURED = 3  # hosts of each organisation whose traffic is captured as packets; the others are in Zeek's logs
PLAIN = 9  # one in nine sites has no TLS


@dataclass(frozen=True)
class Visit:
    """One connection of a page: ``site`` counts from 0, ``part`` 0 is the page itself. Times in microseconds."""

    ts: int
    site: int
    part: int
    sent: int
    got: int
    took: float


def site_name(site: int) -> str:
    return f"{_FIRST[site % 10]}-{_SECOND[site // 10 % 9]}.example"


def site_address(site: int) -> str:
    return f"198.51.100.{1 + site}" if site % 2 else f"192.0.2.{1 + site}"


def host_name(site: int, part: int) -> str:
    return f"{('www', 'static', 'img', 'api', 'video')[part]}.{site_name(site)}"


def visits(rng: np.random.Generator, start: int, end: int, pace: float) -> Iterator[Visit]:
    """What a person opens between two times; ``pace`` 1 is about a hundred pages in nine hours."""
    expected = int((end - start) / (60e6 / max(pace, 1e-3))) + 8
    stays = rng.random(expected) < STAYS
    gaps = np.where(stays, rng.lognormal(3.2, 0.9, expected), rng.lognormal(6.3, 1.0, expected) / pace)
    times = start + (np.cumsum(gaps) * 1e6).astype(np.int64)
    times = times[times < end]
    chosen = (rng.zipf(1.35, len(times)) - 1) % SITES
    stays = stays[: len(times)]
    sites = chosen[np.maximum.accumulate(np.where(stays, 0, np.arange(len(times))))]
    parts = rng.integers(1, 6, len(times))
    for ts, site, count in zip(times.tolist(), sites.tolist(), parts.tolist(), strict=True):
        sent, got = rng.lognormal(7.2, 1.2, count), rng.lognormal(9.6, 1.8, count)
        took, after = rng.lognormal(0.8, 1.3, count), rng.uniform(0, 2e6, count)
        for part in range(count):
            yield Visit(ts + int(after[part]) * (part > 0), site, part, 200 + int(min(sent[part], 400_000)),
                        400 + int(min(got[part], 2e7)), float(min(took[part], 300)))  # fmt: skip


@dataclass
class Sensor:
    """Where the traffic of one organisation goes, and the chance behind it."""

    organisation: Organisation
    logs: Logs
    talk: Talk
    rng: random.Random
    numbers: np.random.Generator

    def port(self) -> int:
        return self.rng.randrange(32_768, 61_000)

    @property
    def resolver(self) -> str:
        return self.organisation.address(0, 53)


def working_day(sensor: Sensor, day: int, scale: float) -> None:
    """``day``: microseconds of its midnight (UTC); people work from about 01:00 to 10:00, nine to six in China."""
    for i in range(HOSTS[sensor.organisation.size]):
        start = day + HOUR + sensor.rng.randrange(-20 * MINUTE, 40 * MINUTE)
        end = day + 10 * HOUR + sensor.rng.randrange(-40 * MINUTE, 60 * MINUTE)
        host = sensor.organisation.address(2, 10 + i)
        for visit in visits(sensor.numbers, start, end, scale):
            _logged(sensor, host, i % 2, visit)
        _inside(sensor, host, start, end, scale)
    for i in range(CAPTURED):
        start = day + HOUR + sensor.rng.randrange(0, 3 * HOUR)
        for visit in visits(sensor.numbers, start, start + 5 * HOUR, 0.5 * min(scale, 1.0)):
            _captured(sensor, sensor.organisation.address(1, 10 + i), i % 2, visit)
    _mail(sensor, day)
    _visitors(sensor, day, scale)


def _logged(sensor: Sensor, host: str, client: int, v: Visit) -> None:
    name, rng = host_name(v.site, v.part), sensor.rng
    if v.part == 0:
        ends = (host, sensor.port(), sensor.resolver, 53)
        ts = v.ts - rng.randrange(20_000, 90_000)
        sensor.logs.dns(ts, ends, name, "A", site_address(v.site), rng.getrandbits(16))
    if v.site % PLAIN != PLAIN // 2:
        ends = (host, sensor.port(), site_address(v.site), 443)
        sensor.logs.tls(v.ts, ends, v.took, v.sent, v.got, name, JA3[client])
    else:
        ends = (host, sensor.port(), site_address(v.site), 80)
        request = ("GET", name, f"/p/{v.got % 977}.html", AGENTS[client])
        sensor.logs.http(v.ts, ends, v.took, v.sent, v.got, request)


def _captured(sensor: Sensor, host: str, client: int, v: Visit) -> None:
    name, address, talk = host_name(v.site, v.part), site_address(v.site), sensor.talk
    if v.part == 0:
        ends = (host, sensor.port(), sensor.resolver)
        talk.dns(v.ts - 60_000, ends, name, wire.A, number(address).to_bytes(4, "big"))
    if v.site % PLAIN != PLAIN // 2:
        talk.tls(v.ts, (host, sensor.port(), address, 443), name, client, v.sent, v.got)
    else:
        request = wire.http_request(name, f"/p/{v.got % 977}.html", AGENTS[client])
        said = [(True, request), (False, wire.http_response(PAGE[: 200 + v.got % 900], "text/html"))]
        talk.tcp(v.ts, (host, sensor.port(), address, 80), said)


def _inside(sensor: Sensor, host: str, start: int, end: int, scale: float) -> None:
    """Mail, shared files, and one update."""
    org, rng, logs = sensor.organisation, sensor.rng, sensor.logs
    for _ in range(int(24 * scale)):
        ts = rng.randrange(start, end)
        size = int(rng.lognormvariate(8.5, 1.5))
        logs.tls(ts, (host, sensor.port(), org.address(0, 25), 993), rng.uniform(0.1, 60), 900 + size // 10, size,
                 f"mail.{org.id}.example", JA3[0])  # fmt: skip
    for _ in range(int(12 * scale)):
        size = int(rng.lognormvariate(11, 2))
        ends = (host, sensor.port(), org.address(0, 9), 445)
        logs.conn(rng.randrange(start, end), ends, rng.uniform(0.5, 900), 4000 + size // 3, size, service="smb")
    logs.http(rng.randrange(start, end), (host, sensor.port(), "192.0.2.240", 80), 4.0, 300, 3_000_000,
              ("GET", "update.made-software.example", "/v1/catalogue", AGENTS[2]))  # fmt: skip


def _mail(sensor: Sensor, day: int) -> None:
    """Mail to and from other servers, in office hours."""
    org, rng = sensor.organisation, sensor.rng
    for i in range(40):
        ts = day + HOUR + rng.randrange(9 * HOUR)
        out = (org.address(0, 25), sensor.port(), f"192.0.2.{200 + rng.randrange(30)}", 25)
        ends = out if i % 2 else (out[2], sensor.port(), out[0], 25)
        size = int(rng.lognormvariate(9, 1.5))
        sensor.logs.conn(ts, ends, rng.uniform(0.5, 20), 400 + size, 600, service="smtp")


def _visitors(sensor: Sensor, day: int, scale: float) -> None:
    """People outside who look at the organisation's site, from early morning to evening."""
    org, rng = sensor.organisation, sensor.rng
    for _ in range(int(300 * scale)):
        client = f"198.51.100.{150 + rng.randrange(80)}"
        ends = (client, sensor.port(), org.address(0, 80), 443)
        got = int(rng.lognormvariate(9.5, 1.4))
        ts, sent = day + HOUR + rng.randrange(10 * HOUR), 700 + rng.randrange(3000)
        sensor.logs.tls(ts, ends, rng.uniform(0.1, 30), sent, got, f"www.{org.id}.example", JA3[rng.randrange(2)])
