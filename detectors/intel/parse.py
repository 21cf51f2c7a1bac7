"""Lists of indicators from text: one a line, or CSV with a header. Bad lines are kept with their reason, not fatal."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network

DOMAIN, NETWORK = "domain", "network"
MAX_LABELS = 12
MAX_LINE = 4096

_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_ADDRESS = re.compile(r"[0-9.]+(?:/\d{1,2})?|[0-9a-f:.]*:[0-9a-f:.]*(?:/\d{1,3})?")
# Words that head the column of indicators in the CSV files of feeds.
_HEADINGS = ("indicator", "value", "ioc", "domain", "hostname", "ip", "address", "ip_address", "network", "cidr")
_HARMLESS_NAMES = ("localhost", "localdomain", "local", "arpa", "internal", "lan", "home", "invalid", "test")
_WIDEST = {4: 8, 6: 16}
_MAPPED = IPv6Network("::ffff:0:0/96")


@dataclass(frozen=True)
class Indicator:
    """``low`` and ``prefix`` are among IPv6 addresses, IPv4 mapped; both are zero for a domain."""

    type: str
    value: str
    line: int
    low: bytes = bytes(16)
    prefix: int = 0


@dataclass(frozen=True)
class BadLine:
    line: int
    text: str
    reason: str


@dataclass
class Parsed:
    """What a list held. ``guarded`` are lines that would match what every network has, and are therefore left out."""

    indicators: list[Indicator] = field(default_factory=list)
    bad: list[BadLine] = field(default_factory=list)
    guarded: list[BadLine] = field(default_factory=list)


class Guarded(ValueError):
    """The indicator is well formed and would match harmless traffic everywhere."""


def parse(lines: Iterable[str]) -> Parsed:
    """Read a list. Repeated indicators count once, where they stand first."""
    result = Parsed()
    seen: set[tuple[str, str]] = set()
    for number, text in values(lines):
        try:
            found = indicator(text, number)
        except Guarded as e:
            result.guarded.append(BadLine(number, text[:200], str(e)))
        except ValueError as e:
            result.bad.append(BadLine(number, text[:200], str(e)))
        else:
            if (found.type, found.value) not in seen:
                seen.add((found.type, found.value))
                result.indicators.append(found)
    return result


def values(lines: Iterable[str]) -> Iterator[tuple[int, str]]:
    """(line number, text) of each indicator, comments and blanks left out; of CSV, the column that the header names."""
    column: int | None = None
    first = True
    for number, raw in enumerate(lines, 1):
        line = raw.lstrip("\ufeff").strip()
        if not line or line[0] in "#;" or line.startswith("//"):
            continue
        if first:
            first = False
            column = _column(line)
            if column is not None:
                continue
        if column is None:
            yield number, re.split(r"\s+[#;]", line, maxsplit=1)[0]
        else:
            cells = _cells(line)
            yield number, cells[column].strip() if column < len(cells) else ""


def _column(header: str) -> int | None:
    names = [c.strip().lower() for c in _cells(header)]
    return next((names.index(h) for h in _HEADINGS if h in names), None)


def _cells(line: str) -> list[str]:
    try:
        return next(csv.reader([line[:MAX_LINE]]), [])
    except csv.Error:
        return []


def indicator(text: str, line: int) -> Indicator:
    """One indicator; raises ValueError saying what is wrong, Guarded for what must not be matched."""
    if not text:
        raise ValueError("no indicator")
    if len(text) > MAX_LINE:
        raise ValueError("too long")
    plain = text.strip("\"'").lower().replace("[.]", ".").replace("(.)", ".").replace("[:]", ":")
    if "://" in plain:
        raise ValueError("a URL: only domains, addresses and networks are matched")
    hosts_file = plain.split()
    if len(hosts_file) == 2 and hosts_file[0] in ("0.0.0.0", "127.0.0.1"):  # noqa: S104 the form of a hosts file
        plain = hosts_file[1]
    return _network(plain, line) if _ADDRESS.fullmatch(plain) else _domain(plain, line)


def _network(text: str, line: int) -> Indicator:
    network = ip_network(text, strict=False)
    if isinstance(network, IPv6Network) and network.subnet_of(_MAPPED) and network.prefixlen >= 96:
        network = IPv4Network((int(network.network_address) & 0xFFFFFFFF, network.prefixlen - 96))
    if network.prefixlen < _WIDEST[network.version]:
        raise Guarded(f"wider than /{_WIDEST[network.version]}")
    reason = _harmless(network.network_address) or _harmless(network.broadcast_address)
    if reason:
        raise Guarded(reason)
    low, prefix = network.network_address.packed, network.prefixlen
    if network.version == 4:
        low, prefix = bytes(10) + b"\xff\xff" + low, prefix + 96
    single = network.num_addresses == 1
    return Indicator(NETWORK, str(network.network_address if single else network), line, low, prefix)


def _harmless(address: IPv4Address | IPv6Address) -> str:
    """Why an address is no indicator; empty if it may be one. Private: 10/8, 172.16/12, 192.168/16, fc00::/7."""
    for name in ("unspecified", "loopback", "link_local", "multicast"):
        if getattr(address, f"is_{name}"):
            return f"{name.replace('_', '-')} address"
    inside = _PRIVATE_4 if isinstance(address, IPv4Address) else _PRIVATE_6
    return next((f"in {n}, which is private or reserved" for n in inside if address in n), "")


_PRIVATE_4 = [IPv4Network(n) for n in ("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12", "192.168.0.0/16",
                                       "240.0.0.0/4")]  # fmt: skip
_PRIVATE_6 = [IPv6Network("fc00::/7")]


def _domain(text: str, line: int) -> Indicator:
    name = text.removeprefix("*.").removeprefix(".").rstrip(".")
    if not name.isascii():
        try:
            name = name.encode("idna").decode()
        except UnicodeError:
            raise ValueError("not a domain, an address or a network") from None
    if len(name) > 253 or not _NAME.fullmatch(name):
        raise ValueError("not a domain, an address or a network")
    labels = name.split(".")
    if len(labels) > MAX_LABELS:
        raise ValueError(f"more than {MAX_LABELS} labels")
    if labels[-1] in _HARMLESS_NAMES:
        raise Guarded(f"names under {labels[-1]} are local")
    if len(labels) < 2:
        raise Guarded("a whole top-level domain")
    if labels[-1].isdigit():
        raise ValueError("not a domain, an address or a network")
    return Indicator(DOMAIN, name, line)
