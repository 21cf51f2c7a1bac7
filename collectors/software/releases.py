"""What registries say of releases, as rows: pure functions of the answers that they give.

PyPI: the XML-RPC call ``changelog_since_serial`` and the JSON of a project. npm: CouchDB's ``_changes`` and a
package's document. Whatever in an answer is not of the form that is expected is absent, never an error of ours; an
answer that is no answer at all raises BadAnswer.
"""

from __future__ import annotations

import hashlib
import xmlrpc.client
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote
from xml.parsers.expat import ExpatError

from fengsui.batch import Batch, Identity, build
from fengsui.schema import RELEASE

RELEASED, YANKED, REMOVED, GAP = "released", "yanked", "removed", "gap"
HOOKS = ("preinstall", "install", "postinstall")
DAY_US = 86_400_000_000


class BadAnswer(Exception):
    """What a registry answered is not what it should be."""


@dataclass(frozen=True)
class Change:
    """One entry of a change stream. ``at``: microseconds, 0 where the stream does not say."""

    serial: int
    name: str
    version: str
    action: str
    at: int


@dataclass(frozen=True)
class Release:
    """A row of the kind ``release``; times in microseconds."""

    ecosystem: str
    name: str
    version: str
    action: str
    ts: int
    detailed: bool = False
    published_at: int | None = None
    first: bool = False
    age_days: float | None = None
    uploader: str = ""
    new_uploader: bool = False
    maintainers: tuple[str, ...] = ()
    size: int | None = None
    sha256: str = ""
    summary: str = ""
    repository: str = ""
    install_hooks: tuple[str, ...] = ()
    new_hooks: bool = False

    @property
    def purl(self) -> str:
        """As the package-url specification writes it."""
        scope, _, last = self.name.rpartition("/")
        path = f"{quote(scope, safe='')}/{quote(last, safe='.-_~')}" if scope else quote(last, safe=".-_~")
        return f"pkg:{self.ecosystem}/{path}" + (f"@{quote(self.version, safe='.-_~')}" if self.version else "")

    @property
    def id(self) -> bytes:
        """The same whenever the same is told."""
        said = "\0".join((self.ecosystem, self.name, self.version, self.action, str(self.published_at or self.ts)))
        return hashlib.blake2b(said.encode(), digest_size=16).digest()


def batch(releases: Sequence[Release], identity: Identity) -> Batch:
    """Rows of the releases, in their order."""
    columns: dict[str, Any] = {"event_id": [r.id for r in releases], "ts": [r.ts for r in releases],
                               "purl": [r.purl for r in releases]}  # fmt: skip
    for c in RELEASE.own:
        if c.name != "purl":
            columns[c.name] = [list(v) if isinstance(v := getattr(r, c.name), tuple) else v for r in releases]
    return build(RELEASE, identity, columns, len(releases))


# PyPI


def pypi_changes(answer: bytes) -> list[Change]:
    """The changes of a project's versions, from the answer of ``changelog_since_serial``; others keep their serial and
    have an empty action. Raises BadAnswer."""
    found = _rpc(answer)
    if not isinstance(found, list):
        raise BadAnswer("the change stream is no list")
    out = []
    for entry in found:
        if not isinstance(entry, (list, tuple)) or len(entry) < 5 or not isinstance(entry[4], int):
            raise BadAnswer(f"no entry of a change stream: {str(entry)[:100]}")
        name, version, at, said, serial = entry[:5]
        action = _pypi_action(str(said))
        out.append(Change(serial, str(name), str(version or ""), action, int(at) * 1_000_000 if at else 0))
    return out


def pypi_serial(answer: bytes) -> int:
    """The newest serial, from the answer of ``changelog_last_serial``. Raises BadAnswer."""
    found = _rpc(answer)
    if not isinstance(found, int):
        raise BadAnswer("no serial")
    return found


def _rpc(answer: bytes) -> Any:
    try:
        return xmlrpc.client.loads(answer)[0][0]
    except xmlrpc.client.Fault as e:
        raise BadAnswer(f"refused: {e.faultString[:200]}") from e
    except (ExpatError, ValueError, TypeError, IndexError, xmlrpc.client.ResponseError) as e:
        raise BadAnswer(f"no answer of XML-RPC: {e}") from e


def _pypi_action(said: str) -> str:
    if said == "new release":
        return RELEASED
    if said.startswith("yank release"):
        return YANKED
    return REMOVED if said in ("remove release", "remove project") else ""


def pypi_release(change: Change, project: Mapping[str, Any]) -> Release:
    """With the details of the JSON of its project and version."""
    info, files = _map(project.get("info")), _list(project.get("urls"))
    times = [t for f in files if (t := _time(_map(f).get("upload_time_iso_8601"))) is not None]
    published = min(times, default=None)
    earlier = [t for v, fs in _map(project.get("releases")).items() if v != change.version for f in _list(fs)
               if (t := _time(_map(f).get("upload_time_iso_8601"))) is not None]  # fmt: skip
    known = "releases" in project
    file = _map(files[0]) if files else {}
    urls = {str(k).lower(): v for k, v in _map(info.get("project_urls")).items()}
    source = next((str(urls[k]) for k in ("source", "source code", "repository", "github", "code",
                                          "homepage") if urls.get(k)),
                  str(info.get("home_page") or ""))  # fmt: skip
    people = {str(info.get(k) or "").strip() for k in ("author", "maintainer")} - {""}
    return Release("pypi", change.name, change.version, change.action, change.at or published or 0, detailed=True,
                   published_at=published, first=known and not earlier, age_days=_age(min(earlier, default=None),
                                                                                      published),
                   maintainers=tuple(sorted(people)), size=_number(file.get("size")),
                   sha256=str(_map(file.get("digests")).get("sha256") or ""), summary=str(info.get("summary") or ""),
                   repository=source)  # fmt: skip


# npm


def npm_changes(answer: Mapping[str, Any]) -> list[Change]:
    """The packages that changed, from an answer of ``_changes``. Which version is in their documents. Raises
    BadAnswer."""
    results = answer.get("results")
    if not isinstance(results, list):
        raise BadAnswer("the change stream has no results")
    out = []
    for r in results:
        found = _map(r)
        serial, name = _number(found.get("seq")), found.get("id")
        if serial is None or not isinstance(name, str):
            raise BadAnswer(f"no entry of a change stream: {str(r)[:100]}")
        action = "" if name.startswith("_design/") else REMOVED if found.get("deleted") else RELEASED
        out.append(Change(serial, name, "", action, 0))
    return out


def npm_releases(change: Change, document: Mapping[str, Any], within: int) -> list[Release]:
    """The versions that the change is about: those published in the last ``within`` microseconds before the document
    was
    changed. None if the change was another (a tag, a deprecation)."""
    times = {v: t for v, s in _map(document.get("time")).items() if (t := _time(s)) is not None}
    modified = times.pop("modified", None)
    created = times.pop("created", None)
    versions = _map(document.get("versions"))
    order = sorted((v for v in versions if v in times), key=lambda v: times[v])
    if not order or modified is None:
        return []
    out = []
    for i, v in enumerate(order):
        if times[v] < modified - within:
            continue
        before = order[:i]
        mine, last = _map(versions[v]), _map(versions[before[-1]]) if before else {}
        who = _user(mine)
        dist, hooks = _map(mine.get("dist")), _hooks(mine)
        people = tuple(sorted({str(_map(m).get("name") or "") for m in _list(mine.get("maintainers"))} - {""}))
        out.append(Release(
            "npm", change.name, v, RELEASED, times[v], detailed=True, published_at=times[v], first=not before,
            age_days=_age(created, times[v]), uploader=who, maintainers=people,
            new_uploader=bool(who and before) and who not in {_user(_map(versions[b])) for b in before},
            size=_number(dist.get("unpackedSize")), summary=str(mine.get("description") or ""),
            repository=_repository(mine), install_hooks=hooks,
            new_hooks=bool(before and set(hooks) - set(_hooks(last)))))  # fmt: skip
    return out


def _hooks(version: Mapping[str, Any]) -> tuple[str, ...]:
    scripts = _map(version.get("scripts"))
    return tuple(f"{h}: {scripts[h]}" for h in HOOKS if isinstance(scripts.get(h), str))


def _user(version: Mapping[str, Any]) -> str:
    return str(_map(version.get("_npmUser")).get("name") or "")


def _repository(version: Mapping[str, Any]) -> str:
    found = version.get("repository")
    return found if isinstance(found, str) else str(_map(found).get("url") or "")


# what answers may hold


def _map(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _list(value: object) -> Sequence[Any]:
    return value if isinstance(value, list) else ()


def _number(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 63 else None


def _time(value: object) -> int | None:
    """Microseconds of an ISO 8601 text."""
    if not isinstance(value, str):
        return None
    try:
        found = datetime.fromisoformat(value.replace("Z", "+00:00"))
    except ValueError:
        return None
    return round((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp() * 1_000_000)


def _age(first: int | None, then: int | None) -> float | None:
    return None if first is None or then is None else max(0.0, (then - first) / DAY_US)


def names(changes: Iterable[Change]) -> list[str]:
    """Names of the packages, each once, in order."""
    return list(dict.fromkeys(c.name for c in changes if c.action))
