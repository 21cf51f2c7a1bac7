"""A registry with organisations, hours with data and alerts, for the tests of the situation."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, delete, event, insert, select, update

from fengsui.finding import Rule
from fengsui.registry import models as m
from fengsui.registry.activity import ALERT, record
from fengsui.registry.database import open_registry
from situation import presence
from situation.standards import Standards, load
from tests.conftest import DAY, HOUR
from tests.support.postgres import database

STANDARDS = Path("rules/standards")
NOW = DAY + 30 * HOUR + 1234
RULES = {
    "beacon": Rule("beacon", "v", "malware/botnet", title={"en": "Beacon", "zh": "信标外联"},
                   text={"en": "{src} called {dst}", "zh": "{src} 连接了 {dst}"}),
    "upload": Rule("upload", "v", "data/theft", domain="data", title={"en": "Large upload", "zh": "大量数据外传"}),
}  # fmt: skip


@pytest.fixture(scope="session")
def standards() -> Standards:
    return load(STANDARDS, RULES)


@pytest.fixture(scope="session")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A registry as it is made, once for all tests."""
    path = tmp_path_factory.mktemp("registry") / "empty.db"
    open_registry(f"sqlite:///{path}").dispose()
    return path


@pytest.fixture(params=["sqlite", "postgres"])
def registry(request: pytest.FixtureRequest, tmp_path: Path, empty: Path) -> Iterator[Engine]:
    """A registry of this test's own, on both databases; what it writes need not outlast a power cut."""
    if request.param == "postgres":
        engine = open_registry(database())
        yield engine
        engine.dispose()
        return
    shutil.copy(empty, tmp_path / "registry.db")
    engine = open_registry(f"sqlite:///{tmp_path / 'registry.db'}")
    event.listen(engine, "connect", lambda c, _: c.execute("PRAGMA synchronous=OFF"))
    engine.dispose()
    yield engine
    engine.dispose()


class Province:
    """A made province in a registry: what the fold, the presence role and people would write."""

    def __init__(self, engine: Engine) -> None:
        self.engine, self.alerts = engine, 0

    def organisation(self, id: str, city: str = "hangzhou", *, size: str = "medium", level: int = 3,
                     critical: bool = False, hours: int = 30) -> str:  # fmt: skip
        """A registered organisation with data in the last ``hours`` full hours before NOW."""
        with self.engine.begin() as db:
            db.execute(insert(m.organisation).values(id=id, zh=f"单位{id}", en=f"Org {id}", city=city, sector="finance",
                                                     size=size, protection_level=level, critical=critical))  # fmt: skip
        self.present(id, *(DAY + 30 * HOUR - i * HOUR for i in range(1, hours + 1)))
        return id

    def present(self, org: str, *hours: int) -> None:
        with self.engine.begin() as db:
            presence.add(db, {(org, h) for h in hours})

    def alert(self, org: str, severity: int = 4, **changes: Any) -> str:
        """A queued alert, raised now; as ``changes`` say."""
        self.alerts += 1
        values: dict[str, Any] = {
            "id": f"{self.alerts:032x}", "org": org, "network": "lan", "rule": "beacon", "subject": "host:10.0.0.5",
            "related": "[]", "severity": severity, "confidence": 80, "queued": True, "category": "malware/botnet",
            "domain": "network", "techniques": "[]", "summary": '["beacon",{"src":"10.0.0.5","dst":"203.0.113.9"}]',
            "explanation": "{}", "evidence": "[]", "first_seen": NOW - 2 * HOUR, "last_seen": NOW - HOUR, "count": 3,
            "state": "new", "assignee": "", "touched": False, "changed_seq": 0,
        }  # fmt: skip
        values |= changes
        with self.engine.begin() as db:
            seq = record(db, 1, org, (ALERT, values["id"]), "fold", "raised", {})
            db.execute(insert(m.alert).values(values | {"changed_seq": seq}))
        return str(values["id"])

    def change(self, id: str, **changes: Any) -> None:
        """What the fold does to an alert."""
        with self.engine.begin() as db:
            org = db.execute(select(m.alert.c.org).where(m.alert.c.id == id)).scalar_one()
            seq = record(db, 1, org, (ALERT, id), "fold", "updated", {})
            db.execute(update(m.alert).where(m.alert.c.id == id).values(**changes, changed_seq=seq))

    def remove(self, id: str) -> None:
        with self.engine.begin() as db:
            org = db.execute(select(m.alert.c.org).where(m.alert.c.id == id)).scalar_one()
            record(db, 1, org, (ALERT, id), "fold", "withdrawn", {})
            db.execute(delete(m.alert).where(m.alert.c.id == id))

    def rows(self, scope: str | None = None, id: str | None = None) -> list[Any]:
        t = m.situation
        sql = select(t).order_by(t.c.scope, t.c.scope_id, t.c.at)
        sql = sql if scope is None else sql.where(t.c.scope == scope)
        with self.engine.connect() as db:
            return list(db.execute(sql if id is None else sql.where(t.c.scope_id == id)))


@pytest.fixture
def province(registry: Engine) -> Province:
    return Province(registry)


