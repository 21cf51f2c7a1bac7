"""How long each kind is kept, from the settings to the statements."""

from __future__ import annotations

import pytest

from fengsui.errors import BadSetting
from fengsui.store import retention


def test_each_kind_has_its_days_and_findings_the_longest():
    found = retention.days(30, ("dns=90",))
    assert (found["flow"], found["dns"], found["finding"]) == (30, 90, 90)
    assert retention.days(30, ("dns=0",))["finding"] == 0
    assert set(retention.days(0, ()).values()) == {0}


@pytest.mark.parametrize(("default", "kinds", "said"), [
    (0, ("nothing=30",), "'nothing=30' is not KIND=DAYS"), (0, ("dns",), "'dns'"), (0, ("dns=x",), "'dns=x'"),
    (3, (), "at least 8 days"), (0, ("dns=7",), "at least 8 days"),
])  # fmt: skip
def test_what_cannot_be_meant_is_refused(default, kinds, said):
    with pytest.raises(BadSetting, match=said):
        retention.days(default, kinds)


def test_a_table_says_what_it_keeps():
    engine = "MergeTree PARTITION BY toDate(read_at) TTL toDateTime(read_at) + toIntervalDay(30) SETTINGS x = 1"
    assert retention.kept(engine) == 30
    assert retention.kept("MergeTree ORDER BY ts SETTINGS x = 1") == 0


def test_a_cluster_is_told_on_every_node():
    told = retention.statements("flow_local", 0, " ON CLUSTER 'c'")
    assert told == ["ALTER TABLE flow_local ON CLUSTER 'c' REMOVE TTL"]
