"""``fengsui serve`` in a process of its own, as a person starts it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

TOKEN = "a-token-for-tests-only"
HEADERS = {"authorization": f"Bearer {TOKEN}"}
CALM, PATIENCE = 3.0, 240.0


@dataclass
class Server:
    """A platform in ``folder`` with ``settings`` (TOML beside data, port and token); started again and again."""

    folder: Path
    settings: str = ""
    process: subprocess.Popen[bytes] | None = None
    logs: list[Path] = field(default_factory=list)

    def start(self, *words: str) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        config = self.folder / "fengsui.toml"
        config.write_text(f"port = 0\n{self.settings}")
        self.logs.append(self.folder / f"log-{len(self.logs)}")
        command = [sys.executable, "-m", "fengsui.cli", "serve", "--lang", "en", "--config", str(config), "--data",
                   str(self.folder / "data"), *words]  # fmt: skip
        with self.logs[-1].open("wb") as out:
            self.process = subprocess.Popen(command, stdout=out, stderr=out, env=os.environ | {"FENGSUI_TOKEN": TOKEN})

    def stop(self, sig: int = signal.SIGTERM) -> int:
        """Its exit code."""
        assert self.process is not None
        self.process.send_signal(sig)
        return self.process.wait(60)

    def said(self) -> str:
        return self.logs[-1].read_text(errors="replace")

    def url(self) -> str:
        """Where it answers; empty while it does not."""
        try:
            note = json.loads((self.folder / "data" / "server.json").read_text())
        except (OSError, ValueError):
            return ""
        return note["url"] if self.process and note["pid"] == self.process.pid else ""

    def ask(self, path: str, body: Any = None, method: str = "") -> Any:
        """Ask the API; None while it does not answer."""
        raw = None if body is None else json.dumps(body).encode()
        headers = HEADERS | {"content-type": "application/json"}
        try:
            request = urllib.request.Request(self.url() + path, data=raw, headers=headers,
                                             method=method or ("PATCH" if body else "GET"))  # fmt: skip
            with urllib.request.urlopen(request, timeout=30) as answer:
                return json.load(answer)
        except (OSError, ValueError, urllib.error.URLError):
            return None

    def wait(self, ready: Callable[[], Any], patience: float = 60.0) -> Any:
        """What ``ready`` returns once that is something."""
        began = time.monotonic()
        while not (found := ready()):
            if time.monotonic() - began > patience or (self.process and self.process.poll() is not None):
                raise RuntimeError(f"waited in vain:\n{self.said()[-3000:]}")
            time.sleep(0.2)
        return found

    def settle(self) -> None:
        """Wait until nothing waits anywhere."""
        quiet = [time.monotonic()]

        def calm() -> bool:
            asked = time.monotonic()  # an answer may come long after what it says was true
            found = self.ask("/api/v1/stats")
            pipeline = found and found["pipeline"]
            if not pipeline or pipeline["collector"] != "idle" or any(x["messages"] for x in pipeline["lag"]):
                quiet[0] = time.monotonic()
            return asked - quiet[0] > CALM

        self.wait(calm, PATIENCE)
