"""Metrics for Prometheus: requests as they are served, and what the platform says of itself when it is asked.

docs/metrics.md lists them; a test holds the page to this file.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

from prometheus_client import CollectorRegistry, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fengsui import measures

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)


class Platform(Collector):
    """Gauges from ``status``: the object ``pipeline`` of /stats, with alerts and streams."""

    def __init__(self, status: Callable[[], dict[str, Any]], streams: Callable[[], int]) -> None:
        self._status, self._streams = status, streams

    def describe(self) -> Iterator[GaugeMetricFamily]:
        """Nothing beforehand: else registering would ask a platform that has not started."""
        return iter(())

    def collect(self) -> Iterator[GaugeMetricFamily]:
        s = self._status()
        lag = GaugeMetricFamily("fengsui_lag_messages", "Messages that a group has not read yet", labels=["group"])
        for entry in s["lag"]:
            lag.add_metric([entry["group"]], entry["messages"])
        yield lag
        step = GaugeMetricFamily("fengsui_role_idle_seconds", "Seconds since a role last took a step", labels=["role"])
        for role in s["roles"]:
            step.add_metric([role["name"]], role["idle_s"])
        yield step
        stuck = GaugeMetricFamily("fengsui_role_failing", "1 while a role cannot go on", labels=["role"])
        for role in s["roles"]:
            stuck.add_metric([role["name"]], float(role["problem"] is not None))
        yield stuck
        for name, text, value in (
            ("fengsui_disk_used_bytes", "Bytes in the data folder", s["disk_used"]),
            ("fengsui_disk_limit_bytes", "Bytes at which collectors wait", s["disk_limit"]),
            ("fengsui_dead_letters", "Dead letters about which nobody has decided", s["dead_letters"]),
            ("fengsui_streams_open", "Live streams that are open", self._streams()),
            (
                "fengsui_sources_waiting",
                "Watched folders with a problem",
                sum(x["problem"] is not None for x in s["sources"]),
            ),
        ):
            yield GaugeMetricFamily(name, text, value)


def registry(status: Callable[[], dict[str, Any]], streams: Callable[[], int]) -> CollectorRegistry:
    found = CollectorRegistry()
    found.register(Platform(status, streams))
    return found


def exposed(own: CollectorRegistry) -> bytes:
    """These, and what the roles of this process count."""
    return generate_latest(own) + generate_latest(measures.REGISTRY)


class Timed:
    """ASGI middleware: seconds from a request to the head of its answer, by operation."""

    def __init__(self, app: ASGIApp, metrics: CollectorRegistry) -> None:
        self._app = app
        self._seconds = Histogram("fengsui_http_seconds", "Seconds to the head of an answer",
                                  ["operation", "status"], buckets=BUCKETS, registry=metrics)  # fmt: skip

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()

        async def timed(message: Message) -> None:
            if message["type"] == "http.response.start":
                route = scope.get("route")
                name = getattr(route, "operation_id", None) or "other"
                self._seconds.labels(name, message["status"]).observe(time.perf_counter() - began)
            await send(message)

        await self._app(scope, receive, timed)
