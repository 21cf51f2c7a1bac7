"""The API over a real platform that has read the scenarios' captures and logs; nothing runs beside it."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import uvicorn
from fastapi import FastAPI
from starlette.testclient import TestClient

from api.app import create
from api.context import Context
from api.names import Names
from collectors.network.sources import sources_of
from detectors.catalogue import rules_folder
from fengsui import __version__
from fengsui.batch import Identity
from fengsui.cli.platform import Platform
from fengsui.cli.service import Service
from fengsui.config import Settings
from fengsui.registry.organisations import Entry, load
from situation.map import load_map
from situation.standards import load as load_standards

TOKEN = "a-token-for-tests-only"
SCENARIOS = Path(__file__).parent.parent / "scenarios"
NOW = 1_700_050_000.0
"""Shortly after what the scenarios hold."""
ORGANISATIONS = [
    Entry("bank", "示例银行", "Example Bank", "hangzhou", "finance", "large", 4, True),
    Entry("mill", "示例纺织", "Example Mill", "ningbo", "manufacturing", "small", 2, False),
    Entry("silent", "静默单位", "Silent Works", "ningbo", "energy", "medium", 3, False),
]
READ = (("bank", "beacon"), ("bank", "port_scan"), ("mill", "made_sample"))


@contextmanager
def face(
    folder: Path, *, read: Sequence[tuple[str, str]] = READ, clock: float = NOW, registry_url: str = ""
) -> Iterator[tuple[TestClient, Context, Service]]:
    """A signed-in client, what the routes work with, and the service, which is not started."""
    settings = Settings(data=folder / "data", org="bank", registry_url=registry_url)
    with Platform(settings, lambda: clock) as platform:
        load(platform.registry, ORGANISATIONS)
        for org, name in read:
            place = SCENARIOS / name
            identity = Identity(org, "lan", "sensor")
            platform.collect([(s, identity) for s in sources_of(place, settings, platform.blobs)])
        standards = load_standards(rules_folder(None) / "standards", platform.rules)
        service = Service(platform, standards, [])
        ctx = Context(
            registry=platform.registry, query=platform.store.query, rules=platform.rules,
            names=Names(standards, platform.registry), clock=platform.clock, as_of=service.as_of,
            status=service.status, analyses=service.analyses, blobs=platform.blobs, standards=standards,
            token=TOKEN, secret=b"s" * 32, version=__version__,
            map=load_map(rules_folder(None) / "standards" / "map.geojson", standards.regions),
        )  # fmt: skip
        try:
            for lane in service.lanes().values():
                for stepper in lane:
                    while stepper.step(clock):
                        pass
        except BaseException:
            service.close()
            raise
        try:
            with TestClient(create(ctx), headers={"authorization": f"Bearer {TOKEN}"}) as client:
                yield client, ctx, service
        finally:
            service.close()


@contextmanager
def served(app: FastAPI) -> Iterator[str]:
    """The application behind a real server on loopback; its URL."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=1))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [sock]}, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        try:
            yield f"http://127.0.0.1:{sock.getsockname()[1]}"
        finally:
            app.state.live.end()
            server.should_exit = True
            thread.join(10)
