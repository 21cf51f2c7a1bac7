"""The drill: a platform is backed up in the middle of its work, goes on, loses everything, and is restored."""

from __future__ import annotations

import argparse
import hashlib
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from collectors.collector import Collector
from collectors.network.sources import sources_of
from fengsui.batch import Identity
from fengsui.cli import main
from fengsui.cli.backup import backup, restore
from fengsui.cli.platform import Platform
from fengsui.config import Settings
from fengsui.errors import UsageError
from fengsui.pipeline import Worker, drain
from fengsui.registry.models import activity, alert
from fengsui.schema import EVENTS
from fengsui.signing import Signer
from situation import submissions

SCENARIOS = Path(__file__).parent / "scenarios"
LATER = ("beacon", "port_scan")
NOW = 1_700_050_000.0


def sources(p: Platform, *names: str) -> list[Any]:
    return [(s, Identity("bank", "lan", "sensor")) for n in names
            for s in sources_of(SCENARIOS / n, p.settings, p.blobs)]  # fmt: skip


def only_collect(folder: Path, *names: str) -> None:
    """A collector alone: what it sends waits on the bus."""
    with Platform(Settings(data=folder), lambda: NOW) as p:
        session = p.bus.source("collect/0")
        worker = Worker(Collector(sources(p, *names), session.mark), session)
        drain([worker], p.clock)
        worker.close()


def read(folder: Path, *names: str) -> tuple[dict[str, tuple[int, int]], dict[tuple[str, str], int], int]:
    """Read these to the end; then rows and distinct ids by kind, counts by alert, and rows of the activity."""
    with Platform(Settings(data=folder), lambda: NOW) as p:
        p.collect(sources(p, *names))
        rows = {}
        for kind in EVENTS:
            r = p.store.query(f"SELECT count() AS n, uniqExact(event_id) AS ids FROM {kind}").to_pylist()[0]
            rows[kind] = (r["n"], r["ids"])
        with p.registry.connect() as db:
            alerts = {(r.rule, r.subject): r.count for r in db.execute(select(alert))}
            acts = len(db.execute(select(activity.c.seq)).all())
    return rows, alerts, acts


def words(folder: Path, data: Path) -> argparse.Namespace:
    return argparse.Namespace(config=None, data=data, folder=folder, lang="en")


@pytest.fixture
def taken(tmp_path) -> Path:
    """A backup of a platform that has read a sample to its alert, and has more on its bus."""
    read(tmp_path / "first", "made_sample")
    only_collect(tmp_path / "first", "beacon")
    assert backup(words(tmp_path / "backup", tmp_path / "first")) == 0
    return tmp_path / "backup"


def test_a_restored_platform_goes_on_as_if_nothing_was_lost(tmp_path, taken):
    read(tmp_path / "first", *LATER)  # goes on after the backup, and all that is lost
    assert restore(words(taken, tmp_path / "second")) == 0
    got = read(tmp_path / "second", "made_sample", *LATER)
    want = read(tmp_path / "calm", "made_sample", *LATER)
    assert got[:2] == want[:2]
    assert all(n == ids for n, ids in got[0].values())
    assert sum(n for n, _ in got[0].values()) > 1000
    assert ("beacon" in {r for r, _ in got[1]}) and len(got[1]) >= 3
    blobs = {p.name for p in (tmp_path / "first" / "blobs").rglob("*") if p.is_file()}
    assert blobs
    assert blobs <= {p.name for p in (tmp_path / "second" / "blobs").rglob("*") if p.is_file()}


def test_nothing_is_overwritten(tmp_path, taken):
    with pytest.raises(UsageError, match="not empty"):
        backup(words(taken, tmp_path / "first"))
    with pytest.raises(UsageError, match=r"bus\.db"):
        restore(words(taken, tmp_path / "first"))
    (tmp_path / "first" / "bus.db").unlink()
    with pytest.raises(UsageError, match="not empty"):
        restore(words(taken, tmp_path / "first"))


def test_a_backup_that_is_not_whole_is_refused_with_the_file(tmp_path, taken):
    victim = next((taken / "store").glob("*.arrow"))
    whole = victim.read_bytes()
    victim.write_bytes(whole[:-10])
    with pytest.raises(UsageError, match=victim.name):
        restore(words(taken, tmp_path / "second"))
    victim.write_bytes(whole)
    (taken / "manifest.json").unlink()
    with pytest.raises(UsageError, match=r"manifest\.json"):
        restore(words(taken, tmp_path / "second"))
    assert not (tmp_path / "second").exists()


def test_a_platform_that_runs_is_not_backed_up(tmp_path):
    import subprocess
    import sys

    folder = tmp_path / "running"
    with Platform(Settings(data=folder), lambda: NOW):
        command = [sys.executable, "-m", "fengsui.cli", "backup", str(tmp_path / "b"), "--data", str(folder)]
        ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 3, ran.stderr
    assert not (tmp_path / "b" / "manifest.json").exists()


def test_what_was_handed_in_and_the_key_of_reports_come_back_to_their_places(tmp_path):
    data, other, kept = tmp_path / "data", tmp_path / "other", tmp_path / "backup"
    with Platform(Settings(data=data)) as p:
        content = b"a package of the bank"
        sha256 = hashlib.sha256(content).hexdigest()
        p.blobs.within("bank").put(sha256, content)
        p.blobs.put(hashlib.sha256(b"carved").hexdigest(), b"carved")
        with p.registry.begin() as db:
            submissions.submit(db, submissions.New("bank", "x", len(content), sha256, "package"), "ann", 1)
    public = Signer.of(data / "keys" / "signing.pem").public
    assert main(["backup", str(kept), "--data", str(data)]) == 0
    assert main(["restore", str(kept), "--data", str(other)]) == 0
    with Platform(Settings(data=other)) as p:
        assert p.blobs.within("bank").get(sha256) == content
        assert p.blobs.get(sha256) is None  # not where others would find it
        assert p.blobs.get(hashlib.sha256(b"carved").hexdigest()) == b"carved"
    assert Signer.of(other / "keys" / "signing.pem").public == public
    assert (other / "keys" / "signing.pem").stat().st_mode & 0o777 == 0o600
