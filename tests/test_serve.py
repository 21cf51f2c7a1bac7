"""The platform as a person starts it: a process, folders that fill, files handed in, and what goes wrong."""

from __future__ import annotations

import json
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import httpx2 as httpx
import pytest

from tests.support.server import HEADERS, TOKEN, Server

SCENARIOS = Path(__file__).parent / "scenarios"
ORGANISATIONS = "- {id: bank, zh: 示例银行, en: Example Bank, city: hangzhou, sector: finance, protection_level: 4}\n"


@pytest.fixture(scope="module")
def running(tmp_path_factory) -> Iterator[tuple[Server, Path]]:
    """A platform that watches an empty folder of the organisation ``bank``, and that folder."""
    folder = tmp_path_factory.mktemp("serve")
    (folder / "watched").mkdir()
    (folder / "who.yaml").write_text(ORGANISATIONS, encoding="utf-8")
    server = Server(folder / "platform", f'organisations = "{folder / "who.yaml"}"\nhunt_interval = 1.0\n'
                                         f'[[watch]]\nfolder = "{folder / "watched"}"\norg = "bank"\n')  # fmt: skip
    server.start()
    server.wait(server.url)
    yield server, folder / "watched"
    if server.process and server.process.poll() is None:
        server.stop()


def rules(server: Server, **asked: str) -> set[str]:
    query = "&".join(f"{k}={v}" for k, v in asked.items())
    return {a["rule"] for a in (server.ask(f"/api/v1/alerts?{query}") or {"items": []})["items"]}


def source_of(server: Server) -> dict:
    return server.ask("/api/v1/stats")["pipeline"]["sources"][0]


def dead_letters(server: Server) -> int:
    return server.ask("/api/v1/stats")["pipeline"]["dead_letters"]


def test_what_is_put_into_a_watched_folder_becomes_alerts_of_its_organisation(running):
    server, watched = running
    before = source_of(server)["rows"]
    part = watched / "beacon" / "conn.log.part"
    part.parent.mkdir()
    shutil.copy(SCENARIOS / "beacon" / "conn.log", part)
    part.rename(part.with_suffix(""))
    server.wait(lambda: "beacon" in rules(server, org="bank"))
    server.wait(lambda: source_of(server)["rows"] >= before + 768)
    server.wait(lambda: source_of(server)["state"] == "ok")
    assert source_of(server)["org"] == "bank"
    assert source_of(server)["rows"] == before + 768


def test_a_capture_that_is_still_written_is_not_read_until_it_is_whole(running):
    server, watched = running
    before = dead_letters(server)
    whole = (SCENARIOS / "port_scan" / "input.pcap").read_bytes()
    with (watched / "growing.pcap").open("wb") as out:
        for i in range(4):
            out.write(whole[i * len(whole) // 4 : (i + 1) * len(whole) // 4])
            out.flush()
            server.wait(lambda: server.ask("/api/v1/stats"))
    server.wait(lambda: "scan_vertical" in rules(server, org="bank"))
    assert dead_letters(server) == before


def test_a_folder_that_vanishes_is_told_and_read_on_when_it_is_back(running):
    server, watched = running
    watched.rename(watched.with_name("elsewhere"))
    told = server.wait(lambda: (h := server.ask("/healthz")) and h["status"] == "degraded" and h)
    assert str(watched) in told["problems"][0]["en"]
    assert told["problems"][0]["zh"] != told["problems"][0]["en"]
    watched.with_name("elsewhere").rename(watched)
    server.wait(lambda: (server.ask("/healthz") or {}).get("status") == "ok")


def handed(server: Server, *files: tuple[str, bytes], org: str = "") -> dict:
    answer = httpx.post(f"{server.url()}/api/v1/analyses", headers=HEADERS, data={"org": org} if org else {},
                        files=[("files", f) for f in files], timeout=60)  # fmt: skip
    assert answer.status_code == 202, answer.text
    return answer.json()


def ended(server: Server, analysis: dict) -> dict:
    return server.wait(
        lambda: (a := server.ask(f"/api/v1/analyses/{analysis['id']}")) and a["state"] in ("done", "failed") and a
    )


def test_files_handed_in_lead_to_their_alerts_and_to_no_others(running):
    server, _ = running
    scan, log = SCENARIOS / "port_scan" / "input.pcap", SCENARIOS / "beacon" / "conn.log"
    done = ended(server, handed(server, ("../../scan.pcap", scan.read_bytes()), ("conn.log", log.read_bytes())))
    assert (done["state"], done["org"]) == ("done", "uploads")
    assert [f["name"] for f in done["files"]] == ["scan.pcap", "conn.log"]
    assert done["done_bytes"] == done["total_bytes"] == scan.stat().st_size + log.stat().st_size
    assert rules(server, network=done["network"]) == {"scan_vertical", "beacon"}
    assert done["alerts"] == 2
    again = ended(server, handed(server, ("other name.pcap", scan.read_bytes()), ("conn.log", log.read_bytes())))
    assert again["network"] == done["network"]
    assert all(f["already"] and f["read_at"] for f in again["files"])
    listed = server.ask("/api/v1/analyses?limit=1")
    assert listed["items"][0]["id"] == again["id"]
    assert server.ask(f"/api/v1/analyses?limit=1&cursor={listed['next']}")["items"][0]["id"] == done["id"]
    assert not list((server.folder / "data" / "uploads").iterdir())


def test_a_file_that_is_none_is_refused_in_words_and_one_that_breaks_says_where(running):
    server, _ = running
    junk = ended(server, handed(server, ("notes.txt", b"nothing of interest\n" * 50)))
    assert (junk["state"], junk["files"][0]["state"]) == ("failed", "refused")
    assert "notes.txt" in junk["files"][0]["faults"][0]
    assert str(server.folder) not in junk["files"][0]["faults"][0]
    whole = (SCENARIOS / "port_scan" / "input.pcap").read_bytes()
    broken = ended(server, handed(server, ("broken.pcap", whole[: len(whole) - 7]), ("notes.txt", b"x"), org="bank"))
    assert (broken["state"], broken["org"]) == ("done", "bank")
    assert [f["state"] for f in broken["files"]] == ["done", "refused"]
    assert "broken.pcap" in broken["files"][0]["faults"][0]
    assert broken["rows"] > 100


def test_an_organisation_that_is_not_known_gets_nothing(running):
    server, _ = running
    answer = httpx.post(f"{server.url()}/api/v1/analyses", headers=HEADERS, data={"org": "nobody"},
                        files=[("files", ("a.pcap", b"x"))])  # fmt: skip
    assert answer.status_code == 404
    assert not list((server.folder / "data" / "uploads").glob("*.part"))


def test_status_tells_how_it_is_and_where_nothing_runs_it_says_so(running, tmp_path):
    server, _ = running
    words = [sys.executable, "-m", "fengsui.cli", "status", "--data", str(server.folder / "data")]
    ran = subprocess.run([*words, "--json"], capture_output=True, text=True, check=False, timeout=60)
    told = json.loads(ran.stdout)
    assert {"sink", "fold", "collect"} <= {r["name"] for r in told["roles"]}
    assert ran.returncode == (1 if told["problems"] else 0)
    ran = subprocess.run([*words, "--lang", "zh"], capture_output=True, text=True, check=False, timeout=60)
    assert "sink" in ran.stdout
    assert "待处理消息" in ran.stdout
    none = [sys.executable, "-m", "fengsui.cli", "status", "--data", str(tmp_path)]
    ran = subprocess.run(none, capture_output=True, text=True, check=False, timeout=60)
    assert ran.returncode == 3
    assert "fengsui serve" in ran.stderr


def test_metrics_and_health_speak_of_the_running_platform(running):
    server, _ = running
    assert server.ask("/api/v1/alerts")
    request = urllib.request.Request(f"{server.url()}/metrics", headers=HEADERS)
    with urllib.request.urlopen(request, timeout=30) as answer:
        text = answer.read().decode()
    assert 'fengsui_role_idle_seconds{role="sink"}' in text
    assert 'fengsui_http_seconds_bucket{le="+Inf",operation="listAlerts",status="200"}' in text
    with urllib.request.urlopen(f"{server.url()}/healthz", timeout=30) as answer:
        assert answer.status == 200


def test_it_says_what_it_does_and_stops_on_sigterm_with_nothing_lost(tmp_path):
    shutil.copytree(SCENARIOS / "beacon", tmp_path / "watched")
    server = Server(tmp_path / "platform", f'[[watch]]\nfolder = "{tmp_path / "watched"}"\n')
    server.start()
    server.wait(lambda: (s := server.ask("/api/v1/stats")) and s["events"]["total"])
    for part in ("organisation: local", "disk limit", f"/?token={TOKEN}", "watched folders"):
        assert part in server.said()
    before = server.ask("/api/v1/stats")["events"]["total"]
    assert server.stop() == 0
    assert "nothing is lost" in server.said()
    assert not (server.folder / "data" / "server.json").exists()
    server.start()
    assert server.wait(lambda: server.ask("/api/v1/stats"))["events"]["total"] == before == 768
    assert server.stop(signal.SIGINT) == 0


def ended_at_once(*words: str, env: dict[str, str] | None = None) -> tuple[int, str]:
    command = [sys.executable, "-m", "fengsui.cli", "serve", *words]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60, env=env)
    return done.returncode, done.stderr


@pytest.mark.parametrize(("lang", "words"), [("en", "cannot listen on"), ("zh", "无法监听")])
def test_a_busy_port_is_told_before_anything_is_opened(tmp_path, lang, words):
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = str(busy.getsockname()[1])
        code, said = ended_at_once("--lang", lang, "--data", str(tmp_path / "data"), "--port", port)
    assert code == 3
    assert words in said and port in said and "--port" in said
    assert not (tmp_path / "data").exists()


def test_a_registry_of_a_newer_version_is_refused(tmp_path):
    (tmp_path / "data").mkdir()
    with sqlite3.connect(tmp_path / "data" / "registry.db") as db:
        db.execute("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)")
        db.execute("INSERT INTO alembic_version VALUES ('9999')")
    code, said = ended_at_once("--data", str(tmp_path / "data"), "--port", "0", "--lang", "en")
    assert code == 3
    assert "9999" in said and "upgrade" in said


def test_a_token_that_is_too_short_is_refused(tmp_path):
    import os

    code, said = ended_at_once(
        "--data", str(tmp_path / "data"), "--lang", "en", env=os.environ | {"FENGSUI_TOKEN": "short"}
    )
    assert code == 3
    assert "token" in said
