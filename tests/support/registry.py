"""Registries of software on loopback: PyPI's and npm's answers in their recorded shapes, of changes that a test
makes."""

from __future__ import annotations

import json
import threading
import xmlrpc.client
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit


@dataclass
class Registries:
    """``pypi``: (name, version, seconds, action, serial); ``projects``: JSON by name and version; ``npm``: results of
    ``_changes``; ``documents``: packages' documents. ``fail``: answers with this status, so many times."""

    pypi: list[tuple[str, str | None, int, str, int]] = field(default_factory=list)
    projects: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    npm: list[dict[str, Any]] = field(default_factory=list)
    documents: dict[str, dict[str, Any]] = field(default_factory=dict)
    fail: dict[str, list[int]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    heard: dict[str, str] = field(default_factory=dict)
    page: int = 1000
    url: str = ""

    def answer(self, path: str, query: dict[str, list[str]], body: bytes) -> tuple[int, bytes]:
        self.asked.append(path)
        for part, statuses in self.fail.items():
            if part in path and statuses:
                return statuses.pop(0), b"no"
        if path == "/pypi":
            (arguments, method) = xmlrpc.client.loads(body)
            if method == "changelog_last_serial":
                found: Any = max((c[4] for c in self.pypi), default=0)
            else:
                found = [list(c) for c in self.pypi if c[4] > int(arguments[0])][: self.page]  # type: ignore[call-overload]
            return 200, xmlrpc.client.dumps((found,), methodresponse=True, allow_none=True).encode()
        if path == "/_changes":
            if query.get("descending"):
                results = sorted(self.npm, key=lambda r: -r["seq"])[:1]
            else:
                results = [r for r in self.npm if r["seq"] > int(query["since"][0])][: int(query["limit"][0])]
            return 200, json.dumps({"results": results, "last_seq": results[-1]["seq"] if results else 0}).encode()
        parts = path.strip("/").split("/")
        if parts[0] == "pypi" and parts[-1] == "json":
            project = self.projects.get((parts[1], parts[2] if len(parts) == 4 else ""))
            return (200, json.dumps(project).encode()) if project is not None else (404, b"")
        document = self.documents.get(unquote(path.lstrip("/")))
        return (200, json.dumps(document).encode()) if document is not None else (404, b"")


@contextmanager
def registries() -> Iterator[Registries]:
    state = Registries()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            size = int(self.headers.get("Content-Length") or 0)
            split = urlsplit(self.path)
            state.heard = dict(self.headers)
            status, body = state.answer(split.path, parse_qs(split.query), self.rfile.read(size))
            self.send_response(status)
            if status == 429:
                self.send_header("Retry-After", "7")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    state.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def project(*versions: tuple[str, str], sha256: str = "ab" * 32, **info: Any) -> dict[str, Any]:
    """A project's JSON: versions with their times; the last is the one that is asked for."""
    files = {v: [{"upload_time_iso_8601": t, "size": 1000, "digests": {"sha256": sha256}}] for v, t in versions}
    return {"info": {"summary": "made", **info}, "releases": files, "urls": files[versions[-1][0]]}


def document(name: str, *versions: tuple[str, str, dict[str, Any]], modified: str) -> dict[str, Any]:
    """A package's document: versions with their times and what their manifests add."""
    return {"name": name, "time": {"created": versions[0][1], "modified": modified} | {v: t for v, t, _ in versions},
            "versions": {v: {"name": name, "version": v, "_npmUser": {"name": "ann"}} | more for v, _,
                         more in versions}}  # fmt: skip
