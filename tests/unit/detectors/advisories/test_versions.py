"""The order of versions: what each ecosystem says of itself, and that a key is an order."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.advisories.versions import ORDERS, key, ordered

ASCENDING = {
    "PyPI": ["0.9-fearow", "0.9-gyarados", "0.9.dev1", "0.9a1", "0.9b2", "0.9rc1", "0.9", "0.9+local", "0.9+1",
             "0.9.post1", "1.0.dev1", "1.0",
             "1!0.1"],
    "Debian": ["1.0~rc1-1", "1.0-1", "1.0-1+b1", "1.0-2", "1.0a-1", "1.0+x-1", "1.10-1", "1:0.1-1"],
    "Red Hat": ["1.0~rc1", "1.0", "1.0^git1", "1.0.a", "1.0.1", "1.0.10", "2:0.1"],
    "Alpine": ["1.0_alpha1", "1.0_rc2-r3", "1.0", "1.0-r1", "1.0_p1", "1.0a", "1.01", "1.1", "1.10"],
    "npm": ["1.0.0-1", "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0", "1.0.1", "1.10.0", "10.0.0"],
    "Pub": ["1.0.0-a", "1.0.0", "1.0.0+1", "1.0.0+a", "1.0.1"],
    "NuGet": ["1.0.0-alpha", "1.0.0-BETA", "1.0", "1.0.0.1", "1.0.1"],
    "RubyGems": ["1.0.a", "1.0.b1", "1.0", "1.0.1", "1.1.a", "1.1", "1.10"],
    "Maven": ["1.0-alpha-1", "1.0-beta-1", "1.0-rc1", "1.0-SNAPSHOT", "1.0", "1.0-sp1", "1.0-jre", "1.0-1", "1.0.1",
              "1.1"],
    "Packagist": ["1.0-dev", "1.0-alpha1", "1.0-beta1", "1.0-RC1", "1.0", "1.0-pl1", "1.0.1"],
    "CRAN": ["0.1-1", "0.1-4", "0.1.18", "1.0", "1.0-0"],
    "Hackage": ["0", "0.1.26.0", "1.0", "1.0.0"],
}  # fmt: skip
SAME = {
    "PyPI": [("1.0", "1.0.0"), ("1.0a1", "1.0-alpha.1"), ("1.0-1", "1.0.post1"), ("V1.0", "1.0")],
    "Debian": [("1.0-1", "0:1.0-1"), ("1.0", "1.0-0"), ("1.01-1", "1.1-1")],
    "npm": [("v1.2.3", "1.2.3"), ("1.2.3+a", "1.2.3+b"), ("1.2", "1.2.0")],
    "RubyGems": [("1.0", "1"), ("1-a", "1.pre.a")],
    "Maven": [("1.0", "1"), ("1.ga", "1"), ("1.0.0-alpha1", "1-a1"), ("001", "1"), ("1.0-rc1", "1.0-cr1")],
    "NuGet": [("1.0.01", "1.0.1.0"), ("1.0-A", "1.0-a")],
    "Packagist": [("v1.0", "1.0"), ("1.0-b1", "1.0.beta1")],
}  # fmt: skip


@pytest.mark.parametrize("ecosystem", ASCENDING)
def test_versions_stand_in_their_order(ecosystem):
    keys = [key(ecosystem, v) for v in ASCENDING[ecosystem]]
    assert None not in keys
    for (i, a), (j, b) in itertools.combinations(enumerate(keys), 2):
        assert a < b, (ASCENDING[ecosystem][i], ASCENDING[ecosystem][j])
    assert ordered(ecosystem, reversed(ASCENDING[ecosystem])) == ASCENDING[ecosystem]


@pytest.mark.parametrize("ecosystem", SAME)
def test_what_is_written_otherwise_is_the_same(ecosystem):
    for a, b in SAME[ecosystem]:
        assert key(ecosystem, a) == key(ecosystem, b) is not None, (a, b)


@pytest.mark.parametrize("ecosystem", ORDERS)
def test_numbers_of_any_size_and_hostile_text_end(ecosystem):
    huge = "9" * 400
    assert key(ecosystem, huge) > key(ecosystem, "9" * 399)
    for text in ("", " ", "v", "-", "~", "\x00", "1" * 10_000 + ".x", "." * 5_000, "a" * 5_000, "１.2", "1..2", "=1"):
        key(ecosystem, text)


@given(st.text(alphabet="0123456789abrcpv.-_+~^:", max_size=24))
def test_every_text_has_a_key_or_none_in_every_ecosystem(text):
    for ecosystem in ORDERS:
        found = key(ecosystem, text)
        assert found is None or found == key(ecosystem, text)


def test_a_release_of_a_distribution_has_its_order_and_what_is_unknown_has_none():
    assert key("Debian:12", "1.0-1") == key("Debian", "1.0-1")
    assert key("Nowhere", "1.0") is None
    assert key("Debian", "x:1") is None
