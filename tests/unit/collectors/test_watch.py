"""Watched folders: each row of each file once, however files come, grow, move and go; and what is said of them."""

from __future__ import annotations

import gzip
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from collectors.collector import Collector
from collectors.watch import Watch, Watcher, watches
from collectors.watch_folder import AGAIN, REMEMBERED, RESTS
from fengsui.blobs import FolderBlobs
from fengsui.bus.protocol import Assignment
from fengsui.config import Settings, WatchSetting
from tests.support.watched import HEAD, NOW, Watched, add, capture, line, lines, numbered, put

OLD = NOW - 1000


@pytest.fixture
def watched(tmp_path: Path, make_bus: Callable) -> Iterator[Watched]:
    w = Watched(tmp_path, make_bus())
    yield w
    w.live.close()


def test_a_capture_is_read_once_it_has_not_changed_for_ten_seconds(watched: Watched):
    path = put(watched.folder / "a.pcap", capture("a.example")[:100], NOW)
    watched.run(NOW + 1)
    put(path, capture("a.example"), NOW + 5)
    watched.run(NOW + 14)
    assert watched.rows() == [] and watched.state().state == "waiting"
    watched.run(NOW + 15)
    assert watched.names() == ["a.example"]
    assert (watched.state().state, watched.state().last_read_at) == ("ok", int((NOW + 15) * 1e6))


def test_a_capture_whose_clock_runs_ahead_is_read_ten_seconds_after_it_was_first_seen_so(watched: Watched):
    path = put(watched.folder / "a.pcap", capture("a.example"), NOW + 9999)
    for at in (NOW, NOW + 9.9):
        watched.run(at)
    assert watched.rows() == []
    put(path, capture("a.example", "b.example"), NOW + 9999)
    watched.run(NOW + 11)
    assert watched.rows() == []
    watched.run(NOW + 21)
    assert watched.names() == ["a.example", "b.example"]


@pytest.mark.parametrize("name", [".a.pcap", "a.pcap.part", "a.pcap.tmp", ".hidden/a.pcap"])
def test_hidden_and_temporary_names_are_left_alone_and_read_at_once_when_renamed(watched: Watched, name: str):
    path = put(watched.folder / name, capture("a.example"), OLD)
    watched.run(NOW)
    assert watched.rows() == [] and watched.state().ignored == 0
    path.rename(watched.folder / "a.pcap")
    watched.run(NOW + 1)
    assert watched.names() == ["a.example"]


def test_files_deep_in_the_folder_are_found_and_links_back_are_not_followed(watched: Watched):
    watched.run(NOW)
    put(watched.folder / "2026" / "11" / "25" / "a.pcapng.cap", capture("a.example"), OLD)
    put(watched.folder / "day" / "dns.log", HEAD + lines(1), NOW)
    (watched.folder / "day" / "up").symlink_to(watched.folder)
    watched.run(NOW + 1)
    assert watched.names() == ["a.example", "n1.example"]
    assert watched.state().files == 2


def test_a_growing_log_is_read_as_it_grows_and_half_a_line_waits_for_its_rest(watched: Watched):
    path = put(watched.folder / "dns.log", HEAD + lines(1, 2), NOW)
    watched.run(NOW)
    assert watched.names() == numbered(1, 2)
    add(path, line(3)[:20], NOW + 1)
    for at in (1, 2, 30, 300):
        watched.run(NOW + at)
    assert watched.names() == numbered(1, 2)
    add(path, line(3)[20:] + line(4), NOW + 301)
    watched.run(NOW + 301)
    assert watched.names() == numbered(1, 2, 3, 4)
    assert watched.state().rows == 4 and watched.state().problem is None


def test_a_log_that_is_empty_or_has_only_a_header_at_first_is_read_when_lines_come(watched: Watched):
    path = put(watched.folder / "dns.log", "", NOW)
    watched.run(NOW)
    for at, text in enumerate((HEAD[:30], HEAD[30:], lines(1)), 1):
        add(path, text, NOW + at)
        watched.run(NOW + at)
        watched.run(NOW + at + 0.5)
    assert watched.names() == numbered(1)


@pytest.mark.parametrize("end", ["", "\r"])
def test_a_whole_last_line_without_its_end_is_read_after_ten_seconds_and_once(watched: Watched, end: str):
    path = put(watched.folder / "dns.log", HEAD + line(1) + line(2).rstrip("\n") + end, NOW)
    watched.run(NOW + 9)
    assert watched.names() == numbered(1)
    watched.run(NOW + 10)
    assert watched.names() == numbered(1, 2)
    add(path, "\n" + line(3), NOW + 20)
    watched.run(NOW + 20)
    assert watched.names() == numbered(1, 2, 3)
    assert watched.state().problem is None


def test_a_cut_last_line_is_read_when_its_log_was_moved_away_or_an_hour_has_passed(watched: Watched):
    for name in ("moved", "old"):
        put(watched.folder / name / "dns.log", HEAD + line(1, name) + line(2, name)[:40], NOW)
    watched.run(NOW)
    watched.run(NOW + 59)
    assert watched.state().problem is None
    (watched.folder / "moved" / "dns.log").rename(watched.folder / "moved" / "dns.2023-11-15.log")
    watched.run(NOW + 60)
    assert watched.state().problem["en"].startswith(f"1 faults, the last: {watched.folder / 'moved'}")
    watched.run(NOW + 3700)
    watched.run(NOW + 3800)
    assert watched.state().problem["en"].startswith(f"2 faults, the last: {watched.folder / 'old'}")
    assert watched.names() == ["moved1.example", "old1.example"]


def test_rotation_and_compression_while_a_log_is_read_give_each_row_once(watched: Watched):
    path = put(watched.folder / "dns.log", HEAD + lines(1, 2), NOW)
    watched.run(NOW)
    add(path, line(3), NOW + 1)
    rotated = path.rename(watched.folder / "dns.2023-11-15.log")
    put(path, HEAD + lines(5), NOW + 1)
    watched.run(NOW + 2)
    assert watched.names() == numbered(1, 2, 3, 5)
    packed = put(watched.folder / "dns.2023-11-15.log.gz", gzip.compress(rotated.read_bytes())[:30], NOW + 3)
    watched.run(NOW + 4)
    put(packed, gzip.compress(rotated.read_bytes() + line(4).encode()), OLD)
    rotated.unlink()
    add(path, line(6), NOW + 5)
    watched.run(NOW + 5)
    assert watched.names() == numbered(1, 2, 3, 4, 5, 6)
    assert (watched.state().rows, watched.state().problem) == (6, None)


def read(watcher: Watcher, marks: dict[str, bytes], now: float, between: Callable[[], None]) -> None:
    """Poll, let something happen, and read what was given."""
    given = watcher.poll(now)
    between()
    c = Collector(given, marks.get)
    c.assigned(Assignment(0, {}))
    while (commit := c.work([], now)) is not None:
        marks |= commit.marks
    for (source, _), report in zip(given, c.reports, strict=True):
        watcher.said(source, report, now)


def test_a_log_that_is_rotated_between_look_and_read_is_not_taken_for_the_new_one(tmp_path: Path):
    path, rotated = tmp_path / "in" / "dns.log", tmp_path / "in" / "dns.2023-11-15.log"
    put(path, HEAD + lines(1, 2), NOW)
    watcher = Watcher([Watch(tmp_path / "in", "o", "n", "s")], Settings(), FolderBlobs(tmp_path / "blobs"))
    marks: dict[str, bytes] = {}
    read(watcher, marks, NOW, lambda: None)
    add(path, line(3), NOW + 1)

    def rotate() -> None:
        path.rename(rotated)
        put(path, HEAD + lines(*range(10, 20)), NOW + 1)

    read(watcher, marks, NOW + 1, rotate)
    read(watcher, marks, NOW + 2, lambda: None)
    (state,) = watcher.states()
    assert len(marks) == 2
    assert (state.rows, state.files, state.problem) == (13, 2, None)


def test_a_file_that_goes_between_look_and_read_is_no_fault(tmp_path: Path):
    paths = [put(tmp_path / "in" / "dns.log", HEAD + lines(1), NOW), put(tmp_path / "in" / "a.pcap", capture("a"), OLD)]
    watcher = Watcher([Watch(tmp_path / "in", "o", "n", "s")], Settings(), FolderBlobs(tmp_path / "blobs"))
    read(watcher, {}, NOW, lambda: [p.unlink() for p in paths])
    assert watcher.states()[0].problem is None


def test_a_log_that_is_copied_and_cut_short_gives_each_row_once(watched: Watched):
    path = put(watched.folder / "dns.log", HEAD + lines(1, 2, 3), NOW)
    watched.run(NOW)
    copy = put(watched.folder / "dns.1.log", path.read_bytes()[: len(HEAD) + 80], NOW + 1)
    watched.run(NOW + 1)
    put(copy, path.read_bytes(), NOW + 2)
    put(path, HEAD + lines(4, 5, 6, 7, 8), NOW + 2)
    watched.run(NOW + 2)
    watched.run(NOW + 20)
    assert watched.names() == numbered(*range(1, 9))


def test_a_shorter_copy_that_stays_so_is_another_log(watched: Watched):
    path = put(watched.folder / "dns.log", HEAD + lines(1, 2, 3), NOW)
    watched.run(NOW)
    put(watched.folder / "copy" / "dns.log", HEAD + lines(1, 2), NOW)
    watched.run(NOW + 2)
    assert watched.names() == numbered(1, 2, 3)
    watched.run(NOW + 12)
    assert watched.names() == numbered(1, 1, 2, 2, 3)
    add(path, line(4), NOW + 13)
    watched.run(NOW + 13)
    assert watched.names() == numbered(1, 1, 2, 2, 3, 4)


def test_the_same_capture_under_another_name_is_not_read_again(watched: Watched):
    path = put(watched.folder / "a.pcap", capture("a.example"), OLD)
    watched.run(NOW)
    put(watched.folder / "b.pcap", path.read_bytes(), OLD)
    path.rename(watched.folder / "c.pcap")
    watched.run(NOW + 2)
    assert watched.names() == ["a.example"]
    assert (watched.state().rows, watched.state().files) == (2, 2)  # a flow and a query


@pytest.mark.parametrize("restart", [False, True])
def test_a_capture_that_goes_on_after_it_was_taken_for_whole_is_read_anew_and_once(watched: Watched, restart: bool):
    text = capture(*(f"n{i}.example" for i in range(9)))
    path = put(watched.folder / "a.pcap", text[: len(text) // 2], NOW)
    put(watched.folder / "b.pcap", capture("b.example", seed=2), NOW)
    watched.run(NOW + 10)
    assert 3 <= len(watched.names()) < 9
    path = path.rename(watched.folder / "c.pcap")
    put(watched.folder / "d.pcap", path.read_bytes(), OLD)  # the same under another name is known there too
    watched.run(NOW + 12)
    path = (watched.folder / "d.pcap").rename(watched.folder / "d2.pcap") if restart else path
    if restart:
        watched.start()
        watched.run(NOW + 14)
    put(path, text, NOW + 20)
    watched.run(NOW + 25)
    watched.run(NOW + 31)
    assert watched.names() == ["b.example", *numbered(*range(9))]
    assert len(watched.rows()) == watched.state().rows == 20
    put(path, capture("other.example", *(f"n{i}.example" for i in range(20)), seed=3), NOW + 40)
    watched.run(NOW + 51)
    assert len(watched.names()) == 31


def test_a_folder_that_vanishes_is_missing_and_what_is_new_is_read_when_it_returns(watched: Watched, tmp_path: Path):
    put(watched.folder / "dns.log", HEAD + lines(1), NOW)
    put(watched.folder / "a.pcap", capture("a.example"), OLD)
    watched.run(NOW)
    watched.folder.rename(tmp_path / "away")
    watched.run(NOW + 2)
    state = watched.state()
    assert (state.state, state.files, state.problem) == (
        "missing", 0, {"en": "the folder is not there", "zh": "文件夹不存在"})  # fmt: skip
    add(tmp_path / "away" / "dns.log", line(2), NOW + 3)
    (tmp_path / "away").rename(watched.folder)
    watched.run(NOW + 2 * REMEMBERED)
    assert watched.names() == ["a.example", *numbered(1, 2)]
    assert (watched.state().state, watched.state().problem, watched.state().rows) == ("ok", None, 4)


def test_a_folder_that_cannot_be_read_says_why(watched: Watched):
    watched.folder.rmdir()
    put(watched.folder, "a file", NOW)
    watched.run(NOW)
    state = watched.state()
    assert state.state == "unreadable"
    assert state.problem == {"en": "the folder cannot be read: Not a directory",
                             "zh": "文件夹无法读取：Not a directory"}  # fmt: skip


def test_what_is_forbidden_is_said_and_read_once_it_is_allowed(watched: Watched):
    log, inner = put(watched.folder / "dns.log", HEAD + lines(1), NOW), watched.folder / "inner"
    put(inner / "a.pcap", capture("a.example"), OLD)
    log.chmod(0)
    inner.chmod(0)
    if os.access(log, os.R_OK):
        pytest.skip("nothing is forbidden to this user")
    watched.run(NOW)
    assert "Permission denied" in watched.state().problem["en"]
    log.chmod(0o600)
    inner.chmod(0o700)
    watched.run(NOW + AGAIN + 1)
    assert watched.names() == ["a.example", *numbered(1)]


def test_a_capture_that_is_none_is_told_once_and_read_again_only_when_it_has_changed(watched: Watched):
    path = put(watched.folder / "a.pcap", b"nothing of the kind", OLD)
    for at in (0, 2, 100, 200):
        watched.run(NOW + at)
    assert watched.state().problem["en"].startswith(f"1 faults, the last: {path}")
    assert "1 处读不了" in watched.state().problem["zh"]
    put(path, capture("a.example"), OLD + 1)
    watched.run(NOW + 300)
    assert watched.names() == ["a.example"]


def test_files_that_are_neither_are_counted_and_the_last_ten_are_named(watched: Watched):
    put(watched.folder / "dns.log", HEAD + lines(1), NOW)
    put(watched.folder / "weird.log", "#path\tweird\n#fields\tts\n1.0\n" + "x" * 70_000, NOW)
    watched.run(NOW)
    assert watched.state().ignored_names == ("weird.log",)
    for i in range(12):
        put(watched.folder / f"notes{i:02}.txt", "hello", OLD)
    os.mkfifo(watched.folder / "pipe")
    watched.run(NOW + 2)
    state = watched.state()
    assert (state.ignored, len(state.ignored_names), state.files) == (14, 10, 1)
    assert set(state.ignored_names) <= {"pipe", *(f"notes{i:02}.txt" for i in range(12))}
    put(watched.folder / "notes00.txt", capture("a.example"), OLD + 1)
    watched.run(NOW + 4)
    assert watched.state().ignored == 13
    assert watched.names() == ["a.example", *numbered(1)]


def bytes_read() -> int:
    """Bytes that this thread has read so far."""
    io = Path("/proc/thread-self/io")
    if not io.exists():
        pytest.skip("this system does not count what a thread reads")
    return int(io.read_text().split()[1])


def test_looking_costs_what_is_new_and_not_what_is_there(watched: Watched):
    size = 12_000_000
    path = put(watched.folder / "dns.log", HEAD + "".join(map(line, range(size // len(line(100_000))))), NOW)
    put(watched.folder / "a.pcap", capture(*(f"n{i}.example" for i in range(10_000))), OLD)
    watched.run(NOW)
    before = bytes_read()
    for at in range(2, 12):
        watched.run(NOW + at)
    assert bytes_read() - before < 200_000
    size = path.stat().st_size
    add(path, "".join(line(i, "more") for i in range(8_000)), NOW + 12)
    grown = path.stat().st_size - size
    assert 400_000 < grown < 800_000
    before = bytes_read()
    watched.run(NOW + 12)
    assert bytes_read() - before < 3 * grown
    assert watched.names().count("more7999.example") == 1
    watched.run(NOW + 13 + RESTS)  # its state is let go, and nothing is lost by that
    watched.run(NOW + 14 + RESTS)
    add(path, line(1, "last"), NOW + 700)
    watched.run(NOW + 700)
    assert watched.names().count("last1.example") == watched.names().count("more0.example") == 1


def test_captures_take_turns_among_folders_and_growing_logs_come_first(tmp_path: Path, monkeypatch):
    monkeypatch.setattr("collectors.watch.AT_ONCE", 3)
    for org in ("a", "b"):
        for i in range(3):
            put(tmp_path / org / f"{i}.pcap", capture(f"{org}{i}.example"), OLD)
    put(tmp_path / "b" / "dns.log", HEAD + lines(1), NOW)
    folders = [Watch(tmp_path / org, org, "net", "s") for org in ("a", "b")]
    watcher = Watcher(folders, Settings(), FolderBlobs(tmp_path / "blobs"))
    order = [[Path(s.place).relative_to(tmp_path).as_posix() for s, _ in watcher.poll(NOW + i)] for i in range(3)]
    assert order == [["b/dns.log", "a/0.pcap", "b/0.pcap", "a/1.pcap"], ["a/2.pcap", "b/1.pcap", "b/2.pcap"], []]
    watcher.dropped()
    assert len(watcher.poll(NOW + 4)) == 4


def test_watched_folders_are_whose_the_settings_say():
    settings = Settings(org="o", network="n", sensor="s", watch=(
        WatchSetting(Path("a")), WatchSetting(Path("b"), org="bank", network="dmz", sensor="s1")))  # fmt: skip
    assert watches(settings) == [Watch(Path("a"), "o", "n", "s"), Watch(Path("b"), "bank", "dmz", "s1")]
