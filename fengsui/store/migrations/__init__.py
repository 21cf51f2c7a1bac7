"""Numbered migrations: frozen SQL files, applied in order, each once. A test holds them to ``fengsui.schema``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from importlib import resources
from typing import Any

from fengsui.errors import UsageError

_TABLE = "CREATE TABLE IF NOT EXISTS migration (name String, applied_at DateTime64(3)) ENGINE = MergeTree ORDER BY name"


def files() -> list[tuple[str, str]]:
    """(name, SQL) of every migration, in order."""
    folder = resources.files(__name__)
    names = sorted(f.name for f in folder.iterdir() if f.name.endswith(".sql"))
    return [(n.removesuffix(".sql"), (folder / n).read_text(encoding="utf-8")) for n in names]


def statements(sql: str) -> Iterator[str]:
    """The statements of a file: ``;`` at the end of a line ends one."""
    for part in sql.split(";\n"):
        code = [line for line in part.splitlines() if line.strip() and not line.lstrip().startswith("--")]
        if code:
            yield "\n".join(code).removesuffix(";")


def apply(command: Callable[[str, dict[str, Any]], None], query: Callable[[str], Any],
          form: Callable[[str], Sequence[str]] = lambda sql: (sql,)) -> list[str]:  # fmt: skip
    """Apply what is missing. A store that has seen a migration unknown here is refused: it is of a newer version.

    ``form`` gives the statements that stand for one, on a cluster.
    """
    for sql in form(_TABLE):
        command(sql, {})
    done = set(query("SELECT name FROM migration").column(0).to_pylist())
    known = files()
    newer = done - {n for n, _ in known}
    if newer:
        raise UsageError(f"the store has migrations that this version does not know ({', '.join(sorted(newer))}): "
                         "upgrade Fengsui, or use another folder with --data")  # fmt: skip
    new = [(n, sql) for n, sql in known if n not in done]
    for name, sql in new:
        for statement in statements(sql):
            for formed in form(statement):
                command(formed, {})
        command("INSERT INTO migration SELECT {name:String}, now64(3)", {"name": name})
    return [n for n, _ in new]
