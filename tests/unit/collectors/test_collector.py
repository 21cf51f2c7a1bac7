"""The collector: each row and each dead letter of an origin goes out once, with the mark that says so."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import numpy as np
import pytest

from collectors.collector import Collector, mark_key
from collectors.network.sources import sources_of
from collectors.source import Mark, Piece, Report
from fengsui import wire
from fengsui.batch import Batch, Identity, build
from fengsui.bus.protocol import Assignment, Commit, Message, Output, Place
from fengsui.config import Settings
from fengsui.errors import BadInput
from fengsui.schema import DNS, FLOW
from fengsui.wire import DeadLetter, Deletion
from tests.conftest import DAY, HOUR

ME = Identity("org", "net", "sensor")
Part = tuple[int, int, int | str]
"""Flows, DNS transactions and what is bad after them: a number of bad lines, or how the source breaks."""


@dataclass
class Made:
    """A source of numbered rows; ``resumes`` as of a log, by the number of its pieces."""

    name: str
    parts: Sequence[tuple[int, int, int | str]]
    resumes: bool = False
    version: str = "1"
    place: str = ""
    kind: str = "made"
    asked: list[int | None] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.place = self.place or f"{self.name}.made"

    def origin(self) -> str:
        if self.name == "broken":
            raise BadInput("cannot be read", self.place)
        return self.name

    def digest(self) -> str:
        return self.version

    def continues(self, position: int, seal: str) -> bool:
        return True

    def pieces(self, identity: Identity, position: int | None) -> Iterator[Piece]:
        self.asked.append(position)
        start = position or 0 if self.resumes else 0
        row = sum(f + d for f, d, _ in self.parts[:start])
        for i, (n, m, bad) in enumerate(self.parts[start:], start):
            batches = (rows(FLOW, identity, row, n), rows(DNS, identity, row + n, m))
            row += n + m
            if isinstance(bad, str):
                yield Piece(batches, position=i + 1)
                raise BadInput(bad, self.place, 7, b"rest")
            yield Piece(batches, tuple(BadInput(f"bad {i}.{k}", self.place, k, b"line") for k in range(bad)), i + 1)


def rows(kind, identity: Identity, first: int, n: int) -> Batch:
    ids = np.zeros((n, 16), np.uint8)
    ids[:, :8] = np.arange(first, first + n, dtype="<u8").view(np.uint8).reshape(n, 8)
    ids[:, 8:] = np.frombuffer(identity.origin.encode().ljust(8)[:8], np.uint8)
    return build(kind, identity, {"event_id": ids, "ts": DAY + HOUR * np.arange(first, first + n)}, n)


class Sent:
    """A bus that remembers: what was committed, and the marks."""

    def __init__(self) -> None:
        self.outputs: list[Output] = []
        self.marks: dict[str, bytes] = {}

    def mark(self, key: str) -> bytes | None:
        return self.marks.get(key)

    def take(self, commit: Commit) -> None:
        self.outputs += commit.outputs
        self.marks |= commit.marks

    def collect(self, *sources: Made | tuple[Made, Identity], again: bool = False, steps: int = 99) -> list[Report]:
        """One life of a collector, killed after ``steps`` commits."""
        given = [s if isinstance(s, tuple) else (s, ME) for s in sources]
        c = Collector(given, self.mark, again=again)
        c.assigned(Assignment(0, {}))
        for _ in range(steps):
            commit = c.work([], 1_700_000_000.0)
            if commit is None:
                return c.reports
            self.take(commit)
        return c.reports

    def batches(self, kind: str) -> list[Batch]:
        return [b for b in self.contents() if isinstance(b, Batch) and b.kind == kind]

    def contents(self) -> list[Batch | Deletion]:
        return [wire.read_message(Message(Place(o.topic, 0), 0, o.headers, o.value))
                for o in self.outputs if o.topic.startswith("events.")]  # fmt: skip

    def ids(self, kind: str) -> list[bytes]:
        return [i for b in self.batches(kind) for i in b.column("event_id").to_pylist()]

    def letters(self) -> list[DeadLetter]:
        return [msgspec.msgpack.decode(o.value, type=DeadLetter) for o in self.outputs if o.topic == "dead"]

    def left(self, origin: str, identity: Identity = ME) -> Mark:
        raw = self.marks[mark_key(Identity(identity.org, identity.network, origin=origin))]
        return msgspec.json.decode(raw, type=Mark)


BIG = 50_000  # rows that fill a message


def test_rows_letters_and_the_mark_go_out_together():
    sent = Sent()
    (report,) = sent.collect(Made("a", [(3, 2, 1), (4, 0, 0)]))
    assert (len(sent.ids("flow")), len(sent.ids("dns"))) == (7, 2)
    assert [(x.reason, x.raw, x.origin, x.org) for x in sent.letters()] == [("bad 0.0", b"line", "a", "org")]
    mark = sent.left("a")
    assert (mark.rows, mark.bad, mark.done) == ({"flow": 7, "dns": 2}, 1, True)
    assert mark.hours == {"flow": [(DAY, DAY + 2 * HOUR), (DAY + 5 * HOUR, DAY + 8 * HOUR)],
                          "dns": [(DAY + 3 * HOUR, DAY + 4 * HOUR)]}  # fmt: skip
    assert (report.rows, report.already, len(report.faults)) == ({"flow": 7, "dns": 2}, 0, 1)


def test_two_origins_share_a_message_and_each_has_its_mark():
    sent = Sent()
    reports = sent.collect(Made("a", [(3, 0, 0)]), Made("b", [(4, 0, 0)]))
    (batch,) = sent.batches("flow")
    assert batch.column("origin").to_pylist() == ["a"] * 3 + ["b"] * 4
    assert len(set(batch.column("read_at").to_pylist())) == 1
    assert (sent.left("a").rows, sent.left("b").rows) == ({"flow": 3}, {"flow": 4})
    assert [r.rows for r in reports] == [{"flow": 3}, {"flow": 4}]


PARTS: list[Part] = [(BIG, 10, 2), (5, BIG, 0), (BIG, 0, 1), (7, 7, 3)]


@pytest.mark.parametrize("resumes", [False, True], ids=["capture", "log"])
@pytest.mark.parametrize("steps", [1, 2, 3])
def test_killed_between_commits_it_goes_on_and_sends_rows_and_letters_once(resumes: bool, steps: int):
    whole, sent = Sent(), Sent()
    whole.collect(Made("a", PARTS, resumes))
    sent.collect(Made("a", PARTS, resumes), steps=steps)
    assert not sent.left("a").done
    assert 0 < len(sent.ids("flow")) < len(whole.ids("flow"))
    second = Made("a", PARTS, resumes)
    (report,) = sent.collect(second)
    for kind in ("flow", "dns"):
        assert sent.ids(kind) == whole.ids(kind)
    assert [x.reason for x in sent.letters()] == [x.reason for x in whole.letters()]
    assert len(whole.letters()) == 6
    a, b = sent.left("a"), whole.left("a")
    assert (a.rows, a.hours, a.bad, a.position, a.done) == (b.rows, b.hours, b.bad, b.position, b.done)
    assert (second.asked[0] or 0) == (steps if resumes else second.asked[0] or 0)
    assert sum(report.rows.values()) + report.already == sum(b.rows.values())


def test_killed_after_the_letter_of_a_break_it_writes_no_second_one():
    sent = Sent()
    parts: list[Part] = [(BIG, 0, 0), (BIG, 0, "cut short")]
    sent.collect(Made("a", parts), steps=2)
    sent.collect(Made("a", parts))
    sent.collect(Made("a", parts))
    assert [(x.reason, x.at, x.raw) for x in sent.letters()] == [("cut short", 7, b"rest")]
    assert len(sent.ids("flow")) == len(set(sent.ids("flow"))) == 2 * BIG


def test_what_comes_before_a_break_is_kept_and_the_fault_is_told():
    sent = Sent()
    (report,) = sent.collect(Made("a", [(3, 0, "cut short"), (4, 0, 0)]))
    assert len(sent.ids("flow")) == 3
    assert ["cut short" in f and "a.made" in f for f in report.faults] == [True]


def test_a_source_that_cannot_be_opened_is_told_and_the_next_is_read():
    sent = Sent()
    broken, fine = sent.collect(Made("broken", []), Made("b", [(4, 0, 0)]))
    assert broken.faults == ["broken.made: cannot be read"]
    assert fine.rows == {"flow": 4}


def test_a_source_with_nothing_in_it_yet_leaves_no_mark():
    sent = Sent()
    sent.collect(Made("", []))
    assert sent.marks == {}


def test_a_log_that_has_grown_is_read_on_from_its_position():
    sent = Sent()
    sent.collect(Made("a", [(3, 0, 0)], resumes=True))
    grown = Made("a", [(3, 0, 0), (4, 1, 1)], resumes=True)
    (report,) = sent.collect(grown)
    assert grown.asked == [1]
    assert (report.rows, report.already) == ({"flow": 4, "dns": 1}, 3)
    assert len(set(sent.ids("flow"))) == len(sent.ids("flow")) == 7
    assert not report.unchanged
    (same,) = sent.collect(Made("a", grown.parts, resumes=True))
    assert (same.rows, same.already, same.unchanged) == ({}, 8, True)


def test_a_log_that_breaks_off_keeps_its_position_and_is_read_on_when_it_is_whole():
    sent = Sent()
    sent.collect(Made("a", [(3, 0, 0), (4, 0, "ends early")], resumes=True))
    sent.collect(Made("a", [(3, 0, 0), (4, 0, 0), (5, 0, 0)], resumes=True))
    assert len(sent.ids("flow")) == len(set(sent.ids("flow"))) == 12
    assert [x.reason for x in sent.letters()] == ["ends early"]


def test_a_log_that_stays_broken_says_so_each_time_and_its_rows_go_out_once():
    sent = Sent()
    for _ in range(3):
        (report,) = sent.collect(Made("a", [(3, 0, 0), (4, 0, 0), (0, 0, "ends early")], resumes=True))
        assert len(sent.ids("flow")) == 7
    assert report.already == 7


def test_letters_fill_a_commit_as_rows_do_and_of_many_faults_only_the_first_are_told():
    sent = Sent()
    (report,) = sent.collect(Made("a", [(1, 0, 30_000)] * 4), steps=1)
    assert len(sent.letters()) == 60_000
    assert (len(report.faults), report.more_faults) == (1000, 59_000)
    sent.collect(Made("a", [(1, 0, 30_000)] * 4))
    assert len(sent.letters()) == 120_000


def test_a_capture_that_was_read_is_not_read_again_and_says_so():
    sent = Sent()
    sent.collect(Made("a", [(3, 2, 0)]))
    second = Made("a", [(3, 2, 0)], place="elsewhere")
    (report,) = sent.collect(second)
    assert second.asked == []
    assert report.unchanged
    assert (report.already, report.place, report.read_at) == (5, "elsewhere", 1_700_000_000_000_000)
    assert len(sent.ids("flow")) == 3


def test_whose_it_is_comes_from_the_mark_and_not_from_todays_settings():
    sent = Sent()
    sent.collect(Made("a", PARTS), steps=1)
    sent.collect((Made("a", PARTS), Identity("org", "net", "renamed")))
    assert {s for b in sent.batches("flow") for s in b.column("sensor").to_pylist()} == {"sensor"}


def test_again_deletes_first_with_the_hours_and_then_sends_all():
    sent = Sent()
    sent.collect(Made("a", [(3, 2, 0)]))
    n = len(sent.outputs)
    (report,) = sent.collect(Made("a", [(3, 2, 0)]), again=True)
    kinds = ["delete" if isinstance(c, Deletion) else c.kind for c in sent.contents()[n:]]
    assert kinds == ["delete", "delete", "flow", "dns"]
    assert report.rows == {"flow": 3, "dns": 2}
    assert sent.left("a").rows == {"flow": 3, "dns": 2}
    deletions = [c for c in sent.contents() if isinstance(c, Deletion)]
    assert deletions[0] == Deletion("org", "net", "a", (DAY, DAY + HOUR, DAY + 2 * HOUR))


def test_again_reads_a_capture_once_in_a_run_also_from_two_folders():
    sent = Sent()
    sent.collect(Made("a", [(3, 0, 0)]))
    n = len(sent.outputs)
    sent.collect(Made("a", [(3, 0, 0)]), Made("a", [(3, 0, 0)], place="elsewhere"), again=True)
    assert len(sent.outputs) - n == 2


def test_again_reads_the_same_capture_anew_for_every_organisation():
    sent = Sent()
    both = [(Made("a", [(3, 0, 0)]), Identity(org, "net")) for org in ("one", "two")]
    sent.collect(*both)
    n = len(sent.contents())
    sent.collect(*both, again=True)
    assert [c.org for c in sent.contents()[n:] if isinstance(c, Deletion)] == ["one", "two"]
    assert len(sent.ids("flow")) == 12


def test_killed_while_reading_again_it_goes_on_and_does_not_delete_what_it_just_sent():
    sent = Sent()
    sent.collect(Made("a", PARTS))
    n = len(sent.outputs)
    sent.collect(Made("a", PARTS), again=True, steps=1)
    sent.collect(Made("a", PARTS))
    later = [c for c in sent.contents()[n - len(sent.letters()) :] if isinstance(c, Deletion)]
    assert len(later) <= 2
    ids = sent.ids("flow")
    assert len(ids) == 2 * len(set(ids))


def test_a_decoder_of_another_version_deletes_what_half_was_sent_and_reads_anew():
    sent = Sent()
    sent.collect(Made("a", PARTS), steps=2)
    sent.collect(Made("a", [(9, 0, 0)], version="2"))
    at = [isinstance(c, Deletion) for c in sent.contents()].index(True)
    after = [c for c in sent.contents()[at:] if isinstance(c, Batch)]
    assert sum(map(len, after)) == 9
    assert sent.left("a").rows == {"flow": 9}


def test_a_decoder_of_another_version_leaves_what_was_read_whole():
    sent = Sent()
    sent.collect(Made("a", [(3, 0, 0)]))
    (report,) = sent.collect(Made("a", [(9, 0, 0)], version="2"))
    assert report.already == 3
    assert len(sent.ids("flow")) == 3


def test_a_name_that_is_no_text_is_told_and_kept():
    sent = Sent()
    (report,) = sent.collect(Made("a", [(1, 0, "cut short")], place="name-\udcff.pcap"))
    assert report.faults
    assert [x.reason for x in sent.letters()] == ["cut short"]
    assert sent.letters()[0].place.startswith("name-")


def test_hours_before_1970_are_counted_as_they_lie():
    sent = Sent()
    source = Made("a", [(1, 0, 0)])
    source.pieces = lambda identity, position: iter([Piece((build(
        FLOW, identity, {"ts": np.array([-1, -HOUR, HOUR])}, 3),))])  # fmt: skip
    sent.collect(source)
    assert sent.left("a").hours == {"flow": [(-HOUR, -HOUR), (HOUR, HOUR)]}


HEAD = "#separator \\x09\n#path\tdns\n#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\tquery\n"


def line(i: int) -> str:
    return f"1700006400.{i:06d}\tC{i}\t192.0.2.1\t5353\t192.0.2.53\t53\tudp\tn{i}.example\n"


@pytest.fixture
def logs(tmp_path: Path) -> Callable[[], list[tuple[object, Identity]]]:
    return lambda: [(s, ME) for s in sources_of(tmp_path, Settings(), None)]


def test_a_growing_zeek_log_is_read_on_and_its_bad_lines_are_letters_once(tmp_path, logs):
    sent, path = Sent(), tmp_path / "dns.log"
    path.write_text(HEAD + line(1) + "bad\n" + line(2))
    sent.collect(*logs())
    path.write_text(path.read_text() + line(3) + "worse\n")
    sent.collect(*logs())
    sent.collect(*logs())
    names = [q for b in sent.batches("dns") for q in b.column("query").to_pylist()]
    assert names == [f"n{i}.example" for i in (1, 2, 3)]
    assert [x.raw for x in sent.letters()] == [b"bad", b"worse"]
    assert sorted({x.at for x in sent.letters()}) == [x.at for x in sent.letters()]


def test_a_rotated_copy_of_a_log_is_the_same_origin(tmp_path, logs):
    sent, path = Sent(), tmp_path / "dns.log"
    path.write_text(HEAD + line(1) + line(2))
    sent.collect(*logs())
    path.rename(tmp_path / "dns.2023-11-15.log")
    (report,) = sent.collect(*logs())
    assert (report.rows, report.already) == ({}, 2)
    assert len(sent.ids("dns")) == 2
