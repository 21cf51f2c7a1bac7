"""``fengsui backup`` and ``fengsui restore``: a platform's engines as files, and back into empty engines.

What makes the stores agree afterwards is what makes them agree after a crash: positions and marks are those of the
bus, the sink asks the store what is there, the fold goes on from the registry's own position. So a backup is taken
while nothing moves, and holds the bus (in the small, whole, with what is not yet read; on Kafka the marks, with
everything read).
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import sqlite3
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
from sqlalchemy import Engine, func, insert, select
from sqlalchemy import text as sql_text

from fengsui import __version__
from fengsui.blobs import part_of
from fengsui.bus.protocol import Commit
from fengsui.cli.console import say
from fengsui.cli.engines import Engines
from fengsui.cli.report import signing_key
from fengsui.cli.text import text
from fengsui.config import load
from fengsui.errors import UsageError
from fengsui.jsonform import time_text
from fengsui.registry import models
from fengsui.registry.database import reading
from fengsui.schema import FINDING, KINDS
from fengsui.store.protocol import Limits, Store

MANIFEST, BUS, REGISTRY, MARKS = "manifest.json", "bus.db", "registry.msgpack", "marks.msgpack"
STORE, BLOBS, KEY = "store", "blobs", "signing.pem"
CHUNK = 250_000
"""Rows of a file of events."""
_ROWS = 1000
_LIMITS = Limits(seconds=3600, memory=8_000_000_000)
_OPTIONS = pa.ipc.IpcWriteOptions(compression=pa.Codec("zstd"))


def backup(args: argparse.Namespace) -> int:
    """0 done; 3 if the folder is not empty, the platform runs, or messages are still under way on Kafka."""
    settings, folder = load(args.config, os.environ, {"data": args.data}), args.folder
    if folder.exists() and any(folder.iterdir()):
        raise UsageError(text("backup.full", args.lang, folder=folder))
    folder.mkdir(parents=True, exist_ok=True)
    engines = Engines(settings)
    try:
        store = engines.store  # in the small this takes the folder: a platform that runs says so here
        if settings.kafka_bootstrap:
            if not engines.bus.idle():
                raise UsageError(text("backup.busy", args.lang))
            (folder / MARKS).write_bytes(msgspec.msgpack.encode(engines.bus.marks("")))
        else:
            _copy_bus(settings.data / "bus.db", folder / BUS)
        tables = {table: _dump_table(store, table, folder / STORE) for table in KINDS}
        rows = _dump_registry(engines.registry, folder / REGISTRY)
        blobs = 0 if settings.blobs_url else _copy_blobs(settings.data / "blobs", folder / BLOBS)
        if signing_key(settings).is_file():
            _copy_key(signing_key(settings), folder / KEY)
    finally:
        engines.close()
    manifest = {
        "version": __version__, "made_at": time_text(int(time.time() * 1_000_000)), "rows": tables, "registry": rows,
        "blobs": blobs, "files": {str(p.relative_to(folder)): _hash(p) for p in _files(folder)},
    }  # fmt: skip
    part = folder / f"{MANIFEST}.part"
    part.write_text(json.dumps(manifest, indent=1))
    part.replace(folder / MANIFEST)  # last: a backup without it is not whole
    said = {"rows": f"{sum(tables.values()):,}", "things": f"{sum(rows.values()):,}", "blobs": f"{blobs:,}"}
    say(text("backup.done", args.lang, folder=folder, **said))
    if settings.blobs_url:
        say(text("backup.blobs", args.lang, url=settings.blobs_url.partition("?")[0]))
    return 0


def restore(args: argparse.Namespace) -> int:
    """0 done; 3 if the backup is not whole, or the engines are not empty: nothing is ever overwritten."""
    settings, folder = load(args.config, os.environ, {"data": args.data}), args.folder
    manifest = _checked(folder, args.lang)
    if not settings.kafka_bootstrap:
        if (settings.data / "bus.db").exists():
            raise UsageError(text("restore.full", args.lang, what=settings.data / "bus.db"))
        if (folder / BUS).exists():
            settings.data.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(folder / BUS, settings.data / "bus.db")
    engines = Engines(settings)
    try:
        _empty(engines, args.lang)
        marks = _marks(folder)
        if marks and (settings.kafka_bootstrap or not (folder / BUS).exists()):
            session = engines.bus.source("restore")
            session.commit(Commit(marks=marks))
            session.close()
        for path in sorted((folder / STORE).glob("*.arrow")):
            with pa.memory_map(str(path)) as raw:
                engines.store.load(path.name.partition("-")[0], pa.ipc.open_file(raw).read_all())
        _load_registry(engines.registry, folder / REGISTRY)
        _put_blobs(engines, folder / BLOBS)
        if (folder / KEY).is_file() and not signing_key(settings).exists():
            _copy_key(folder / KEY, signing_key(settings))
    finally:
        engines.close()
    say(text("restore.done", args.lang, when=manifest["made_at"][:19], rows=f"{sum(manifest['rows'].values()):,}"))
    return 0


def _copy_bus(source: Path, target: Path) -> None:
    if not source.exists():
        return
    db = sqlite3.connect(f"file:{source}?mode=ro", uri=True)
    try:
        db.execute("VACUUM INTO ?", (str(target),))
    finally:
        db.close()


def _dump_table(store: Store, table: str, folder: Path) -> int:
    """A table as files of about CHUNK rows, none across a day of ``read_at``, which is how it is partitioned."""
    folder.mkdir(exist_ok=True)
    key = "finding_id" if table == FINDING.name else "event_id"
    days = store.query(f"SELECT toYYYYMMDD(read_at) AS day, count() AS n FROM {table} GROUP BY day ORDER BY day",  # noqa: S608 a kind's name
                       limits=_LIMITS).to_pylist()  # fmt: skip
    for d in days:
        parts = -(-d["n"] // CHUNK)
        for i in range(parts):
            rows = store.query(
                f"SELECT * FROM {table} WHERE toYYYYMMDD(read_at) = {d['day']} AND cityHash64({key}) % {parts} = {i}",  # noqa: S608 numbers
                limits=_LIMITS,
            )
            path = str(folder / f"{table}-{d['day']}-{i:05}.arrow")
            with pa.OSFile(path, "wb") as out, pa.ipc.new_file(out, rows.schema, options=_OPTIONS) as writer:
                writer.write_table(rows)
    return sum(d["n"] for d in days)


def _dump_registry(registry: Engine, path: Path) -> dict[str, int]:
    """Every table as the program sees it, so that a backup of one database can be restored into another."""
    counts = {}
    with path.open("wb") as out, reading(registry).connect() as db:
        for table in models.metadata.sorted_tables:
            counts[table.name] = db.execute(select(func.count()).select_from(table)).scalar_one()
            found = db.execution_options(yield_per=_ROWS).execute(select(table))
            for part in found.mappings().partitions(_ROWS):
                raw = msgspec.msgpack.encode((str(table.name), [{str(k): v for k, v in r.items()} for r in part]))
                out.write(len(raw).to_bytes(8, "little") + raw)
    return counts


def _load_registry(registry: Engine, path: Path) -> None:
    with registry.begin() as db:
        for name, rows in _packs(path):
            db.execute(insert(models.metadata.tables[name]), rows)
        if registry.dialect.name == "postgresql":  # numbers were given: its counter has not moved
            db.execute(sql_text("SELECT setval(pg_get_serial_sequence('activity', 'seq'), "
                                "GREATEST((SELECT max(seq) FROM activity), 1))"))  # fmt: skip


def _packs(path: Path) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    with path.open("rb") as f:
        while head := f.read(8):
            yield msgspec.msgpack.decode(f.read(int.from_bytes(head, "little")), type=tuple[str, list[dict[str, Any]]])


def _copy_blobs(source: Path, target: Path) -> int:
    """Every blob to where it lies below the folder: what was handed in lies below its organisation."""
    n = 0
    for path in source.rglob("*") if source.exists() else ():
        if path.is_file() and not path.name.endswith(".part"):
            to = target / path.relative_to(source)
            to.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, to)
            n += 1
    return n


def _put_blobs(engines: Engines, folder: Path) -> None:
    """Each into the store of its organisation, whose name the registry knows."""
    with reading(engines.registry).connect() as db:
        orgs = {part_of(org): org for org in db.execute(select(models.submission.c.org).distinct()).scalars()}
    for path in folder.rglob("*") if folder.exists() else ():
        if path.is_file():
            part = path.relative_to(folder).parts[0]
            if part in orgs:
                engines.blobs.within(orgs[part]).put_file(path.name, path)
            elif len(part) == 2:
                engines.blobs.put_file(path.name, path)


def _copy_key(source: Path, target: Path) -> None:
    """The key that reports are signed with: for nobody else to read."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as f:
        f.write(source.read_bytes())


def _marks(folder: Path) -> Mapping[str, bytes | None]:
    """What collectors remember, from a backup of either bus. How far sources have counted their commits is theirs."""
    if (folder / MARKS).exists():
        found = msgspec.msgpack.decode((folder / MARKS).read_bytes(), type=dict[str, bytes])
    elif (folder / BUS).exists():
        db = sqlite3.connect(f"file:{folder / BUS}?mode=ro", uri=True)
        found = {k: bytes(v) for k, v in db.execute("SELECT key, value FROM mark")}
        db.close()
    else:
        return {}
    return {k: v for k, v in found.items() if not k.startswith(("commit/", "process/"))}


def _empty(engines: Engines, lang: str) -> None:
    """Raises UsageError if anything is in the registry or the store."""
    with reading(engines.registry).connect() as db:
        for table in models.metadata.sorted_tables:
            if db.execute(select(func.count()).select_from(table)).scalar_one():
                raise UsageError(text("restore.full", lang, what=table.name))
    for kind in KINDS:
        if engines.store.query(f"SELECT count() AS n FROM {kind}").column(0)[0].as_py():  # noqa: S608 a kind's name
            raise UsageError(text("restore.full", lang, what=kind))


def _checked(folder: Path, lang: str) -> dict[str, Any]:
    """The manifest of a backup that is whole. Raises UsageError naming the file that is not."""
    if not (folder / MANIFEST).exists():
        raise UsageError(text("restore.none", lang, folder=folder))
    manifest: dict[str, Any] = json.loads((folder / MANIFEST).read_text())
    for name, digest in manifest["files"].items():
        if not (folder / name).exists() or _hash(folder / name) != digest:
            raise UsageError(text("restore.damaged", lang, file=folder / name))
    return manifest


def _files(folder: Path) -> list[Path]:
    return sorted(p for p in folder.rglob("*") if p.is_file())


def _hash(path: Path) -> str:
    with path.open("rb") as f:
        return hashlib.file_digest(f, "sha256").hexdigest()

