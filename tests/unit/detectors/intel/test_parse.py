"""Lists of indicators as people write them."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.intel.parse import DOMAIN, NETWORK, parse


def values(text: str) -> list[str]:
    return [i.value for i in parse(text.splitlines()).indicators]


def test_one_a_line_with_comments_and_blanks() -> None:
    text = (
        "# a list\n\nEvil.Example.\n  203.0.113.7   # seen in May\n; old\n// more\n2001:DB8::/32\n*.bad.test.example\n"
    )
    assert values(text) == ["evil.example", "203.0.113.7", "2001:db8::/32", "bad.test.example"]


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("evil[.]example", "evil.example"),
        ("203[.]0[.]113[.]7", "203.0.113.7"),
        ('"evil.example"', "evil.example"),
        ("0.0.0.0 evil.example", "evil.example"),
        ("127.0.0.1 evil.example", "evil.example"),
        ("203.0.113.7/24", "203.0.113.0/24"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("::ffff:203.0.113.0/120", "203.0.113.0/24"),
        ("203.0.113.7/32", "203.0.113.7"),
        ("2001:db8::1/128", "2001:db8::1"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("_dmarc.evil.example", "_dmarc.evil.example"),
    ],
)
def test_ways_to_write_one(written: str, value: str) -> None:
    assert values(written) == [value]


def test_a_csv_with_a_header_is_read_by_its_column() -> None:
    text = 'id,ioc,note\n1,evil.example,"one, two"\n2,203.0.113.7,x\n3\n4,nonsense!,y\n'
    parsed = parse(text.splitlines())
    assert [i.value for i in parsed.indicators] == ["evil.example", "203.0.113.7"]
    assert [(b.line, b.reason) for b in parsed.bad] == [
        (4, "no indicator"), (5, "not a domain, an address or a network"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "line",
    [
        "https://evil.example/a",
        "evil .example",
        "-bad.example",
        "a..b",
        "300.1.1.1",
        "1.2.3",
        "1.2.3.4/33",
        "2001:db8::/129",
        "x" * 300 + ".example",
        ".".join("a" * 13),
        "a" * 5000,
        "é" * 200 + ".example",
        "evil.example; DROP",
        "' OR 1=1",
    ],
)
def test_a_line_that_is_no_indicator_is_kept_with_its_number_and_reason(line: str) -> None:
    parsed = parse(["good.example", line, "203.0.113.9"])
    assert [i.value for i in parsed.indicators] == ["good.example", "203.0.113.9"]
    (bad,) = parsed.bad
    assert bad.line == 2 and bad.reason and line.startswith(bad.text) and not parsed.guarded


@pytest.mark.parametrize(
    "line",
    [
        "0.0.0.0",
        "127.0.0.1",
        "10.1.2.3",
        "192.168.0.0/16",
        "172.16.5.5",
        "169.254.1.1",
        "224.0.0.1",
        "255.255.255.255",
        "100.64.1.1",
        "::",
        "::1",
        "fe80::1",
        "fc00::1",
        "ff02::1",
        "0.0.0.0/0",
        "::/0",
        "8.0.0.0/7",
        "2000::/3",
        "localhost",
        "printer.local",
        "com",
        "1.0.168.192.in-addr.arpa",
        "::ffff:0:0/96",
        "11.0.0.0/6",
    ],
)
def test_what_every_network_has_is_left_out_and_said(line: str) -> None:
    parsed = parse([line])
    assert not parsed.indicators and not parsed.bad
    assert parsed.guarded[0].line == 1 and parsed.guarded[0].reason


def test_the_same_twice_counts_once() -> None:
    assert values("evil.example\nEVIL.example.\n203.0.113.7\n203.0.113.7/32\n") == ["evil.example", "203.0.113.7"]


@given(st.lists(st.text(max_size=40), max_size=20))
def test_every_line_is_taken_refused_or_skipped_but_never_fatal(lines: list[str]) -> None:
    parsed = parse(lines)
    numbers = [i.line for i in parsed.indicators] + [b.line for b in parsed.bad + parsed.guarded]
    assert len(numbers) == len(set(numbers)) and all(1 <= n <= len(lines) for n in numbers)


@given(st.integers(0x0B000000, 0x63FFFFFF), st.integers(8, 32))
def test_a_network_keeps_its_first_address_and_length(address: int, prefix: int) -> None:
    (i,) = parse([f"{IPv4Address(address)}/{prefix}"]).indicators
    first = address >> (32 - prefix) << (32 - prefix)
    assert (i.type, i.prefix, IPv6Address(i.low).ipv4_mapped) == (NETWORK, prefix + 96, IPv4Address(first))


def test_a_domain_has_no_address() -> None:
    (i,) = parse(["evil.example"]).indicators
    assert (i.type, i.low, i.prefix) == (DOMAIN, bytes(16), 0)
