"""Registries of software as they are asked: addresses from the user's own configuration, bounded answers, nothing else.

A registry is asked for its newest position, for what changed since one, and for the details of a change. Errors of the
network are OSError (with ``retry_after`` in seconds where the registry said so), nonsense is BadAnswer.
"""

from __future__ import annotations

import base64
import configparser
import json
import os
import re
import time
import urllib.error
import urllib.request
import xmlrpc.client
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote, unquote, urlsplit

from collectors.software import releases
from collectors.software.releases import BadAnswer, Change, Release
from fengsui import __version__
from fengsui.config import FeedSetting
from fengsui.errors import BadSetting

SECONDS = 30.0
MOST = 128 << 20
"""Bytes of an answer: the documents of a few packages of npm have tens of megabytes."""
PAGE = 500
"""Changes that npm is asked for at once. PyPI gives as many as it likes."""
WITHIN_US = 600_000_000
"""Microseconds before a package's document was changed in which a version counts as what the change is about."""


class Away(OSError):
    """The registry did not answer as it should: try again, after ``retry_after`` seconds at least. ``answered``: it did
    answer, with an error; ``gone``: there is no such thing (any more)."""

    def __init__(self, why: str, retry_after: float = 0.0, *, answered: bool = False, gone: bool = False) -> None:
        super().__init__(why)
        self.retry_after, self.answered, self.gone = retry_after, answered, gone


class Registry(Protocol):
    """``stream``: the address of its changes."""

    @property
    def stream(self) -> str: ...

    def newest(self) -> int:
        """The position of the newest change."""
        ...

    def changes(self, since: int) -> list[Change]:
        """The next changes from ``since`` on, that one included if it is still told, in order; not all, perhaps."""
        ...

    def details(self, change: Change) -> list[Release]:
        """The releases that a change is about. Raises Away(gone) if the registry has them no more."""
        ...


def open_registry(setting: FeedSetting) -> Registry:
    """Raises BadSetting where no address is configured, or one that is none."""
    if setting.ecosystem == "pypi":
        url = setting.url or pip_index()
        base = re.sub(r"/simple/?$", "", url.rstrip("/"))
        return PyPI(_address(base, "pypi"), _address(setting.changes or f"{base}/pypi", "pypi"))
    url = (setting.url or npm_registry()).rstrip("/")
    return Npm(_address(url, "npm"), _address(setting.changes or f"{url}/_changes", "npm"))


def _address(url: str, ecosystem: str) -> str:
    if not url:
        raise BadSetting(f"feeds: the address of {ecosystem} is in no configuration of its installer here: give `url`")
    if urlsplit(url).scheme not in ("http", "https"):
        raise BadSetting(f"feeds: {url!r} is not an address of http or https")
    return url


def pip_index() -> str:
    """The index that pip is configured with, or ""."""
    if found := os.environ.get("PIP_INDEX_URL"):
        return found
    home = Path.home()
    files: list[str | Path] = [os.environ.get("PIP_CONFIG_FILE", ""), home / ".config/pip/pip.conf",
                               home / ".pip/pip.conf",
             "/etc/pip.conf"]
    for path in (Path(f) for f in files if f):
        parser = configparser.RawConfigParser()
        try:
            parser.read_string(path.read_text(encoding="utf-8"))
        except (OSError, configparser.Error, UnicodeDecodeError):
            continue  # not there, or not ours to judge: pip itself says what is wrong with it
        for section in ("install", "global"):
            if parser.has_option(section, "index-url"):
                return parser.get(section, "index-url").strip()
    return ""


def npm_registry() -> str:
    """The registry that npm is configured with, or ""."""
    for key in ("npm_config_registry", "NPM_CONFIG_REGISTRY"):
        if found := os.environ.get(key):
            return found
    for path in (Path(".npmrc"), Path.home() / ".npmrc", Path("/etc/npmrc")):
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError):
            continue
        for line in lines:
            key, _, value = line.partition("=")
            if key.strip() == "registry":
                return value.strip()
    return ""


@dataclass(frozen=True)
class PyPI:
    base: str
    stream: str

    def newest(self) -> int:
        return releases.pypi_serial(self._call("changelog_last_serial"))

    def changes(self, since: int) -> list[Change]:
        return releases.pypi_changes(self._call("changelog_since_serial", since - 1))

    def details(self, change: Change) -> list[Release]:
        project = f"{self.base}/pypi/{quote(change.name, safe='')}"
        found = _json(f"{project}/{quote(change.version, safe='')}/json")
        if "releases" not in found:  # a version's own page has no others: the project's has
            found = {**found, "releases": _json(f"{project}/json").get("releases", {})}
        return [releases.pypi_release(change, found)]

    def _call(self, method: str, *arguments: int) -> bytes:
        body = xmlrpc.client.dumps(arguments, method).encode()
        return fetch(self.stream, body, {"Content-Type": "text/xml"})


@dataclass(frozen=True)
class Npm:
    base: str
    stream: str

    def newest(self) -> int:
        found = _json(f"{self.stream}?limit=1&descending=true")
        last = found.get("last_seq")
        changes = releases.npm_changes(found)
        if changes:
            return changes[0].serial
        if not isinstance(last, int):
            raise BadAnswer("no position")
        return last

    def changes(self, since: int) -> list[Change]:
        return releases.npm_changes(_json(f"{self.stream}?since={since - 1}&limit={PAGE}"))

    def details(self, change: Change) -> list[Release]:
        return releases.npm_releases(change, _json(f"{self.base}/{quote(change.name, safe='@')}"), WITHIN_US)


def _json(url: str) -> Mapping[str, Any]:
    raw = fetch(url, None, {"Accept": "application/json"})
    try:
        found = json.loads(raw)
    except (ValueError, RecursionError) as e:
        raise BadAnswer(f"{_bare(url)[0]}: no JSON: {e}") from e
    if not isinstance(found, dict):
        raise BadAnswer(f"{_bare(url)[0]}: no object")
    return found


def _bare(url: str) -> tuple[str, dict[str, str]]:
    """An address without the user and password that installers write into it, and the header that says them: errors
    are told and logged with the address."""
    split = urlsplit(url)
    user, at, host = split.netloc.rpartition("@")
    if not at:
        return url, {}
    said = base64.b64encode(unquote(user).encode()).decode()
    return split._replace(netloc=host).geturl(), {"Authorization": f"Basic {said}"}


def fetch(url: str, body: bytes | None, headers: Mapping[str, str]) -> bytes:
    """One answer, MOST bytes and about SECONDS at most. Raises Away, BadAnswer."""
    url, credentials = _bare(url)
    every = {"User-Agent": f"fengsui/{__version__}", **credentials, **headers}
    request = urllib.request.Request(url, body, every)  # noqa: S310 its scheme was checked when it was set
    end = time.monotonic() + 4 * SECONDS
    try:
        with urllib.request.urlopen(request, timeout=SECONDS) as answer:  # noqa: S310
            parts, size = [], 0
            while part := answer.read(1 << 18):
                parts.append(part)
                size += len(part)
                if size > MOST:
                    raise BadAnswer(f"{url}: more than {MOST >> 20} MB")
                if time.monotonic() > end:
                    raise Away(f"{url}: it is too slow")
            return b"".join(parts)
    except urllib.error.HTTPError as e:
        with e:
            after = e.headers.get("Retry-After", "")
            raise Away(f"{url}: {e.code} {e.reason}", float(after) if after.isdigit() else 0.0, answered=True,
                       gone=e.code in (404, 410)) from e
    except (urllib.error.URLError, TimeoutError, ConnectionError) as e:
        raise Away(f"{url}: {getattr(e, 'reason', e)}") from e
