"""A made day fed into watched folders hour by hour: the same rows and the same alerts as read at once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pytest

from collectors.live import LiveCollector
from collectors.made.province import Province, make_province
from collectors.made.replay import Replay
from collectors.network.sources import sources_of
from collectors.network.zeek import read_log
from fengsui.batch import Identity
from fengsui.cli.platform import Platform
from fengsui.config import Settings

STEPS = 3
HOUR = 3_600_000_000


@pytest.fixture(scope="module")
def province(tmp_path_factory: pytest.TempPathFactory) -> Province:
    return make_province(tmp_path_factory.mktemp("made"), day=date(2024, 5, 6), organisations=12, scale=0.05)


def outcome(platform: Platform) -> tuple[dict[str, tuple[int, int, int]], set[tuple[object, ...]]]:
    """Rows, distinct ids and a sum of all ids by kind; what the queue and all below it say."""
    kinds = ("flow", "dns", "http", "tls", "file")
    sql = "SELECT count() AS n, uniqExact(event_id) AS ids, sum(cityHash64(event_id)) AS digest FROM {}"
    rows = {k: tuple(platform.store.query(sql.format(k)).to_pylist()[0].values()) for k in kinds}
    return rows, {(a.org, a.rule, a.subject, a.severity, a.queued, a.count, a.first_seen, a.last_seen)
                  for a in platform.alerts(below=True)}  # fmt: skip


@pytest.fixture(scope="module")
def at_once(province: Province, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict, set]:
    settings = Settings(data=tmp_path_factory.mktemp("once"), indicators=(province.indicators,))
    with Platform(settings) as platform:
        platform.collect([(s, Identity(o.id, o.network, o.sensor)) for o in province.organisations if o.files
                          for s in sources_of(province.folder / o.id, settings, platform.blobs)])  # fmt: skip
        return outcome(platform)


def clock(start: float) -> Iterator[float]:
    while True:
        yield start
        start += 1.5


def test_a_day_replayed_into_watched_folders_gives_the_rows_and_alerts_of_the_day_at_once(province, at_once, tmp_path):
    replay = Replay(province, tmp_path / "in", steps=STEPS)
    settings = Settings(data=tmp_path / "data", indicators=(province.indicators,))
    seen = 0
    with Platform(settings) as platform:
        live = LiveCollector(platform.bus, replay.watches(), settings, platform.blobs)
        times = clock(1_800_000_000.0)
        for i in range(STEPS):
            replay.step(i)
            now = next(times)
            while live.step(now):
                pass
            platform.settle()
            latest = platform.store.query("SELECT toUnixTimestamp64Micro(max(ts)) AS t FROM flow").to_pylist()[0]["t"]
            assert latest <= replay.released(i)
            now_there = len(platform.alerts())
            assert now_there >= seen
            seen = now_there
        states = {f.org: f for f in live.state().folders}
        live.close()
        rows, alerts = outcome(platform)
    assert rows == at_once[0] and rows["flow"][0] == rows["flow"][1] > 8_000
    assert alerts == at_once[1]
    assert len([a for a in alerts if a[4]]) == len(province.planted)
    assert [o for o, f in states.items() if f.state == "waiting"] == ["made-yanming"]
    assert [f.problem for f in states.values() if f.problem or f.ignored] == []


def test_no_line_comes_before_its_connection_has_ended_and_each_step_adds_something(province, tmp_path):
    replay = Replay(province, tmp_path, steps=24)
    of, log = (f / province.organisations[0].id / "zeek" / "conn.log" for f in (province.folder, tmp_path))
    before = 0
    for i in range(24):
        replay.step(i)
        chunks = list(read_log(log, Identity()))
        ends = [r["ts"].timestamp() + (r["duration"] or 0) for c in chunks for r in c.batch.rows.to_pylist()]
        assert max(ends) * 1e6 <= replay.released(i) + 1
        assert len(ends) > before
        before = len(ends)
    assert sorted(log.read_text().splitlines()) == sorted(of.read_text().splitlines())
    assert replay.released(23) - replay.released(0) == 23 * HOUR


def test_a_step_taken_again_or_by_a_new_replay_adds_nothing(province, tmp_path):
    def files() -> dict[str, int]:
        return {p.relative_to(tmp_path).as_posix(): p.stat().st_size for p in sorted(tmp_path.rglob("*"))
                if p.is_file() and ".staged" not in p.parts}  # fmt: skip

    replay = Replay(province, tmp_path, steps=4)
    for i in range(3):
        replay.step(i)
    there = files()
    assert len([p for p in there if p.endswith(".pcap")]) > 12
    again = Replay(province, tmp_path, steps=4)
    for i in range(3):
        again.step(i)
    assert files() == there
    again.step(3)
    sizes = {o.id: sum(f.stat().st_size for f in o.files) for o in province.organisations}
    got = {o: sum(n for p, n in files().items() if p.startswith(o + "/")) for o in sizes}
    parts = {o: sum(1 for p in files() if p.startswith(o + "/") and p.endswith(".pcap")) for o in sizes}
    assert {o: n - 24 * max(0, parts[o] - 1) for o, n in got.items()} == sizes
