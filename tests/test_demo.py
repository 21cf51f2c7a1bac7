"""The made province through the real path: what was planted is found and nothing else, and what follows."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import pytest

from collectors.made.province import Province, make_province
from collectors.network.sources import sources_of
from detectors.catalogue import rules_folder
from fengsui.batch import Identity
from fengsui.bus.topics import STORED
from fengsui.cli.platform import Platform
from fengsui.config import Settings
from fengsui.pipeline import drain
from fengsui.registry.database import reading
from fengsui.registry.organisations import load
from situation import queries, warning_book
from situation.assess import Assessment
from situation.presence import Presence
from situation.standards import load as load_standards

DAY = date(2024, 5, 6)
MIDNIGHT = int(datetime(2024, 5, 7, tzinfo=UTC).timestamp() * 1_000_000)


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Province, Platform, list[Any]]]:
    folder = tmp_path_factory.mktemp("demo")
    province = make_province(folder / "input", day=DAY)
    settings = Settings(data=folder / "data", indicators=(province.indicators,))
    with Platform(settings) as platform:
        sources = [(s, Identity(o.id, o.network, o.sensor)) for o in province.organisations if o.files
                   for s in sources_of(folder / "input" / o.id, settings, platform.blobs)]  # fmt: skip
        reports = platform.collect(sources)
        yield province, platform, reports


@pytest.fixture(scope="module")
def assessed(read: tuple[Province, Platform, list[Any]]) -> Iterator[tuple[Province, Any, Any]]:
    """The province as it stood at the end of its day: organisations, tables and a connection to what was computed."""
    province, platform, _ = read
    load(platform.registry, [o.entry() for o in province.organisations])
    drain([platform.member(Presence(platform.registry), "presence", [STORED])], platform.clock)
    standards = load_standards(rules_folder(None) / "standards", platform.rules)
    assessment = Assessment(platform.registry, lambda: MIDNIGHT, standards)
    while assessment.step(platform.clock()):
        pass
    with reading(platform.registry).connect() as db:
        yield province, standards, db


def test_every_planted_story_is_one_alert_and_nothing_else_is_in_the_queue(read):
    province, platform, reports = read
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


def test_contributions_of_alerts_add_up_to_every_index(assessed):
    province, standards, db = assessed
    scopes = [("organisation", o.id) for o in province.organisations]
    scopes += [("city", c) for c in standards.regions.cities] + [("province", "province")]
    known = 0
    for scope, key in scopes:
        found = queries.detail(db, standards, scope, key, MIDNIGHT)
        if found["index"] is None:
            assert found["band"] == "insufficient"
            continue
        known += 1
        rest = found["rest"]["points"] if found["rest"] else 0.0
        assert abs(sum(c["points"] for c in found["contributions"]) + rest - found["index"]) < 1e-9
        if found["members"]:
            assert abs(sum(m["points"] for m in found["members"]) - found["index"]) < 1e-9
        assert all(c["alert"] for c in found["contributions"])
    assert known > 35


def test_the_organisation_that_stands_worst_is_visible_in_its_city_and_in_the_province(assessed):
    province, standards, db = assessed
    by_org = {o.id: queries.score(db, standards, "organisation", o.id) for o in province.organisations}
    worst = max((s for s in by_org.values() if s["index"] is not None), key=lambda s: s["index"])
    city = next(o.city for o in province.organisations if o.id == worst["id"])
    whole = queries.overview(db, standards, MIDNIGHT)
    mine = next(c for c in whole["cities"] if c["id"] == city)
    floor = standards.weights.floors.area * worst["index"]
    assert mine["worst"]["id"] == whole["province"]["worst"]["id"] == worst["id"]
    assert mine["index"] >= floor > 0
    assert whole["province"]["index"] >= floor
    quiet = [c["index"] for c in whole["cities"] if c["alerts"] == 0 and c["index"] is not None]
    assert all(mine["index"] > index for index in quiet)


def test_an_organisation_without_data_is_not_said_to_be_safe(assessed):
    province, standards, db = assessed
    [silent] = [o for o in province.organisations if not o.files]
    found = queries.score(db, standards, "organisation", silent.id)
    assert (found["index"], found["band"], found["coverage"]["share"]) == (None, "insufficient", 0.0)
    city = queries.score(db, standards, "city", silent.city)
    assert city["coverage"]["reporting"] == city["coverage"]["registered"] - 1


def test_the_planted_attacks_become_drafts_of_warnings_with_notices_in_both_languages(assessed):
    _, _, db = assessed
    items, _ = warning_book.page(db)
    assert {"critical_alert", "shared_subject"} <= {w["trigger"] for w in items}
    for w in items:
        assert w["state"] == "draft"
        notice = warning_book.detail(db, w["id"])["notice"]
        fields = ("category", "level", "start_time", "scope", "matters", "measures")
        assert all(notice[lang][field] for lang in ("en", "zh") for field in fields)
    [shared] = [w for w in items if w["trigger"] == "shared_subject"]
    assert len(shared["orgs"]) == 3
    assert len(shared["cities"]) == 3
