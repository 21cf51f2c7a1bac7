"""Which addresses are ours."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from detectors.hunts.networks import Networks
from fengsui.config import Settings
from fengsui.errors import BadSetting


def packed(text: str) -> bytes:
    a = ip_address(text)
    return a.packed if a.version == 6 else bytes(10) + b"\xff\xff" + a.packed


@pytest.mark.parametrize(
    ("address", "local", "outside"),
    [
        ("10.0.0.1", True, False), ("172.31.255.255", True, False), ("172.32.0.0", False, True),
        ("192.168.1.1", True, False), ("8.8.8.8", False, True), ("fd00::1", True, False), ("fe80::1", True, False),
        ("2001:db8::1", False, True), ("224.0.0.251", False, False), ("255.255.255.255", False, False),
        ("127.0.0.1", False, False), ("ff02::1", False, False), ("::1", False, False), ("::", False, False),
        ("169.254.169.254", False, False),
    ],
)  # fmt: skip
def test_sides_by_default(address: str, local: bool, outside: bool) -> None:
    n = Networks.of(Settings().local_networks)
    assert (n.is_local(packed(address)), n.is_outside(packed(address))) == (local, outside)


def test_what_is_configured_replaces_the_default() -> None:
    n = Networks.of(["198.51.100.0/24"])
    assert n.is_local(packed("198.51.100.9"))
    assert n.is_outside(packed("10.0.0.1"))


def test_ranges_that_touch_are_one() -> None:
    assert len(Networks.of(["10.0.0.0/9", "10.128.0.0/9", "10.5.0.0/16"]).local) == 1


def test_values_are_bound_and_never_written_into_the_condition() -> None:
    n = Networks.of(["10.0.0.0/8"])
    condition = n.local_sql("src_ip")
    assert "{local_lows:Array(IPv6)}" in condition
    assert "10." not in condition
    assert n.parameters(condition) == {"local_lows": ["::ffff:a00:0"], "local_highs": ["::ffff:aff:ffff"]}


def test_no_network_at_all_has_no_ranges_and_all_but_nowhere_is_outside() -> None:
    n = Networks.of([])
    assert n.parameters(n.local_sql("src_ip")) == {"local_lows": [], "local_highs": []}
    assert len(n.parameters(n.outside_sql("src_ip"))["inside_lows"]) == len(n.nowhere)


def test_nonsense_names_the_setting() -> None:
    with pytest.raises(BadSetting, match=r"local_networks: '10\.0\.0\.0/99' is not a network"):
        Networks.of(["10.0.0.0/99"])
