"""The made province through the real path: what was planted is found, and nothing else is in the queue."""

from __future__ import annotations

from datetime import date

from collectors.made.province import make_province
from collectors.network.sources import sources_of
from fengsui.batch import Identity
from fengsui.cli.platform import Platform
from fengsui.config import Settings


def test_every_planted_story_is_one_alert_and_nothing_else_is_in_the_queue(tmp_path):
    province = make_province(tmp_path / "input", day=date(2024, 5, 6))
    settings = Settings(data=tmp_path / "data", indicators=(province.indicators,))
    with Platform(settings) as platform:
        sources = [(s, Identity(o.id, o.network, o.sensor)) for o in province.organisations if o.files
                   for s in sources_of(tmp_path / "input" / o.id, settings, platform.blobs)]  # fmt: skip
        reports = platform.collect(sources)
        alerts = platform.alerts()
        rows = platform.store.query("SELECT count() AS n, uniqExact(event_id) AS ids FROM flow").to_pylist()[0]
    assert not [f for r in reports for f in r.faults]
    assert rows["n"] == rows["ids"] == sum(r.rows.get("flow", 0) for r in reports) > 100_000
    assert len(province.planted) == 16
    silent = [o for o in province.organisations if not o.files]
    assert [any(o.city == s.city and o.files for o in province.organisations) for s in silent] == [True]
    planted = sorted((p.org, p.rule, p.subject) for p in province.planted)
    assert sorted((a.org, a.rule, a.subject) for a in alerts) == planted
    for p in province.planted:
        (alert,) = [a for a in alerts if (a.org, a.rule) == (p.org, p.rule)]
        assert p.start <= alert.last_seen < p.end, p
