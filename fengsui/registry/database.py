"""Open the registry and bring it to today's tables."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url

from fengsui.errors import UsageError


def open_registry(url: str) -> Engine:
    """An engine for ``url`` (``sqlite:///path`` or ``postgresql+psycopg://…``), migrated.

    Raises UsageError if the registry was written by a newer version.
    """
    engine = create_engine(url, pool_size=16, max_overflow=64)
    if make_url(url).get_backend_name() == "sqlite":
        event.listen(engine, "connect", _sqlite)
        event.listen(engine, "begin", _begin)
    migrate(engine)
    return engine


def reading(engine: Engine) -> Engine:
    """The same registry for those who only read: they wait for no writer, and see what was committed before."""
    return engine.execution_options(reading=True)


def _begin(connection: Connection) -> None:
    """A transaction that will write takes the lock at once: one that found out later would have to begin again."""
    connection.exec_driver_sql("BEGIN" if connection.get_execution_options().get("reading") else "BEGIN IMMEDIATE")


def _sqlite(connection: object, _record: object) -> None:
    connection.isolation_level = None  # type: ignore[attr-defined]  # transactions begin where SQLAlchemy says
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=30000"):
        connection.execute(f"PRAGMA {pragma}")  # type: ignore[attr-defined]


def _scripts() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    return config


def migrate(engine: Engine) -> None:
    """Apply the migrations that are missing."""
    config = _scripts()
    scripts = ScriptDirectory.from_config(config)
    with engine.begin() as connection:
        now = MigrationContext.configure(connection).get_current_revision()
        if now == scripts.get_current_head():
            return
        if now is not None and now not in {s.revision for s in scripts.walk_revisions()}:
            raise UsageError(f"the registry has revision {now}, which this version does not know: upgrade Fengsui, or "
                             "use another folder with --data")  # fmt: skip
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
