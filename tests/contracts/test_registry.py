"""What the registry promises beyond its rows, on SQLite and PostgreSQL. What the fold, the assessment, warnings and
triage write is held on both by ``tests/unit/situation``, and the queue by ``tests/api``."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import Engine, insert, inspect, select, text

from fengsui.errors import BadSetting, UsageError
from fengsui.registry import database as registry_module
from fengsui.registry.activity import ALERT, record
from fengsui.registry.database import connect, open_registry, reading
from fengsui.registry.models import activity, metadata, organisation
from situation.acts import Conflict
from situation.triage import triage
from tests.support.postgres import database
from tests.unit.situation.conftest import Province


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'r.db'}" if request.param == "sqlite" else database(empty=True)


@pytest.fixture
def registry(url: str):
    engine = open_registry(url)
    yield engine
    engine.dispose()


def test_migrations_make_the_tables_of_today(registry):
    found = inspect(registry)
    assert set(metadata.tables) <= set(found.get_table_names())
    for name, table in metadata.tables.items():
        assert {c["name"]: c["nullable"] for c in found.get_columns(name)} == {c.name: c.nullable for c in table.c}
        assert {i["name"] for i in found.get_indexes(name)} >= {i.name for i in table.indexes}


def test_an_older_registry_is_brought_to_today_with_what_is_in_it(url):
    engine = connect(url)
    with engine.begin() as db:
        config = registry_module._scripts()
        config.attributes["connection"] = db
        command.upgrade(config, "0001")
        columns = "at, org, alert_id, actor, act, body"
        db.execute(text(f"INSERT INTO activity ({columns}) VALUES (1, 'o', 'a', 'x', 'y', '{{}}')"))
    engine.dispose()
    engine = open_registry(url)
    with engine.connect() as db:
        assert [(r.object, r.object_id) for r in db.execute(select(activity))] == [("alert", "a")]
    engine.dispose()


def test_a_newer_registry_is_refused(url):
    open_registry(url).dispose()
    engine = connect(url)
    with engine.begin() as db:
        db.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()
    with pytest.raises(UsageError, match="9999"):
        open_registry(url)


def test_two_that_open_an_empty_registry_at_once_make_it_once(url):
    with ThreadPoolExecutor(2) as pool:
        engines = list(pool.map(open_registry, [url, url]))
    with engines[1].begin() as db:
        db.execute(insert(organisation).values(id="o", zh="甲", en="A", city="c", sector="s", size="m",
                                               protection_level=3, critical=False))  # fmt: skip
    for engine in engines:
        engine.dispose()


def test_who_reads_on_by_the_sequence_misses_nothing_however_many_write(registry):
    """A number of the sequence must not appear after a later one was read."""
    writers, each = 4, 40

    def write(who: int) -> None:
        for i in range(each):
            with registry.begin() as db:
                record(db, i, "org", (ALERT, f"{who}-{i}"), "x", "y", {})
                time.sleep(0.001 * (who % 3))  # some stay longer between their number and their commit

    seen: list[int] = []
    with ThreadPoolExecutor(writers) as pool:
        work = [pool.submit(write, w) for w in range(writers)]
        ended = False
        while not ended:
            ended = all(w.done() for w in work)  # before the read: what was committed by then must be in it
            with reading(registry).connect() as db:
                after = activity.c.seq > (seen[-1] if seen else 0)
                seen += [s for (s,) in db.execute(select(activity.c.seq).where(after).order_by("seq"))]
            time.sleep(0.002)
        for w in work:
            w.result()
    assert len(seen) == writers * each
    assert seen == sorted(set(seen))


def test_a_reader_waits_for_no_writer_and_sees_what_was_committed(registry):
    with registry.begin() as db:
        record(db, 1, "org", (ALERT, "a"), "x", "y", {})
        began = time.monotonic()
        with reading(registry).connect() as other:
            assert other.execute(select(activity)).all() == []
        assert time.monotonic() - began < 5
    with reading(registry).connect() as other:
        assert len(other.execute(select(activity)).all()) == 1


def test_of_two_people_who_take_the_same_alert_one_is_told(registry):
    province = Province(registry)
    alert = province.alert(province.organisation("org"))
    with registry.connect() as db:
        seq = db.execute(select(activity.c.seq).order_by(activity.c.seq.desc())).first()
    at = seq[0] if seq else 0

    def take(who: str) -> str:
        try:
            with registry.begin() as db:
                triage(db, alert, who, 7, assignee=who, seen=at)
        except Conflict:
            return "conflict"
        return "taken"

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(take, ["wang", "li"])) == ["conflict", "taken"]


def test_hostile_text_is_kept(registry):
    name = "a\0b'; DROP TABLE organisation; -- \u202e百"
    with registry.begin() as db:
        db.execute(insert(organisation).values(id="o", zh=name, en="A", city="c", sector="s", size="m",
                                               protection_level=3, critical=False))  # fmt: skip
    with registry.connect() as db:
        (kept,) = db.execute(select(organisation.c.zh)).one()
    assert kept.replace("\N{SYMBOL FOR NULL}", "\0") == name


def test_an_address_that_is_none_names_the_setting():
    for url in ("nonsense", "mysql://h/d", "oracle+nothing://h"):
        with pytest.raises(BadSetting, match="registry_url"):
            connect(url)


def test_the_queue_is_read_along_its_index(registry: Engine):
    province = Province(registry)
    org = province.organisation("org")
    for i in range(300):
        province.alert(org, severity=i % 5, last_seen=i, first_seen=i)
    with registry.begin() as db:
        if registry.dialect.name == "postgresql":
            db.exec_driver_sql("ANALYZE alert")
            db.exec_driver_sql("SET LOCAL enable_seqscan = off")  # 300 rows are read faster without any index
        explain, yes = ("EXPLAIN", "true") if registry.dialect.name == "postgresql" else ("EXPLAIN QUERY PLAN", "1")
        sql = f"SELECT id FROM alert WHERE queued = {yes} ORDER BY severity DESC, last_seen DESC, id DESC LIMIT 20"
        plan = "\n".join(str(r) for r in db.exec_driver_sql(f"{explain} {sql}"))
    assert "ix_alert_queue" in plan
    assert "Sort" not in plan
    assert "TEMP B-TREE" not in plan
