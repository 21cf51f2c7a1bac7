"""Open the registry and bring it to today's tables."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from fengsui.errors import BadSetting, UsageError

WRITERS = 0x66656E67
"""The advisory lock that writers of a registry in PostgreSQL hold, one at a time."""


def open_registry(url: str) -> Engine:
    """An engine for ``url`` (``sqlite:///path`` or ``postgresql+psycopg://…``), migrated.

    Raises UsageError if the registry was written by a newer version, BadSetting for an address that is none.
    """
    engine = connect(url)
    try:
        migrate(engine)
    except BaseException:
        engine.dispose()
        raise
    return engine


def connect(url: str) -> Engine:
    """An engine for ``url``, as it is. On both databases there is one writer at a time: what is written commits in the
    order of its sequence, which the live stream, the assessment and the relay read on by."""
    try:
        kind = make_url(url).get_backend_name()
        engine = create_engine(url, pool_size=16, max_overflow=64, pool_pre_ping=kind != "sqlite")
    except (ArgumentError, NoSuchModuleError, ModuleNotFoundError) as e:
        raise BadSetting(f"registry_url: {e}; PostgreSQL needs the extra `large`") from e
    if kind == "sqlite":
        event.listen(engine, "connect", _sqlite)
        event.listen(engine, "begin", _begin)
    elif kind == "postgresql":
        event.listen(engine, "begin", _take_turn)
        event.listen(engine, "before_cursor_execute", _without_nul, retval=True)
    else:
        raise BadSetting(f"registry_url: {kind} is not known; there are sqlite and postgresql")
    return engine


def reading(engine: Engine) -> Engine:
    """The same registry for those who only read: they wait for no writer, and see what was committed before."""
    if engine.dialect.name == "postgresql":
        return engine.execution_options(reading=True, isolation_level="REPEATABLE READ", postgresql_readonly=True)
    return engine.execution_options(reading=True)


def _begin(connection: Connection) -> None:
    """A transaction that will write takes the lock at once: one that found out later would have to begin again."""
    connection.exec_driver_sql("BEGIN" if connection.get_execution_options().get("reading") else "BEGIN IMMEDIATE")


def _sqlite(connection: object, _record: object) -> None:
    connection.isolation_level = None  # type: ignore[attr-defined]  # transactions begin where SQLAlchemy says
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=30000"):
        connection.execute(f"PRAGMA {pragma}")  # type: ignore[attr-defined]


def _take_turn(connection: Connection) -> None:
    """What SQLite's lock gives: else a later number of the sequence could be committed, and read past, before an
    earlier one. Held to the end of the transaction, freed with the connection of one that died."""
    if not connection.get_execution_options().get("reading"):
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({WRITERS})")


def _without_nul(conn: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: bool) -> tuple[str, Any]:
    """PostgreSQL's text holds no NUL, and hostile traffic does: it is shown as what stands for it."""
    return statement, _shown(parameters)


def _shown(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("\0", "\N{SYMBOL FOR NULL}") if "\0" in value else value
    if isinstance(value, dict):
        return {k: _shown(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_shown(v) for v in value)
    return value


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
