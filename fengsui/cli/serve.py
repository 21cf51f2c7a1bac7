"""``fengsui serve``: the platform on one machine, in one process, until it is told to stop."""

from __future__ import annotations

import argparse
import hashlib
import json
import logging
import os
import secrets
import signal
import socket
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import uvicorn
from fastapi import FastAPI

from api.app import create
from api.context import Context
from api.names import Names
from collectors.watch import watches
from detectors.catalogue import rules_folder, software_context
from fengsui import __version__, tracing
from fengsui.cli.console import log_to_stderr, say
from fengsui.cli.platform import Platform
from fengsui.cli.report import signing_key
from fengsui.cli.service import Service
from fengsui.cli.text import text
from fengsui.config import Settings, WatchSetting, load
from fengsui.errors import UsageError
from fengsui.registry import organisations
from fengsui.registry.organisations import Entry
from situation.map import load_map
from situation.standards import Standards
from situation.standards import load as load_standards

log = logging.getLogger("fengsui.serve")

LOOPBACK = ("127.0.0.1", "localhost", "::1")
SWITCH = 0.001
"""Seconds after which a busy thread lets another run Python: an answer waits for many of them (docs/decisions/0005)."""
SHOWN_FOLDERS = 3
DRAIN = 3.0
"""Seconds that open answers may take when the server stops."""


def run(args: argparse.Namespace) -> int:
    """0 after SIGTERM or Ctrl-C; 3 for a busy port or a wrong setting; 1 if a role cannot go on."""
    settings = load(args.config, os.environ, {
        "data": args.data, "org": args.org, "rules": args.rules, "host": args.host, "port": args.port,
        "indicators": args.indicators and tuple(args.indicators),
        "watch": args.watch and tuple(WatchSetting(folder=f) for f in args.watch),
    })  # fmt: skip
    with listening(settings, args.lang) as sock:
        return serve(settings, args.lang, sock)


def run_api(args: argparse.Namespace) -> int:
    """As :func:`run`, but the roles are processes of their own, on Kafka: this one answers, and takes files."""
    settings = load(args.config, os.environ, {"data": args.data, "host": args.host, "port": args.port,
                                              "instance": args.instance})  # fmt: skip
    if not settings.kafka_bootstrap:
        raise UsageError(text("roles.kafka", args.lang, role="api"))
    with listening(settings, args.lang) as sock:
        return serve(settings, args.lang, sock, whole=False)


@dataclass(frozen=True)
class Demo:
    """What a demonstration adds: organisations that were made, the time it speaks of, and work beside the platform."""

    organisations: Sequence[Entry]
    as_of: Callable[[], int]
    beside: Callable[[Service], None]


def serve(settings: Settings, lang: str, sock: socket.socket, demo: Demo | None = None, *, whole: bool = True) -> int:
    """Run on ``sock``, which listens, until told to stop."""
    log_to_stderr(settings.log_format)
    if settings.traces_url:
        tracing.configure(settings.traces_url, "serve" if whole else "api", settings.instance)
    sys.setswitchinterval(SWITCH)
    settings = msgspec.structs.replace(settings, port=sock.getsockname()[1])
    token = settings.token or secrets.token_urlsafe(24)
    with Platform(settings, whole=whole) as platform, _door(settings, token) as secret:
        watched = watches(settings) if whole else []
        standards = _standards(settings, platform)
        service = Service(platform, standards, watched, demo.as_of if demo else None, whole=whole)
        _organisations(platform, settings, demo)
        server = _Server(create(_context(platform, service, token, secret, made=demo is not None)))
        service.running.on_failure = server.leave
        for number in (signal.SIGTERM, signal.SIGINT):  # uvicorn raises them once more when it has ended
            signal.signal(number, lambda *_: server.leave())
        _tell(settings, token, lang)
        try:
            service.start()
            if demo is not None:
                demo.beside(service)
            server.run(sockets=[sock])
        finally:
            say(text("serve.stopping", lang))
            service.stop()
    tracing.end()
    say(text("serve.stopped", lang))
    if service.running.failed is not None:
        raise service.running.failed
    return 0


class _Server(uvicorn.Server):
    """Lets the live streams end when it is told to stop; else it would wait for them."""

    def __init__(self, app: FastAPI) -> None:
        super().__init__(uvicorn.Config(app, log_level="warning", access_log=False, lifespan="on", server_header=False,
                                        timeout_graceful_shutdown=int(DRAIN), timeout_keep_alive=30))  # fmt: skip
        self._app = app

    def leave(self) -> None:
        """Stop serving: from any thread."""
        self._app.state.live.end()
        self.should_exit = True

    def handle_exit(self, sig: int, frame: Any) -> None:
        self._app.state.live.end()
        super().handle_exit(sig, frame)


def _context(platform: Platform, service: Service, token: str, secret: bytes, *, made: bool) -> Context:
    settings = platform.settings
    folder = rules_folder(settings.rules) / "standards"
    return Context(
        registry=platform.registry, query=platform.store.query, rules=platform.rules,
        names=Names(service.standards, platform.registry), clock=platform.clock, as_of=service.as_of,
        status=service.status,
        analyses=service.analyses, blobs=platform.blobs, standards=service.standards, token=token, secret=secret,
        software=software_context(rules_folder(platform.settings.rules), platform.settings.known_bad),
        key_file=signing_key(settings), version=__version__,
        hosts=_hosts(settings), made=made,
        map=load_map(settings.map or folder / "map.geojson", service.standards.regions),
    )  # fmt: skip


def _hosts(settings: Settings) -> tuple[str, ...]:
    """Names that are answered to: those of this machine, unless others are meant to come in."""
    return (*LOOPBACK, "[::1]") if settings.host in LOOPBACK else ()


def _standards(settings: Settings, platform: Platform) -> Standards:
    return load_standards(rules_folder(settings.rules) / "standards", platform.rules)


def _organisations(platform: Platform, settings: Settings, demo: Demo | None) -> None:
    if settings.organisations is not None:
        there = organisations.known(rules_folder(settings.rules))
        organisations.load(platform.registry, organisations.read_file(settings.organisations, there))
    if demo is not None:
        organisations.load(platform.registry, demo.organisations)


@contextmanager
def listening(settings: Settings, lang: str) -> Iterator[socket.socket]:
    """The port, taken before anything is opened. Raises UsageError if it is busy or not ours to take."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind((settings.host, settings.port))
            sock.listen(512)
        except OSError as e:
            place = f"{settings.host}:{settings.port}"
            raise UsageError(text("serve.port", lang, place=place, reason=e.strerror)) from e
        yield sock


@contextmanager
def _door(settings: Settings, token: str) -> Iterator[bytes]:
    """The secret that signs cookies, kept with the data; and a note for programs of this user where to ask."""
    settings.data.mkdir(parents=True, exist_ok=True)
    secret = settings.data / "secret"
    if not secret.exists():
        _private(secret, secrets.token_hex(32))
    note = settings.data / "server.json"
    _private(note, json.dumps({"url": _url(settings), "token": token, "pid": os.getpid()}))
    try:
        yield hashlib.sha256(b"cookie:" + settings.token.encode()).digest() if settings.token else secret.read_bytes()
    finally:
        note.unlink(missing_ok=True)


def _private(path: Path, content: str) -> None:
    part = path.with_name(f"{path.name}.part")
    part.unlink(missing_ok=True)
    fd = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(fd, "w") as f:
        f.write(content)
    part.replace(path)


def _url(settings: Settings) -> str:
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return f"http://{host}:{settings.port}"


def _tell(settings: Settings, token: str, lang: str) -> None:
    """Everything that was not set by hand, and where to go."""
    shown = [str(w.folder) for w in settings.watch[:SHOWN_FOLDERS]]
    more = len(settings.watch) - len(shown)
    watched = ", ".join([*shown, *([f"… +{more}"] if more else [])]) or text("serve.nothing", lang)
    for name, value in (
        (text("serve.data", lang), settings.data.resolve()),
        (text("serve.org", lang), settings.org),
        (text("serve.sensor", lang), f"{settings.sensor} ({settings.network})"),
        (text("serve.watch", lang), watched),
        (text("serve.disk", lang), f"{settings.disk_bytes / 1e9:,.0f} GB"),
        (text("serve.hunts", lang), text("serve.every", lang, seconds=settings.hunt_interval)),
    ):
        say(f"  {name}: {value}")
    if settings.host not in LOOPBACK:
        say(text("serve.open", lang, host=settings.host))
    print(text("serve.ready", lang, url=f"{_url(settings)}/?token={token}"), flush=True)
