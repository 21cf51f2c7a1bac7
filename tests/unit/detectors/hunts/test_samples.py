"""Samples: every hunt rule against its own, and a rule file that has none."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from detectors.base import Query
from detectors.hunts import RULES as NAMES
from detectors.samples import check, hunt_samples
from fengsui.batch import Batch, stamp
from fengsui.config import Settings
from fengsui.errors import BadRule
from fengsui.store.chdb import ChdbStore
from tests.unit.detectors.hunts.bench import RULES


@pytest.fixture
def fresh() -> Iterator[ChdbStore]:
    store = ChdbStore(None)
    store.migrate()
    yield store
    store.close()


def loader(store: ChdbStore) -> object:
    def load(batches: list[Batch]) -> Query:
        for b in batches:
            store.load(b.kind, pa.Table.from_batches([stamp(b, 1_790_000_000_000_000).rows]))
        return store.query

    return load


def test_every_hunt_rule_matches_what_it_must_and_nothing_else(fresh: ChdbStore) -> None:
    ran, failures = check(RULES, Settings(), loader(fresh))
    assert ran >= 2 * len(NAMES)
    assert failures == []


def test_a_threshold_that_hides_a_sample_is_a_failure(fresh: ChdbStore, tmp_path: Path) -> None:
    (tmp_path / "hunts").mkdir()
    for name in NAMES:
        text = (RULES / "hunts" / f"{name}.yaml").read_text(encoding="utf-8")
        if name == "guessing":
            text = text.replace("bytes_low: 60", "bytes_low: 0")
        elif name != "exfiltration":
            text = minimal(text)
        else:
            text = text.replace("low: 500.0e+6, medium: 2.0e+9", "low: 1.5e+9, medium: 2.0e+9")
        (tmp_path / "hunts" / f"{name}.yaml").write_text(text, encoding="utf-8")
    _, failures = check(tmp_path, Settings(), loader(fresh))
    wrong = {(f.path.stem, f.sample) for f in failures if f.path.stem in ("guessing", "exfiltration")}
    assert wrong == {
        ("guessing", "a monitor that reads the banner"),
        ("exfiltration", "a gigabyte in a hundred uploads"),
    }


def minimal(text: str) -> str:
    """The rule with two events in place of its samples, so that only the rules in question cost time."""
    flow = "flow: {from: 10.0.0.5, to: 203.0.113.7}"
    lists = "".join(f"  {key}:\n    - name: {key}\n      events: [{{{flow}}}]\n" for key in ("match", "no_match"))
    return text.split("samples:\n", maxsplit=1)[0] + "samples:\n" + lists


@pytest.mark.parametrize(
    ("samples", "reason"),
    [
        ("samples: {}", "must match"),
        ("samples:\n  match:\n    - {name: a, events: [{flow: {from: 10.0.0.1, to: 10.0.0.2}}]}", "must not match"),
        ("samples:\n  match: []\n  no_match: []", "must match"),
        ("samples:\n  match:\n    - {name: a, events: []}\n  no_match: [{}]", "needs a name and a list of events"),
        ("samples:\n  match:\n    - {name: a, events: [{flow: {form: 1}}]}\n  no_match: [{}]", "unknown key 'form'"),
        ("samples:\n  match:\n    - {name: a, events: [{flow: {from: x, to: y}}]}\n  no_match: [{}]", "not an address"),
        ("samples:\n  match:\n    - {name: a, events: [{every: 3}]}\n  no_match: [{}]", "exactly one of"),
        (
            "samples:\n  match:\n    - {name: a, events: [{flow: {from: 10.0.0.1, to: 10.0.0.2}, times: x}]}",
            "neither a number",
        ),
    ],
)
def test_a_sample_that_cannot_be_used_is_an_error(tmp_path: Path, samples: str, reason: str) -> None:
    path = tmp_path / "x.yaml"
    path.write_text(f"id: x\n{samples}\n", encoding="utf-8")
    with pytest.raises(BadRule) as e:
        hunt_samples(path)
    assert reason in e.value.reason
    assert e.value.line is not None


def test_the_same_file_makes_the_same_events() -> None:
    path = RULES / "hunts" / "guessing.yaml"
    one, two = hunt_samples(path), hunt_samples(path)
    assert [s.name for s in one] == [s.name for s in two]
    for a, b in zip(one, two, strict=True):
        assert [x.rows for x in a.batches] == [x.rows for x in b.batches]
    assert sum(len(b) for b in one[0].batches) == 200


def test_repetition_numbers_and_spreads_are_filled(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    event = (
        'flow: {from: 10.0.0.5, to: "10.0.1.{i%2}", port: "{i+100}", bytes: 50 ± 5}, every: 10, times: 4, start: 3600'
    )
    path.write_text(
        f"samples:\n  match:\n    - {{name: a, events: [{{{event}}}]}}\n"
        "  no_match:\n    - {name: b, events: [{dns: {from: 10.0.0.5, to: 10.0.0.6, query: '{hex:8}.x.cn'}}]}\n",
        encoding="utf-8",
    )
    match, no_match = hunt_samples(path)
    (flows,), (names,) = match.batches, no_match.batches
    assert flows.column("dst_port").to_pylist() == [100, 101, 102, 103]
    assert [ip[-1] for ip in flows.column("dst_ip").to_pylist()] == [0, 1, 0, 1]
    assert all(45 <= n <= 55 for n in flows.column("orig_bytes").to_pylist())
    seconds = [t.timestamp() % 86_400 for t in flows.column("ts").to_pylist()]
    assert seconds == [3600, 3610, 3620, 3630]
    (name,) = names.column("query").to_pylist()
    assert len(name) == 8 + len(".x.cn")
    assert int(name[:8], 16) >= 0
