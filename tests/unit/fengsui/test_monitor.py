"""Health and metrics of a process that runs one role, over real HTTP."""

from __future__ import annotations

import json
import logging
import socket
import sys
import urllib.error
import urllib.request

import pytest

from fengsui.cli.console import JsonLines
from fengsui.cli.monitor import Monitor
from fengsui.config import Settings
from fengsui.errors import UsageError

WELL = {"name": "sink", "alive": True, "idle_s": 1.5, "problem": None}
PAUSED = WELL | {"problem": {"en": "waits", "zh": "等待"}}
STUCK = PAUSED | {"alive": False}


def free() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


@pytest.fixture
def monitor():
    opened = []

    def start(role: dict, token: str = "") -> Monitor:
        opened.append(Monitor(Settings(metrics_port=free(), token=token), lambda: [role]))
        return opened[-1]

    yield start
    for m in opened:
        m.close()


def ask(m: Monitor, path: str, token: str = "") -> tuple[int, str]:
    headers = {"authorization": f"Bearer {token}"} if token else {}
    try:
        with urllib.request.urlopen(urllib.request.Request(f"http://127.0.0.1:{m.port}{path}", headers=headers)) as a:
            return a.status, a.read().decode()
    except urllib.error.HTTPError as e:
        return e.code, e.read().decode()


@pytest.mark.parametrize(("role", "status", "said"), [(WELL, 200, "ok"), (PAUSED, 200, "degraded"),
                                                      (STUCK, 503, "degraded")])  # fmt: skip
def test_only_what_a_restart_may_cure_is_unhealthy(monitor, role, status, said):
    code, body = ask(monitor(role), "/healthz")
    assert (code, json.loads(body)["status"]) == (status, said)


def test_metrics_are_those_of_the_roles_and_of_this_process(monitor):
    code, body = ask(monitor(PAUSED), "/metrics")
    assert code == 200
    assert 'fengsui_role_failing{role="sink"} 1.0' in body
    assert "fengsui_commit_seconds" in body


def test_with_a_token_metrics_ask_for_it(monitor):
    m = monitor(WELL, "a-token-for-tests-only")
    assert ask(m, "/metrics")[0] == 401
    assert ask(m, "/metrics", "another-token-than-it")[0] == 401
    assert ask(m, "/metrics", "a-token-for-tests-only")[0] == 200
    assert ask(m, "/healthz")[0] == 200
    assert ask(m, "/elsewhere")[0] == 404


def test_a_busy_port_is_said(monitor):
    m = monitor(WELL)
    with pytest.raises(UsageError, match="metrics_port: cannot listen on"):
        Monitor(Settings(metrics_port=m.port), lambda: [])


def test_a_line_of_the_log_is_one_object():
    try:
        raise ValueError("broken")
    except ValueError:
        record = logging.LogRecord("fengsui.x", logging.ERROR, __file__, 1, "%s\nwent", ("it",), sys.exc_info())
    line = JsonLines().format(record)
    assert "\n" not in line
    said = json.loads(line)
    assert (said["level"], said["logger"], said["message"]) == ("ERROR", "fengsui.x", "it\nwent")
    assert said["ts"].endswith("Z")
    assert "ValueError: broken" in said["error"]
