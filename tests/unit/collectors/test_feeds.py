"""Feeds of releases, against registries on loopback: from a change to a row and an alert, and what may go wrong
between."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from collectors.software.feeds import FIRST_WAIT, TRIES, FeedCollector, open_feeds
from collectors.software.registries import Away, npm_registry, open_registry, pip_index
from fengsui import wire
from fengsui.batch import Batch, Identity
from fengsui.bus.topics import events
from fengsui.config import FeedSetting, Settings
from fengsui.errors import BadSetting
from tests.support.registry import Registries, document, project, registries

WHO = Identity("org", "software", "sensor", "feed", "feed")
NOW = 1_700_000_000.0


@pytest.fixture(autouse=True)
def _addresses(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No registry but the made ones can be asked."""
    for name in ("PIP_INDEX_URL", "PIP_CONFIG_FILE", "npm_config_registry", "NPM_CONFIG_REGISTRY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def there():
    with registries() as found:
        yield found


class Read:
    """A feed on a bus, stepped by hand, and the rows that it sent."""

    def __init__(self, make_bus, url: str, ecosystem: str = "pypi", **changes: object) -> None:
        self.bus, self.setting = make_bus(), FeedSetting(ecosystem, url=url, **changes)  # type: ignore[arg-type]
        self.now = NOW
        self.open()
        self._reader = self.bus.member("test", [events("release")])

    def open(self) -> None:
        self.feeds = open_feeds([self.setting])
        self.collector = FeedCollector(self.bus, self.feeds, WHO, lambda e, n: n.startswith("known"))

    def run(self, steps: int = 8, wait: float = 61.0) -> list[dict]:
        for _ in range(steps):
            if not self.collector.step(self.now):
                self.now += wait
        rows: list[dict] = []
        while messages := self._reader.read(10, 0):
            for m in messages:
                found = wire.read_message(m)
                assert isinstance(found, Batch)
                rows += found.rows.to_pylist()
        return rows


def publish(there: Registries, serial: int, name: str, version: str = "1", said: str = "new release") -> None:
    there.pypi.append((name, version, int(NOW), said, serial))
    there.projects[name, version] = project(("0.1", "2023-01-01T00:00:00Z"), (version, "2023-11-01T00:00:00Z"))


def test_what_was_there_before_is_not_told_and_what_comes_is(there, make_bus):
    publish(there, 7, "old")
    read = Read(make_bus, there.url)
    assert read.run() == []
    publish(there, 8, "new", "2")
    there.pypi.append(("new", "2", int(NOW), "add wheel file new.whl", 9))
    there.pypi.append(("other", "3", int(NOW), "yank release", 10))
    rows = read.run()
    assert [(r["name"], r["version"], r["action"], r["detailed"]) for r in rows] == [
        ("new", "2", "released", True), ("other", "3", "yanked", False)]  # fmt: skip
    first = rows[0]
    assert (first["purl"], first["org"], first["origin"], first["source"]) == ("pkg:pypi/new@2", "org", "feed/pypi",
                                                                               "feed")
    assert (first["size"], first["sha256"], first["first"], round(first["age_days"])) == (1000, "ab" * 32, False, 304)
    assert first["event_id"] != bytes(16)
    assert read.run() == []  # the last change is asked for again, and not told again


def test_after_a_restart_it_goes_on_behind_what_it_told(there, make_bus):
    publish(there, 1, "a")
    read = Read(make_bus, there.url)
    read.run()
    for i in range(2, 130):
        publish(there, i, f"p{i}")
    told = read.run(steps=2)
    read.collector.close()
    read.open()
    told += read.run(steps=8)
    assert [r["name"] for r in told] == [f"p{i}" for i in range(2, 130)]


def test_a_version_of_npm_is_told_once_with_what_is_new_in_it(there, make_bus):
    there.npm.append({"seq": 5, "id": "old", "changes": [{"rev": "1"}]})
    read = Read(make_bus, there.url, "npm")
    read.run()
    there.npm += [{"seq": 6, "id": "@s/pkg", "changes": []}, {"seq": 8, "id": "gone", "deleted": True},
                  {"seq": 9, "id": "_design/app"}, {"seq": 12, "id": "@s/pkg", "changes": []}]  # fmt: skip
    there.documents["@s/pkg"] = document(
        "@s/pkg", ("1.0.0", "2020-01-01T00:00:00Z", {}),
        ("1.0.1", "2023-11-14T22:00:00Z", {"_npmUser": {"name": "eve"}, "scripts": {"postinstall": "node x.js"},
                                           "maintainers": [{"name": "ann"}, {"name": "eve"}],
                                           "repository": {"url": "https://x.example/r"}, "dist": {"unpackedSize": 9}}),
        modified="2023-11-14T22:00:05Z")  # fmt: skip
    rows = read.run()
    assert [(r["name"], r["version"], r["action"]) for r in rows] == [("@s/pkg", "1.0.1", "released"), ("gone", "",
                                                                                                        "removed")]
    r = rows[0]
    assert (r["purl"], r["uploader"], r["new_uploader"], r["maintainers"]) == ("pkg:npm/%40s/pkg@1.0.1", "eve", True,
                                                                               ["ann", "eve"])
    assert (r["install_hooks"], r["new_hooks"], r["size"], r["first"]) == (["postinstall: node x.js"], True, 9, False)
    assert r["repository"] == "https://x.example/r"


def test_a_change_that_publishes_nothing_is_not_told(there, make_bus):
    there.npm.append({"seq": 5, "id": "old"})
    read = Read(make_bus, there.url, "npm")
    read.run()
    there.npm.append({"seq": 6, "id": "p"})
    there.documents["p"] = document("p", ("1.0.0", "2020-01-01T00:00:00Z", {}), modified="2023-11-14T22:00:05Z")
    assert read.run() == []


def test_a_stream_that_lacks_something_says_so(there, make_bus):
    publish(there, 10, "a")
    read = Read(make_bus, there.url)
    read.run()
    publish(there, 11, "b")
    assert [r["action"] for r in read.run()] == ["released"]
    there.pypi.clear()
    publish(there, 90, "z")  # neither what was last read nor what lies between is told
    rows = read.run()
    assert [(r["action"], r["name"]) for r in rows] == [("gap", ""), ("released", "z")]
    assert rows[0]["summary"] == "between 11 and 90"
    there.pypi.clear()
    publish(there, 3, "young")  # another registry, or one that was set up anew
    assert [r["action"] for r in read.run()] == ["gap"]
    publish(there, 4, "younger")
    assert [r["name"] for r in read.run()] == ["younger"]


def test_a_registry_that_does_not_answer_is_asked_again_ever_more_slowly_and_nothing_is_lost(there, make_bus):
    publish(there, 1, "a")
    read = Read(make_bus, there.url)
    read.run()
    publish(there, 2, "b")
    there.fail["/pypi"] = [503, 503, 429]
    waits = []
    for _ in range(3):
        read.now = read.feeds[0].next_at
        assert not read.collector.step(read.now)
        assert isinstance(read.collector.trouble, Away)
        waits.append(read.feeds[0].next_at - read.now)
    assert waits == [FIRST_WAIT, 2 * FIRST_WAIT, max(7.0, 4 * FIRST_WAIT)]  # it said: after seven seconds
    assert [r["name"] for r in read.run()] == ["b"]
    assert read.collector.trouble is None


def test_details_that_cannot_be_had_end_as_a_release_without_them(there, make_bus):
    publish(there, 1, "a")
    read = Read(make_bus, there.url)
    read.run()
    publish(there, 2, "broken")
    publish(there, 3, "fine")
    there.pypi.append(("vanished", "1", int(NOW), "new release", 4))
    there.fail["/pypi/broken"] = [500] * 50
    rows = read.run(steps=3 * TRIES, wait=2000.0)
    assert [(r["name"], r["detailed"]) for r in rows] == [("broken", False), ("fine", True), ("vanished", False)]


def test_beyond_the_number_of_an_hour_only_names_that_matter_are_asked_for(there, make_bus):
    publish(there, 1, "a")
    read = Read(make_bus, there.url, details=2)
    read.run()
    for i, name in enumerate(["b", "c", "d", "known-e", "f"], 2):
        publish(there, i, name)
    assert {r["name"]: r["detailed"] for r in read.run(wait=0.0)} == {
        "b": True, "c": True, "d": False, "known-e": True, "f": False}  # fmt: skip
    read.now += 3600
    publish(there, 7, "g")
    assert [r["detailed"] for r in read.run(wait=0.0)] == [True]


@pytest.mark.parametrize("answer", [b"", b"<x/>",
                                    b"<?xml version='1.0'?><methodResponse><fault></fault></methodResponse>",
                                    b"\xff" * 99])
def test_nonsense_is_asked_again(there, make_bus, answer, monkeypatch):
    publish(there, 1, "a")
    read = Read(make_bus, there.url)
    read.run()
    monkeypatch.setattr(Registries, "answer", lambda *_: (200, answer))
    assert read.run() == []
    assert "XML-RPC" in str(read.collector.trouble) or "list" in str(read.collector.trouble)


def test_another_that_follows_the_same_feeds_takes_over(there, make_bus):
    publish(there, 1, "a")
    read = Read(make_bus, there.url)
    read.run()
    other = FeedCollector(read.bus, open_feeds([read.setting]), WHO)
    publish(there, 2, "b")
    while other.step(NOW + 1000):
        pass
    publish(there, 3, "c")
    for _ in range(4):
        read.collector.step(NOW + 5000)
    assert not read.collector.step(NOW + 9000)
    assert read.collector.trouble is not None
    assert [r["name"] for r in read.run(steps=0)] == ["b"]


def test_addresses_come_from_the_configuration_of_the_installers(tmp_path, monkeypatch):
    with pytest.raises(BadSetting, match="pypi"):
        open_registry(FeedSetting("pypi"))
    with pytest.raises(BadSetting, match="npm"):
        open_registry(FeedSetting("npm"))
    with pytest.raises(BadSetting, match="http"):
        open_registry(FeedSetting("npm", url="file:///etc/passwd"))
    (tmp_path / ".config/pip").mkdir(parents=True)
    (tmp_path / ".config/pip/pip.conf").write_text("[global]\nindex-url = http://127.0.0.1:9/index/simple/\n")
    (tmp_path / ".npmrc").write_text("# mine\nregistry=http://127.0.0.1:9/packages/\n")
    assert pip_index() == "http://127.0.0.1:9/index/simple/"
    assert npm_registry() == "http://127.0.0.1:9/packages/"
    assert open_registry(FeedSetting("pypi")).base == "http://127.0.0.1:9/index"
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:8/simple")
    assert pip_index() == "http://127.0.0.1:8/simple"


def test_a_release_becomes_an_alert_of_whom_it_concerns(there, tmp_path):
    from fengsui.cli.platform import Platform
    from fengsui.cli.service import feeds

    who = tmp_path / "organisations.yaml"
    who.write_text("- {id: acme, zh: 甲, en: Acme, city: hangzhou, sector: finance, internal: ['pypi:acme-*']}\n")
    publish(there, 1, "a")
    settings = Settings(data=tmp_path / "data", organisations=who, feeds=(FeedSetting("pypi", url=there.url),))
    with Platform(settings) as p:
        collector = feeds(p)
        while collector.step(NOW):
            pass
        publish(there, 2, "acme-billing")
        there.pypi.append(("reqeusts", "1", int(NOW), "new release", 3))
        there.projects["reqeusts", "1"] = project(("1", "2023-11-01T00:00:00Z"))
        publish(there, 4, "requests")
        while collector.step(NOW + 100):
            pass
        p.settle()
        found = {(a.rule, a.org): a for a in p.alerts()}
        assert set(found) == {("software.release-internal", "acme"), ("software.release-near", "local")}
        assert found["software.release-internal", "acme"].subject == "pkg:pypi/acme-billing"
        assert found["software.release-near", "local"].subject == "pkg:pypi/reqeusts"
        collector.close()




def test_what_was_had_before_a_registry_fell_silent_is_kept(there, make_bus):
    publish(there, 1, "a")
    read = Read(make_bus, there.url)
    read.run()
    for i, name in enumerate(["b", "c", "d"], 2):
        publish(there, i, name)
    there.fail["/pypi/d"] = [503, 503]
    there.asked.clear()
    assert [r["name"] for r in read.run(steps=3, wait=0.0)] == ["b", "c"]
    assert [r["name"] for r in read.run()] == ["d"]
    assert sum("/pypi/b/" in path for path in there.asked) == 1  # not asked for again


def test_a_password_in_an_address_is_sent_as_such_and_never_told(there, make_bus):
    url = there.url.replace("http://", "http://ann:s%40cret@")
    publish(there, 1, "a")
    read = Read(make_bus, url)
    read.run()
    publish(there, 2, "b")
    assert [r["name"] for r in read.run()] == ["b"]
    assert there.heard["Authorization"] == "Basic " + base64.b64encode(b"ann:s@cret").decode()
    assert "cret" not in read.feeds[0].key
    there.fail["/pypi"] = [503]
    read.now = read.feeds[0].next_at
    read.collector.step(read.now)
    assert "503" in str(read.collector.trouble)
    assert "cret" not in str(read.collector.trouble)
