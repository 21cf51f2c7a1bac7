"""Files that somebody handed in: kept until they are read, followed through every role to their alerts.

They are read in an address space of their own, named by their content: so they mix with no other traffic, and the same
files again lead to the same alerts.
"""

from __future__ import annotations

import hashlib
import logging
import re
import secrets
import shutil
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import and_, func, insert, or_, select, update

from api.context import Handed
from api.names import UPLOADS
from collectors.jobs import Job
from collectors.live import LiveCollector
from collectors.network.sources import sources_of
from collectors.source import Report
from fengsui.batch import Identity
from fengsui.bus.protocol import Place
from fengsui.bus.topics import FINDINGS, STORED, events
from fengsui.cli.platform import Platform
from fengsui.errors import UsageError
from fengsui.jsonform import time_text
from fengsui.registry.database import reading
from fengsui.registry.models import alert, analysis
from fengsui.schema import EVENTS

log = logging.getLogger("fengsui.analyses")

SENSOR = "upload"
WAITING, READING, HUNTING, DONE, FAILED = "waiting", "reading", "hunting", "done", "failed"
_PHASES: tuple[tuple[str, ...], ...] = (tuple(map(events, EVENTS)), (STORED,), (FINDINGS,))
"""What all readers must have passed, one after another, until the alerts of what was read are there."""
_SHOWN_FAULTS = 20


@dataclass
class _Followed:
    """An analysis at work. ``phase`` counts in _PHASES; ``ends`` are what its readers must pass now."""

    body: dict[str, Any]
    phase: int = 0
    ends: dict[Place, int] | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)


class FolderAnalyses:
    """Steps in the lane of the registry as ``analyses``; see :class:`api.context.Analyses` for what the API asks."""

    name = "analyses"

    def __init__(self, platform: Platform, collector: LiveCollector) -> None:
        self._p, self._collector = platform, collector
        self.folder: Path = platform.settings.data / "uploads"
        self._work: dict[str, _Followed] = {}

    def room(self) -> int:
        """Bytes that may still be handed in."""
        used, limit = self._collector.state().disk_used, self._p.settings.disk_bytes
        free = shutil.disk_usage(self.folder.parent).free
        return max(0, min(limit - used, free - 200_000_000))

    def submit(self, files: Sequence[Handed], org: str) -> dict[str, Any]:
        """Take files that are durably written; the analysis as it stands."""
        key = secrets.token_hex(16)
        folder = self.folder / key
        folder.mkdir(parents=True)
        entries, digests = [], []
        for i, f in enumerate(files):
            path = folder / f"{i:03d}-{_safe(f.name)}"
            f.path.replace(path)
            digests.append(_sha256(path))
            entries.append(self._entry(f, path))
        network = f"upload-{hashlib.sha256(' '.join(sorted(digests)).encode()).hexdigest()[:16]}"
        readable = any(e["state"] == WAITING for e in entries)
        body = {"files": entries, "done_bytes": 0, "total_bytes": sum(f.size for f in files), "rows": 0}
        row = {"id": key, "created_at": int(self._p.clock() * 1_000_000), "org": org or UPLOADS, "network": network,
               "state": WAITING if readable else FAILED, "body": msgspec.json.encode(body).decode()}  # fmt: skip
        with self._p.registry.begin() as db:
            db.execute(insert(analysis).values(row))
        if readable:
            self._send(key, row["org"], network, body)  # type: ignore[arg-type]
        else:
            shutil.rmtree(folder, ignore_errors=True)
        return self._shown(row, body)

    def _entry(self, f: Handed, path: Path) -> dict[str, Any]:
        entry: dict[str, Any] = {"name": f.name, "bytes": f.size, "state": WAITING, "rows": 0, "already": 0,
                                 "read_at": None, "faults": [], "more_faults": 0, "file": path.name}  # fmt: skip
        try:
            sources_of(path, self._p.settings, self._p.blobs)
        except UsageError as e:
            entry |= {"state": "refused", "faults": [_fault(str(e), path, f.name)]}
        return entry

    def resume(self) -> None:
        """Go on with what was not done when the process ended."""
        with reading(self._p.registry).connect() as db:
            found = db.execute(select(analysis).where(analysis.c.state.in_((WAITING, READING, HUNTING)))).all()
        rows = [r for r in found if (self.folder / r.id).is_dir()]  # others lie with another process of this role
        for r in rows:
            self._send(r.id, r.org, r.network, msgspec.json.decode(r.body))
        known = {r.id for r in rows}
        for left in self.folder.iterdir() if self.folder.is_dir() else ():
            if left.suffix == ".part" or (left.is_dir() and left.name not in known):
                shutil.rmtree(left) if left.is_dir() else left.unlink()  # handed in by halves, or done

    def _send(self, key: str, org: str, network: str, body: dict[str, Any]) -> None:
        followed = _Followed(body)
        self._work[key] = followed
        paths = tuple(self.folder / key / e["file"] for e in body["files"] if e["state"] != "refused")
        indices = [i for i, e in enumerate(body["files"]) if e["state"] != "refused"]

        def progress(index: int, done: int, total: int, state: str, report: Report | None) -> None:
            self._progress(key, followed, indices[index], done, state, report)

        self._collector.submit(Job(key, paths, Identity(org, network, SENSOR), progress))

    def _progress(
        self, key: str, followed: _Followed, index: int, done: int, state: str, report: Report | None
    ) -> None:
        """Called by the collector's thread."""
        with followed.lock:
            body, entry = followed.body, followed.body["files"][index]
            entry["state"], entry["done"] = state, done if state == READING else entry["bytes"]
            if report is not None:
                entry |= _reported(report, self.folder / key / entry["file"], entry["name"])
                if entry["faults"] and not entry["rows"] and not entry["already"]:
                    entry["state"] = FAILED
            body["done_bytes"] = sum(min(e["bytes"], e.get("done", 0)) for e in body["files"])
            body["rows"] = sum(e["rows"] or e["already"] for e in body["files"])
            ended = all(e["state"] in (DONE, FAILED, "refused") for e in body["files"])
            if report is not None:
                self._write(key, HUNTING if ended else READING, body)
            if ended:
                followed.ends = self._p.bus.ends(_PHASES[0])

    def step(self, now: float) -> bool:
        """Follow what was read through the roles behind the collector."""
        moved = False
        for key, followed in list(self._work.items()):
            if followed.ends is None or not self._p.bus.reached(followed.ends):
                continue
            moved = True
            followed.phase += 1
            if followed.phase < len(_PHASES):
                followed.ends = self._p.bus.ends(_PHASES[followed.phase])
                continue
            read = any(e["state"] == DONE for e in followed.body["files"])
            self._write(key, DONE if read else FAILED, followed.body)
            self._work.pop(key)
            shutil.rmtree(self.folder / key, ignore_errors=True)
        return moved

    def _write(self, key: str, state: str, body: dict[str, Any]) -> None:
        with self._p.registry.begin() as db:
            values = {"state": state, "body": msgspec.json.encode(body).decode()}
            db.execute(update(analysis).where(analysis.c.id == key).values(**values))

    def get(self, key: str) -> dict[str, Any] | None:
        with reading(self._p.registry).connect() as db:
            row = db.execute(select(analysis).where(analysis.c.id == key)).first()
        return None if row is None else self._shown(dict(row._mapping), None)

    def page(self, before: tuple[int, str] | None, limit: int) -> list[dict[str, Any]]:
        """Newest first; each with ``_created`` for the cursor of the next page."""
        a = analysis
        sql = select(a).order_by(a.c.created_at.desc(), a.c.id.desc()).limit(limit)
        if before is not None:
            at, key = before
            sql = sql.where(or_(a.c.created_at < at, and_(a.c.created_at == at, a.c.id < key)))
        with reading(self._p.registry).connect() as db:
            rows = db.execute(sql).all()
        return [self._shown(dict(r._mapping), None) | {"_created": r.created_at} for r in rows]

    def _shown(self, row: dict[str, Any], body: dict[str, Any] | None) -> dict[str, Any]:
        """As :class:`api.models.analyses.Analysis` says."""
        at_work = self._work.get(row["id"])
        body = body or (at_work.body if at_work else msgspec.json.decode(row["body"]))
        state = row["state"]
        if state == WAITING and any(e["state"] == READING for e in body["files"]):
            state = READING
        with reading(self._p.registry).connect() as db:
            where = alert.c.network == row["network"], alert.c.org == row["org"]
            rows = db.execute(select(alert.c.queued, func.count()).where(*where).group_by(alert.c.queued)).all()
        counts = {bool(queued): n for queued, n in rows}
        files = [{k: v for k, v in e.items() if k not in ("file", "done")} for e in body["files"]]
        return {"id": row["id"], "created_at": time_text(row["created_at"]), "org": row["org"],
                "network": row["network"], "state": state, "files": files, "done_bytes": body["done_bytes"],
                "total_bytes": body["total_bytes"], "rows": body["rows"], "alerts": counts.get(True, 0),
                "below": counts.get(False, 0)}  # fmt: skip


def _reported(r: Report, path: Path, name: str) -> dict[str, Any]:
    faults = [_fault(f, path, name) for f in r.faults[:_SHOWN_FAULTS]]
    return {"rows": sum(r.rows.values()), "already": r.already, "faults": faults,
            "read_at": time_text(r.read_at) if r.already else None,
            "more_faults": len(r.faults[_SHOWN_FAULTS:]) + r.more_faults}  # fmt: skip


def _fault(fault: str, path: Path, name: str) -> str:
    """A fault as the person knows the file: by the name that it was handed in under."""
    return fault.replace(str(path), name)


def _safe(name: str) -> str:
    """A name to write under: letters, digits and dots, the end of it, for its suffix says what it is."""
    return re.sub(r"[^A-Za-z0-9._-]", "_", name)[-80:].lstrip(".") or "file"


def _sha256(path: Path) -> str:
    with path.open("rb") as f:
        return hashlib.file_digest(f, "sha256").hexdigest()
