"""What a process that runs a role alone answers over HTTP: is it healthy, and how much does it do."""

from __future__ import annotations

import hmac
import logging
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import msgspec
from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_1_0_0, generate_latest
from prometheus_client.registry import Collector

from fengsui import __version__, measures
from fengsui.config import Settings
from fengsui.errors import UsageError

log = logging.getLogger("fengsui.monitor")


class RoleGauges(Collector):
    """How the roles of this process are, from ``roles`` (see :meth:`fengsui.cli.health.Health.roles`)."""

    def __init__(self, roles: Callable[[], list[dict[str, Any]]]) -> None:
        self._roles = roles

    def describe(self) -> Iterator[GaugeMetricFamily]:
        return iter(())

    def collect(self) -> Iterator[GaugeMetricFamily]:
        idle = GaugeMetricFamily("fengsui_role_idle_seconds", "Seconds since a role last took a step", labels=["role"])
        failing = GaugeMetricFamily("fengsui_role_failing", "1 while a role cannot go on", labels=["role"])
        for role in self._roles():
            idle.add_metric([role["name"]], role["idle_s"])
            failing.add_metric([role["name"]], float(role["problem"] is not None))
        yield idle
        yield failing


class Monitor:
    """``/healthz`` and ``/metrics`` on ``host``:``metrics_port``. With a token set, metrics ask for it."""

    def __init__(self, settings: Settings, roles: Callable[[], list[dict[str, Any]]]) -> None:
        """Raises UsageError if the port cannot be had."""
        self._token, self._roles = settings.token, roles
        registry = CollectorRegistry()
        registry.register(RoleGauges(roles))
        self._registries = (registry, measures.REGISTRY)
        try:
            self._server = ThreadingHTTPServer((settings.host, settings.metrics_port), self._handler())
        except OSError as e:
            raise UsageError(f"metrics_port: cannot listen on {settings.host}:{settings.metrics_port}: {e}") from e
        self.port = int(self._server.server_address[1])
        self._thread = threading.Thread(target=self._server.serve_forever, name="fengsui-monitor", daemon=True)
        self._thread.start()

    def health(self) -> tuple[int, dict[str, Any]]:
        """Status and body of ``/healthz``: 503 if a role makes no progress, so that the process is started again."""
        roles = self._roles()
        problems = [{lang: f"{r['name']}: {r['problem'][lang]}" for lang in ("en", "zh")}
                    for r in roles if r["problem"]]  # fmt: skip
        stuck = [r["name"] for r in roles if not r["alive"]]
        body = {"status": "degraded" if problems or stuck else "ok", "problems": problems, "stuck": stuck,
                "version": __version__}  # fmt: skip
        return (503 if stuck else 200), body

    def metrics(self) -> bytes:
        return b"".join(generate_latest(r) for r in self._registries)

    def allowed(self, authorization: str) -> bool:
        return not self._token or hmac.compare_digest(authorization.encode(), f"Bearer {self._token}".encode())

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        monitor = self

        class Handler(BaseHTTPRequestHandler):
            timeout = 10

            def do_GET(self) -> None:
                path = self.path.partition("?")[0]
                if path == "/healthz":
                    status, body = monitor.health()
                    self._answer(status, "application/json", msgspec.json.encode(body))
                elif path != "/metrics":
                    self._answer(404, "text/plain", b"there are /healthz and /metrics\n")
                elif not monitor.allowed(self.headers.get("authorization", "")):
                    self._answer(401, "text/plain", b"the token is asked for: Authorization: Bearer TOKEN\n")
                else:
                    self._answer(200, CONTENT_TYPE_PLAIN_1_0_0, monitor.metrics())

            def _answer(self, status: int, kind: str, body: bytes) -> None:
                self.send_response(status)
                self.send_header("content-type", kind)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:
                log.debug(format, *args)

        return Handler

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)
