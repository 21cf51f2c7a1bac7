"""The collector that goes on: uploads and watched folders over one session of a real bus, killed, full and stopped."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from collectors import live
from collectors.jobs import Job
from collectors.live import folder_bytes
from collectors.source import Report
from collectors.watch import Watch
from fengsui.batch import Identity
from fengsui.bus.protocol import Commit
from fengsui.bus.topics import events
from fengsui.config import Settings
from fengsui.errors import Fenced
from tests.support.watched import HEAD, NOW, Watched, add, capture, line, lines, numbered, put

OLD = NOW - 1000
UPLOAD = Identity("uploads", "up-1", "upload")


@pytest.fixture
def watched(tmp_path: Path, make_bus: Callable) -> Iterator[Callable[..., Watched]]:
    """The collector over a folder, on a bus and under settings of the test's choice."""
    opened: list[Watched] = []

    def make(*, max_bytes: int = 2_000_000_000, folders: tuple[Watch, ...] | None = None, **changes: object) -> Watched:
        settings = Settings(data=tmp_path / "data", **changes)
        opened.append(Watched(tmp_path, make_bus(max_bytes=max_bytes), folders=folders, settings=settings))
        return opened[-1]

    yield make
    for w in opened:
        w.live.close()


class Told:
    """What a job was told, file by file."""

    def __init__(self) -> None:
        self.words: list[tuple[int, str]] = []
        self.bytes: list[tuple[int, int]] = []
        self.reports: dict[int, Report] = {}

    def __call__(self, index: int, done: int, total: int, state: str, report: Report | None) -> None:
        self.words.append((index, state))
        self.bytes.append((done, total))
        if report is not None:
            self.reports[index] = report


def job(told: Told, *paths: Path) -> Job:
    return Job("job-1", paths, UPLOAD, told)


def test_an_upload_is_read_before_what_waits_in_the_folders_and_under_its_own_name(watched):
    w, told = watched(), Told()
    put(w.folder / "dns.log", HEAD + lines(1), NOW)
    w.live.submit(job(told, put(w.base / "up" / "a.pcap", capture("a.example"), NOW),
                      put(w.base / "up" / "dns.log", HEAD + lines(2), NOW)))  # fmt: skip
    assert w.live.state().jobs == 1
    w.run(NOW)
    assert told.words == [(0, "reading"), (0, "done"), (1, "reading"), (1, "done")]
    assert (told.reports[0].rows, told.reports[1].rows) == ({"flow": 1, "dns": 1}, {"dns": 1})
    owners = {(r["org"], r["network"], r["query"]) for r in w.rows() if "query" in r}
    assert owners == {("uploads", "up-1", "a.example"), ("uploads", "up-1", "n2.example"), ("org", "net", "n1.example")}
    assert [r["query"] for r in w.rows() if "query" in r][-1] == "n1.example"
    assert (w.live.state().jobs, w.live.state().state) == (0, "idle")


def test_what_an_upload_holds_that_is_none_or_broken_or_gone_is_told_file_by_file(watched):
    w, told = watched(), Told()
    whole = capture("a.example", "b.example")
    w.live.submit(job(told, put(w.base / "notes.txt", "hello", NOW), put(w.base / "b.pcap", b"nothing", NOW),
                      put(w.base / "c.pcap", whole[:-5], NOW), w.base / "gone.pcap",
                      put(w.base / "d.pcap", whole, NOW)))  # fmt: skip
    w.run(NOW)
    ends = {i: state for i, state in told.words if state != "reading"}
    assert ends == {0: "refused", 1: "failed", 2: "done", 3: "failed", 4: "done"}
    assert "neither a capture" in told.reports[0].faults[0]
    assert "b.pcap" in told.reports[1].faults[0] and "No such file" in told.reports[3].faults[0]
    assert told.reports[2].faults and told.reports[2].rows["dns"] == 2
    assert not told.reports[4].faults


def test_a_long_upload_says_how_far_it_is(watched):
    w, told = watched(), Told()
    text = HEAD + "".join(map(line, range(150_000)))
    w.live.submit(job(told, put(w.base / "dns.log", text, NOW)))
    w.run(NOW)
    done = [d for d, _ in told.bytes]
    assert len(done) >= 4 and done == sorted(done)
    assert {t for _, t in told.bytes} == {len(text)} and done[-1] == len(text)
    assert told.reports[0].rows == {"dns": 150_000}


def test_an_upload_that_was_cut_off_by_a_kill_goes_on_when_it_is_submitted_again(watched):
    w, told = watched(), Told()
    path = put(w.base / "dns.log", HEAD + "".join(map(line, range(130_000))), NOW)
    w.live.submit(job(Told(), path))
    for _ in range(2):  # the assignment, and one message of 50,000 rows
        assert w.live.step(NOW)
    w.start().submit(job(told, path))
    w.run(NOW)
    assert (told.reports[0].rows, told.reports[0].already) == ({"dns": 80_000}, 50_000)
    rows = w.rows()
    assert len(rows) == len({r["event_id"] for r in rows}) == 130_000
    w.live.submit(job(told, path))
    w.run(NOW)
    assert (told.reports[0].unchanged, told.reports[0].already) == (True, 130_000)


def test_killed_at_any_step_every_row_goes_out_once(watched):
    w, chance = watched(), random.Random(3)
    log = put(w.folder / "dns.log", HEAD, NOW)
    expected: list[int] = []
    for i in range(30):
        add(log, lines(*range(10 * i, 10 * i + 10)) + line(9999)[:17], NOW + i)
        put(w.folder / f"{i}.pcap", capture(f"n{1000 + i}.example", seed=i), OLD)
        expected += [*range(10 * i, 10 * i + 10), 1000 + i]
        for _ in range(chance.randrange(4)):
            w.live.step(NOW + i)
        w.start()
        with log.open("r+b") as f:
            f.truncate(log.stat().st_size - 17)
    w.run(NOW + 31)
    assert w.names() == numbered(*expected)
    assert w.state().rows == len(w.rows())


def test_a_full_bus_is_waited_for_and_shown_and_nothing_is_lost(watched):
    w = watched(max_bytes=1_000)
    behind = w.bus.member("behind", [events("dns")])
    log = put(w.folder / "dns.log", HEAD + lines(*range(200)), NOW)
    w.run(NOW)
    add(log, lines(*range(200, 300)), NOW + 1)
    w.run(NOW + 2)
    state = w.live.state()
    assert state.state == "waiting" and "the bus is full" in state.problem["en"] and "自动继续" in state.problem["zh"]
    assert not w.live.step(NOW + 2.04)
    assert not w.live.step(NOW + 2.06)
    messages = behind.read(100, 0)
    behind.commit(Commit(positions={m.place: m.offset + 1 for m in messages}))
    assert w.names() == numbered(*range(200))
    w.run(NOW + 10)
    assert w.live.state().state == "idle" and w.live.state().problem is None
    assert w.names() == numbered(*range(300))


def test_a_data_folder_over_its_limit_pauses_and_goes_on_when_there_is_room(watched):
    w, told = watched(disk_bytes=1_000_000), Told()
    ballast = put(w.base / "data" / "store" / "ballast", b"x" * 2_000_000, NOW)
    log = put(w.folder / "dns.log", HEAD + lines(1), NOW)
    w.live.submit(job(told, log))
    w.run(NOW)
    state = w.live.state()
    assert (state.state, w.rows(), told.words) == ("paused", [], [])
    assert "0.0 GB" in state.problem["en"] and "disk_bytes" in state.problem["zh"] and state.disk_used >= 2_000_000
    ballast.unlink()
    w.run(NOW + 5)
    assert w.live.state().state == "paused"
    w.run(NOW + 11)
    assert (w.live.state().state, w.live.state().problem) == ("idle", None)
    assert told.words[-1] == (0, "done") and w.names() == numbered(1, 1)


def test_a_second_collector_fences_the_first_which_says_so(watched):
    w = watched()
    log = put(w.folder / "dns.log", HEAD + lines(1), NOW)
    w.run(NOW)
    first = w.live
    w.start()
    add(log, line(2), NOW + 1)
    w.run(NOW + 1)
    add(log, line(3), NOW + 2)
    with pytest.raises(Fenced, match="another collector"):
        while first.step(NOW + 2):
            pass
    assert first.state().state == "ended" and "另一个采集进程" in first.state().problem["zh"]
    w.run(NOW + 2)
    assert w.names() == numbered(1, 2, 3)
    first.close()


def test_it_stops_in_the_middle_of_a_capture_and_the_next_life_reads_it_whole(watched):
    w, told = watched(), Told()
    path = put(w.base / "a.pcap", capture(*(f"n{i}.example" for i in range(3000))), NOW)
    stopped = w.live
    stopped.submit(Job("job-1", (path,), UPLOAD, lambda *_: stopped.stop()))
    w.run(NOW)
    assert w.rows() == [] and not stopped.step(NOW + 100)
    w.start().submit(job(told, path))
    w.run(NOW + 200)
    assert told.reports[0].rows["dns"] == 3000 == len(w.names())


def test_one_organisation_does_not_keep_the_others_or_an_upload_waiting(watched, tmp_path, monkeypatch):
    monkeypatch.setattr(live, "SOURCES", 5)
    folders = tuple(Watch(tmp_path / "in" / org, org, "net", "s") for org in ("big", "small"))
    w, told = watched(folders=folders), Told()
    for i in range(40):
        put(tmp_path / "in" / "big" / f"{i:02}.pcap", capture(f"big{i:02}.example", seed=i), OLD)
    put(tmp_path / "in" / "small" / "a.pcap", capture("small.example"), OLD)
    w.live.step(NOW)
    w.live.submit(job(told, put(w.base / "up.pcap", capture("up.example"), NOW)))
    w.run(NOW)
    order = [r["query"] for r in w.rows() if "query" in r]
    assert len(order) == 42
    assert order.index("small.example") < 5 and order.index("up.example") == 5


def test_the_size_of_a_folder_counts_a_file_with_two_names_once(tmp_path):
    put(tmp_path / "deep" / "a", b"x" * 1_000_000, NOW)
    before = folder_bytes(tmp_path)
    assert 1_000_000 <= before < 1_100_000
    (tmp_path / "b").hardlink_to(tmp_path / "deep" / "a")
    assert folder_bytes(tmp_path) == before
    assert folder_bytes(tmp_path / "none") == 0
