"""Names that are taken for another, and what a package says of itself."""

from __future__ import annotations

import json

import pytest

from detectors.catalogue import rules_folder
from detectors.software import metadata
from detectors.software.budget import PROFILES, Budget
from detectors.software.facts import Claim, Facts, File
from detectors.software.names import Names, how, read_all
from detectors.software.unpack import Node
from detectors.software.verdict import Context, verdict

POPULAR = ["requests", "python-dateutil", "django", "numpy", "lodash", "react", "urllib3", "six"]
NAMES = Names(POPULAR)


@pytest.mark.parametrize(("name", "kind", "other"), [
    ("djang0", "confusable", "django"), ("nurnpy", "confusable", "numpy"), ("requésts", "confusable", "requests"),
    ("pythondateutil", "separator", "python-dateutil"), ("python_date.util", "separator", "python-dateutil"),
    ("requestss", "repeated", "requests"), ("reqeusts", "swapped", "requests"), ("rpquests", "typo", "requests"),
    ("rwquests", "key", "requests"), ("requets", "typo", "requests"), ("requests1", "typo", "requests"),
    ("@evil/lodash", "scope", "lodash"),
])  # fmt: skip
def test_a_name_near_a_popular_one_is_told_with_how(name, kind, other):
    found = NAMES.near(name)
    assert found is not None
    assert (found.kind, found.name, found.rank) == (kind, other, POPULAR.index(other) + 1)


@pytest.mark.parametrize("name", ["requests", "Requests", "python_dateutil", "requests-oauthlib", "rqsts", "sxi", "",
                                  "x", "completely-else", "@evil/else"])  # fmt: skip
def test_popular_names_themselves_and_others_are_near_to_none(name):
    assert NAMES.near(name) is None


def test_two_names_are_one_step_apart_in_one_way_or_in_none():
    pairs = (("abcd", "abdc"), ("abcd", "abpd"), ("abcd", "abc"), ("abcd", "badc"), ("a", "abc"))
    assert [how(a, b) for a, b in pairs] == ["swapped", "typo", "typo", "", ""]


def test_the_shipped_lists_say_where_they_are_from_and_hold_thousands():
    folder = rules_folder(None) / "names"
    found = read_all(folder)
    assert set(found) == {"pypi", "npm"}
    for path in folder.glob("*.txt"):
        lines = path.read_text(encoding="utf-8").splitlines()
        assert lines[0].startswith("#")
        assert lines[1].startswith("# Source: ")
        assert len(lines) > 5000
        assert len({x.lower() for x in lines}) == len(lines)
    assert found["pypi"].near("reqeusts").name == "requests"
    assert found["npm"].near("loadsh").name == "lodash"


def claims(path: str, content: bytes) -> list[Claim]:
    node = Node(path, memoryview(content), "text", 1)
    return list(metadata.look(node, Budget(PROFILES["package"], lambda: 0.0)))


def test_a_package_says_its_name_and_version():
    said = b"Metadata-Version: 2.1\nName: Some_Thing\nVersion: 1.2\n\nName: not-this\n"
    wheel, source = "s-1.whl!/s-1.dist-info/METADATA", "s-1.tar.gz!/s-1.tar!/s-1/PKG-INFO"
    assert claims(wheel, said) == [Claim("pypi", "Some_Thing", "1.2", wheel)]
    assert claims(source, said) == [Claim("pypi", "Some_Thing", "1.2", source)]
    assert claims("s-1.tar.gz!/s-1.tar!/s-1/s.egg-info/PKG-INFO", said) == []
    npm = "a-1.tgz!/a-1.tar!/package/package.json"
    assert claims(npm, json.dumps({"name": "@a/b", "version": "3"}).encode()) == [Claim("npm", "@a/b", "3", npm)]
    for odd in (b"", b"[]", b"{", b'{"name": 7}', b'{"name": " "}'):
        assert claims(npm, odd) == []


def test_a_name_that_is_near_a_popular_one_is_a_reason():
    claim = Claim("npm", "loadsh", "1", "p")
    facts = Facts("00", 1, "gzip", "a", (File("x", "00", 1, "gzip", 0),), claims=(claim,))
    got = verdict(facts, Context(names={"npm": NAMES}))
    assert [(e.rule, e.matched) for e, _ in got.reasons] == [("name.near", "loadsh ~ lodash")]
    assert got.probability > verdict(facts).probability
