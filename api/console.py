"""The console's files as they were built: compressed where the browser takes it, kept where the name has a hash."""

from __future__ import annotations

import mimetypes
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, Response

from api.problems import ProblemError, response

_POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; "
    "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
SAFETY = {"content-security-policy": _POLICY, "x-content-type-options": "nosniff", "x-frame-options": "DENY",
          "referrer-policy": "no-referrer", "cross-origin-opener-policy": "same-origin"}  # fmt: skip
_FILES = (".js", ".css", ".map", ".png", ".svg", ".ico", ".json", ".txt", ".webmanifest", ".br")
_ABSENT = ("<!doctype html><meta charset=utf-8><title>Fengsui</title><p>The console is not built here: "
           "<code>make console</code>. The API is at <a href=/api/v1/docs>/api/v1/docs</a>."
           "<p lang=zh>控制台尚未构建：<code>make console</code>。")  # fmt: skip


def folder() -> Path:
    """Where the built console lies: in the package, or in a checkout where it was built."""
    import fengsui

    package = Path(fengsui.__file__).parent
    places = (package / "data" / "console", package.parent / "dashboards" / "console" / "dist")
    return next((p for p in places if (p / "index.html").is_file()), places[0])


class Console:
    """Answers every path that nothing else has: a file, or the page, whose own router knows the rest."""

    def __init__(self, root: Path) -> None:
        self._root = root.resolve()

    def answer(self, request: Request) -> Response:
        path = request.url.path.lstrip("/")
        if path.startswith(("api/", "healthz", "metrics")):
            return response(request.headers, ProblemError(404, "not-found"))
        found = (self._root / path).resolve()
        if path and found.is_relative_to(self._root) and found.is_file():
            hashed = path.startswith("assets/")
            return self._file(request, found, "public, max-age=31536000, immutable" if hashed else "no-cache")
        if path.startswith("assets/") or path.endswith(_FILES):  # an organisation's id may have a dot, too
            return response(request.headers, ProblemError(404, "not-found"))
        index = self._root / "index.html"
        if not index.is_file():
            return Response(_ABSENT, media_type="text/html", headers=SAFETY)
        return self._file(request, index, "no-cache")

    def _file(self, request: Request, path: Path, keep: str) -> Response:
        kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        headers = {**SAFETY, "cache-control": keep, "vary": "accept-encoding"}
        small = path.with_name(path.name + ".br")
        if "br" in request.headers.get("accept-encoding", "") and small.is_file():
            return FileResponse(small, media_type=kind, headers=headers | {"content-encoding": "br"})
        return FileResponse(path, media_type=kind, headers=headers)
