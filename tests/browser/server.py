"""The demo as a person would start it, and a client that is no browser."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

TOKEN = "a-token-for-the-browser-tests"
DAY_IS_OVER = "the made day is over"
CALM, PATIENCE = 3.0, 240.0
"""Seconds for which nothing may have waited anywhere, and after which the tests give up."""


@dataclass(frozen=True)
class Server:
    """A running platform. ``link`` is the address that it printed."""

    process: subprocess.Popen[bytes]
    folder: Path
    link: str
    url: str
    token: str

    def ask(self, path: str, *, method: str = "GET", body: Any = None, **query: Any) -> Any:
        """Ask the API as another program would. Raises ``urllib.error.HTTPError``."""
        words = urlencode(query, doseq=True)
        request = urllib.request.Request(
            f"{self.url}/api/v1{path}{'?' + words if words else ''}", method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"authorization": f"Bearer {self.token}", "content-type": "application/json"})  # fmt: skip
        with urllib.request.urlopen(request, timeout=30) as answer:
            content = answer.read()
        return json.loads(content) if content else None

    def alerts(self, **query: Any) -> list[dict[str, Any]]:
        """The first two hundred alerts."""
        return self.ask("/alerts", limit=200, **query)["items"]

    def cookie(self) -> dict[str, Any]:
        """A session, as a browser keeps it."""
        request = urllib.request.Request(f"{self.url}/api/v1/session", method="POST",
                                         data=json.dumps({"token": self.token}).encode(),
                                         headers={"content-type": "application/json"})  # fmt: skip
        with urllib.request.urlopen(request, timeout=30) as answer:
            name, _, value = answer.headers["set-cookie"].partition(";")[0].partition("=")
        return {"name": name, "value": value, "url": self.url, "httpOnly": True, "sameSite": "Strict"}


@contextmanager
def demo(folder: Path) -> Iterator[Server]:
    """Twelve made organisations, their day gone by and everything read; ended as a person ends it."""
    out, err = folder / "stdout", folder / "stderr"
    words = [sys.executable, "-m", "fengsui.cli", "demo", "--lang", "en", "--port", "0", "--folder",
             str(folder / "demo"), "--organisations", "12", "--steps", "3"]  # fmt: skip
    with out.open("wb") as o, err.open("wb") as e:
        process = subprocess.Popen(words, stdout=o, stderr=e, env=os.environ | {"FENGSUI_TOKEN": TOKEN})
    try:
        wait(lambda: DAY_IS_OVER in err.read_text(), process, err)
        [link] = [w for w in out.read_text().split() if "/?token=" in w]
        note = json.loads((folder / "demo" / "data" / "server.json").read_text())
        server = Server(process, folder, link, note["url"], note["token"])
        _settle(server, err)
        yield server
    finally:
        process.terminate()
        code = process.wait(60)
    assert code == 0, f"ended with {code}: {err.read_text()[-3000:]}"


def wait(done: Any, process: subprocess.Popen[bytes], log: Path) -> None:
    """Until ``done()``; raises if the process ends first or it takes too long."""
    began = time.monotonic()
    while not done():
        if process.poll() is not None or time.monotonic() - began > PATIENCE:
            raise RuntimeError(f"the server does not come to that:\n{log.read_text()[-3000:]}")
        time.sleep(0.2)


def _settle(server: Server, log: Path) -> None:
    """Until nothing has waited anywhere for a while and the drafts of warnings are there."""
    quiet = time.monotonic()

    def calm() -> bool:
        nonlocal quiet
        pipeline = server.ask("/stats")["pipeline"]
        if pipeline["collector"] != "idle" or any(x["messages"] for x in pipeline["lag"]):
            quiet = time.monotonic()
        return time.monotonic() - quiet > CALM and bool(server.ask("/warnings")["items"])

    wait(calm, server.process, log)
