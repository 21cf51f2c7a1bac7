"""The one function that writes a rule's text into SQL, against the engine that reads it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.sigma import literals
from fengsui.store.chdb import ChdbStore

HOSTILE = [
    "",
    "'",
    "''",
    "\\",
    "\\\\",
    "\\'",
    "' OR 1=1 --",
    "'); DROP TABLE dns; --",
    '"',
    "`",
    "\x00",
    "a\x00b",
    "\n\r\t\b\f",
    "%",
    "_",
    "{x:String}",
    "{{x}}",
    "}",
    "$(x)",
    "/* */",
    "--",
    "#",
    ";",
    "\\x27",
    "\\N",
    "é",
    "中文",
    "😀",
    "\u202e",
    "\ufeff",
    "a" * 5000,
]


@pytest.fixture(scope="module")
def store() -> Iterator[ChdbStore]:
    s = ChdbStore(None)
    yield s
    s.close()


def read_back(store: ChdbStore, values: list[str]) -> list[str]:
    columns = ", ".join(f"{literals.text(v)} AS c{i}" for i, v in enumerate(values))
    row = store.query(f"SELECT {columns}", {"x": "bound"}).to_pylist()[0]
    return [row[f"c{i}"] for i in range(len(values))]


def test_hostile_text_is_read_back_as_it_was(store: ChdbStore) -> None:
    assert read_back(store, HOSTILE) == HOSTILE


@settings(max_examples=25, deadline=None)
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=1, max_size=30))
def test_any_text_is_read_back_as_it_was(store: ChdbStore, values: list[str]) -> None:
    assert read_back(store, values) == values


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_a_literal_holds_no_sign_that_means_something(value: str) -> None:
    literal = literals.text(value)
    assert literal[0] == literal[-1] == "'"
    inner = re.sub(r"\\x[0-9a-f]{2}", "", literal[1:-1])
    assert not set(inner) & set("'\"\\`%{}?") and inner.isascii() and inner.isprintable()


def test_a_lone_surrogate_is_refused() -> None:
    with pytest.raises(ValueError, match="surrogate"):
        literals.text("\ud800")


@pytest.mark.parametrize("value", [float("inf"), float("-inf"), float("nan")])
def test_a_number_that_no_field_has_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="not a number that"):
        literals.number(value)


NETWORKS = [
    "10.0.0.0/8",
    "192.168.1.128/25",
    "0.0.0.0/0",
    "1.2.3.4/32",
    "fe80::/10",
    "::/0",
    "::1/128",
    "2001:db8::/33",
    "::ffff:10.0.0.0/104",
    "::ffff:0:0/96",
]
ADDRESSES = [
    "10.0.0.0",
    "10.255.255.255",
    "11.0.0.0",
    "9.255.255.255",
    "192.168.1.127",
    "192.168.1.128",
    "1.2.3.4",
    "1.2.3.5",
    "fe80::",
    "febf:ffff::1",
    "fec0::",
    "::",
    "::1",
    "::2",
    "2001:db8:7fff::1",
    "2001:db8:8000::",
    "0.0.0.0",
    "255.255.255.255",
]


@pytest.mark.parametrize("network", NETWORKS)
def test_an_address_lies_in_a_network_as_python_says(store: ChdbStore, network: str) -> None:
    condition = literals.within("ip", ip_network(network))
    ips = ", ".join(literals.address(ip_address(a)) for a in ADDRESSES)
    found = store.query(f"SELECT arrayMap(ip -> {condition}, [{ips}]) AS inside").column(0)[0].as_py()
    assert [bool(f) for f in found] == [inside(a, network) for a in ADDRESSES]


def inside(address: str, network: str) -> bool:
    """By Python, after mapped networks are taken as the IPv4 networks that they are."""
    n = ip_network(network)
    if n.version == 6 and n.network_address.ipv4_mapped:  # type: ignore[union-attr]
        n = ip_network(f"{n.network_address.ipv4_mapped}/{n.prefixlen - 96}")  # type: ignore[union-attr]
    return ip_address(address) in n
