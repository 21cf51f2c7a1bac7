"""The one place where a rule's value becomes SQL text. Nothing else in this package quotes anything.

Only letters, digits and a few harmless signs stay as they are; every other byte is written ``\\xHH``. So a literal
holds no quote, brace or percent sign of the rule's, whatever reads the SQL on its way to the engine.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

_PLAIN = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 .,:;/_-+=@()[]<>!&~#|$^*")

_MAPPED = IPv6Network("::ffff:0:0/96")


def text(value: str) -> str:
    """A String literal that the engine reads back as exactly ``value``. Raises ValueError for a lone surrogate."""
    return "'" + "".join(chr(b) if b in _PLAIN else f"\\x{b:02x}" for b in value.encode()) + "'"


def texts(values: Iterable[str]) -> str:
    return "(" + ", ".join(text(v) for v in values) + ")"


def number(value: int | float) -> str:
    """A number literal. Raises ValueError for infinity and NaN, which no column holds."""
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{value} is not a number that a field can have")
    return repr(value)


def mapped(address: IPv4Address | IPv6Address) -> IPv6Address:
    """As the store keeps it: IPv4 inside ::ffff:0:0/96."""
    if isinstance(address, IPv4Address):
        return IPv6Address(int(_MAPPED.network_address) + int(address))
    return address


def address(value: IPv4Address | IPv6Address) -> str:
    return f"toIPv6({text(str(mapped(value)))})"


def within(operand: str, network: IPv4Network | IPv6Network) -> str:
    """Whether an IPv6 operand lies in a network. An IPv6 network wider than ::ffff:0:0/96 does not hold IPv4."""
    low, high = network.network_address, network.broadcast_address
    inside = f"({operand} >= {address(low)} AND {operand} <= {address(high)})"
    if isinstance(network, IPv6Network) and network != _MAPPED and network.supernet_of(_MAPPED):
        return f"({inside} AND NOT {within(operand, _MAPPED)})"
    return inside
