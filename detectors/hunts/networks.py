"""Which addresses are ours: the sides of a connection, in SQL and in Python. Addresses are 16 bytes, IPv4 mapped."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from ipaddress import IPv4Network, IPv6Address, ip_network

from fengsui.errors import BadSetting

# Neither inside nor outside: multicast, broadcast, loopback, link-local IPv4, unspecified.
NOWHERE = ("224.0.0.0/4", "255.255.255.255/32", "127.0.0.0/8", "169.254.0.0/16", "0.0.0.0/8", "ff00::/8", "::/127")

Range = tuple[int, int]


@dataclass(frozen=True)
class Networks:
    """Ranges of addresses as numbers, both ends included, apart and ascending."""

    local: tuple[Range, ...]
    nowhere: tuple[Range, ...]

    @staticmethod
    def of(local: Iterable[str]) -> Networks:
        """From CIDR notations; raises BadSetting."""
        return Networks(_ranges(local), _ranges(NOWHERE))

    def is_local(self, address: bytes) -> bool:
        return _within(int.from_bytes(address), self.local)

    def is_outside(self, address: bytes) -> bool:
        value = int.from_bytes(address)
        return not _within(value, self.local) and not _within(value, self.nowhere)

    def local_sql(self, column: str) -> str:
        """A condition on an IPv6 column; its values are bound (:meth:`parameters`)."""
        return _condition(column, "local")

    def nowhere_sql(self, column: str) -> str:
        return _condition(column, "nowhere")

    def outside_sql(self, column: str) -> str:
        return f"NOT {_condition(column, 'inside')}"

    @cached_property
    def _bound(self) -> dict[str, list[str]]:
        """Ends of ranges by name; ``inside``: all that is not outside."""
        named = {"local": self.local, "nowhere": self.nowhere, "inside": (*self.local, *self.nowhere)}
        out: dict[str, list[str]] = {}
        for name, ranges in named.items():
            out |= {f"{name}_lows": [str(IPv6Address(low)) for low, _ in ranges],
                    f"{name}_highs": [str(IPv6Address(high)) for _, high in ranges]}  # fmt: skip
        return out

    def parameters(self, sql: str) -> dict[str, list[str]]:
        """The ranges that a text asks for."""
        return {k: v for k, v in self._bound.items() if f"{{{k}:" in sql}


def _condition(column: str, name: str) -> str:
    """By two lists: a comparison for each range would take the engine longer to plan than a small query to run."""
    return f"arrayExists((l, h) -> {column} BETWEEN l AND h, {{{name}_lows:Array(IPv6)}}, {{{name}_highs:Array(IPv6)}})"


def _within(value: int, ranges: tuple[Range, ...]) -> bool:
    return any(low <= value <= high for low, high in ranges)


def _ranges(notations: Iterable[str]) -> tuple[Range, ...]:
    """Joined where they touch, so that the condition is short."""
    joined: list[Range] = []
    for low, high in sorted(_range(n) for n in notations):
        if joined and low <= joined[-1][1] + 1:
            joined[-1] = (joined[-1][0], max(high, joined[-1][1]))
        else:
            joined.append((low, high))
    return tuple(joined)


def _range(notation: str) -> Range:
    try:
        network = ip_network(notation, strict=False)
    except ValueError as e:
        raise BadSetting(f"local_networks: {notation!r} is not a network such as 10.0.0.0/8") from e
    base = 0xFFFF << 32 if isinstance(network, IPv4Network) else 0
    return base + int(network.network_address), base + int(network.broadcast_address)
