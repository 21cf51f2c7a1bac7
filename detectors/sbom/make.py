"""A bill of materials of what lies in a folder, by what is installed there and by lock files. No package manager is
run.

Read: installed Python (``dist-info``, ``egg-info``), installed npm (``node_modules``), ``package-lock.json``,
``yarn.lock``, ``poetry.lock``,
``uv.lock``, ``Pipfile.lock``, pinned ``requirements.txt``, ``Cargo.lock``, ``go.mod``, ``Gemfile.lock``,
``composer.lock``, Java archives
(``pom.properties``), Debian's and Alpine's lists of what is installed. What looks like a list and is not understood
is told.
"""

from __future__ import annotations

import email.parser
import json
import os
import re
import tomllib
import zipfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

from detectors.sbom.component import Component, Document
from fengsui.progress import Progress, silent

MOST = 64 << 20
"""Bytes of one list."""
FILES = 500_000
"""Files of a folder that are looked at."""
_SAFE = ".-_~"
_UNREAD = frozenset({"pnpm-lock.yaml", "gradle.lockfile", "pubspec.lock", "mix.lock", "Package.resolved",
                     "packages.lock.json", "conan.lock",
                     "bun.lockb", "pdm.lock"})  # fmt: skip
"""Lists that are known and not read."""


def purl(kind: str, name: str, version: str, namespace: str = "", **qualifiers: str) -> str:
    """A package URL."""
    path = "/".join(quote(p, safe=_SAFE) for p in (*filter(None, namespace.split("/")), name))
    query = "&".join(f"{k}={quote(v, safe=_SAFE)}" for k, v in sorted(qualifiers.items()) if v)
    return f"pkg:{kind}/{path}" + (f"@{quote(version, safe=_SAFE + '+')}" if version else "") + (f"?{query}" if query
                                                                                                 else "")


def _one(kind: str, name: str, version: object, namespace: str = "", licences: Iterable[str] = (),
         **qualifiers: str) -> Component:
    at = purl(kind, name, str(version or ""), namespace, **qualifiers)
    whole = f"{namespace}/{name}" if namespace else name
    return Component(at, whole, str(version or ""), at, "library", "", tuple(x for x in licences if x))


def of(folder: Path, progress: Progress = silent) -> Document:
    """What is found below a folder (or in one archive or list), each package once."""
    found: dict[str, Component] = {}
    odd: list[str] = []
    for n, path in enumerate(_files(folder)):
        if n >= FILES:
            odd.append(f"only the first {FILES:,} files were looked at")
            break
        if not n % 1000:
            progress(n, 0, "files")
        where = path.relative_to(folder).as_posix() if path != folder else path.name
        if path.name in _UNREAD:
            odd.append(f"{where}: a list that is not read here")
            continue
        reader = _reader(where if path != folder else path.as_posix())
        if reader is None:
            continue
        if path.stat().st_size > MOST and path.suffix not in (".jar", ".war", ".ear"):
            odd.append(f"{where}: more than {MOST >> 20} MB")
            continue
        try:
            for c in reader(path):
                found.setdefault(c.purl, c)
        except (ValueError, KeyError, TypeError, AttributeError, OSError, RecursionError, zipfile.BadZipFile) as e:
            odd.append(f"{where}: {type(e).__name__}: {str(e)[:200]}")
    subject = Component("subject", folder.resolve().name, kind="application")
    return Document("CycloneDX", "1.6", tuple(found.values()), subject, {"subject": tuple(found)}, tuple(odd))


def _files(folder: Path) -> Iterator[Path]:
    if folder.is_file():
        yield folder
        return
    for here, folders, names in os.walk(folder):
        folders[:] = sorted(f for f in folders if f not in (".git", ".hg", ".svn"))
        for name in sorted(names):
            path = Path(here) / name
            if path.is_file() and not path.is_symlink():
                yield path


Reader = Callable[[Path], Iterator[Component]]


def _reader(where: str) -> Reader | None:
    name = where.rpartition("/")[2]
    if name in _BY_NAME:
        return _BY_NAME[name]
    if re.search(r"(?:^|/)node_modules/(?:@[^/]+/)?[^/]+/package\.json$", where):
        return _npm_installed
    if re.search(r"\.dist-info/METADATA$|\.egg-info(?:/PKG-INFO)?$", where):
        return _python_installed
    if re.fullmatch(r"requirements[^/]*\.txt", name):
        return _requirements
    if name.endswith((".jar", ".war", ".ear")):
        return _java
    if where.endswith("var/lib/dpkg/status"):
        return _dpkg
    return _apk if where.endswith("lib/apk/db/installed") else None


def _headers(text: str) -> email.message.Message:
    return email.parser.HeaderParser().parsestr(text)


def _python_installed(path: Path) -> Iterator[Component]:
    said = _headers(path.read_text(encoding="utf-8", errors="replace"))
    if said.get("Name"):
        licence = said.get("License-Expression") or said.get("License") or ""
        yield _one("pypi", _plain(str(said["Name"])), said.get("Version"),
                   licences=[str(licence)] if len(str(licence)) < 100 else ())


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _npm(name: str, version: object, licence: object = "") -> Component:
    scope, _, last = name.rpartition("/")
    return _one("npm", last, version, scope, [licence] if isinstance(licence, str) else ())


def _npm_installed(path: Path) -> Iterator[Component]:
    said = json.loads(path.read_bytes())
    if said.get("name") and said.get("version"):
        yield _npm(said["name"], said["version"], said.get("license"))


def _package_lock(path: Path) -> Iterator[Component]:
    said = json.loads(path.read_bytes())
    for at, p in (said.get("packages") or {}).items():
        if at and not p.get("link"):
            yield _npm(p.get("name") or at.rpartition("node_modules/")[2], p.get("version"), p.get("license"))
    if not said.get("packages"):
        yield from _npm_tree(said.get("dependencies") or {}, 0)


def _npm_tree(tree: dict[str, Any], depth: int) -> Iterator[Component]:
    if depth > 64:
        raise ValueError("dependencies more than 64 deep")
    for name, p in tree.items():
        yield _npm(name, p.get("version"))
        yield from _npm_tree(p.get("dependencies") or {}, depth + 1)


def _yarn(path: Path) -> Iterator[Component]:
    name = ""
    for line in path.read_text(encoding="utf-8").splitlines():
        if line and not line[0].isspace() and line.endswith(":") and not line.startswith("#"):
            first = line.rstrip(":").split(",")[0].strip().strip('"')
            name = first[: first.rfind("@")] if first.rfind("@") > 0 else ""
        elif name and (m := re.match(r'\s+version:?\s+"?([^"\s]+)"?$', line)):
            yield _npm(name, m[1])
            name = ""


def _toml_packages(path: Path, kind: str) -> Iterator[Component]:
    for p in tomllib.loads(path.read_text(encoding="utf-8")).get("package") or ():
        if p.get("version"):
            yield _one(kind, _plain(p["name"]) if kind == "pypi" else p["name"], p["version"])


def _pipfile(path: Path) -> Iterator[Component]:
    said = json.loads(path.read_bytes())
    for part in ("default", "develop"):
        for name, p in (said.get(part) or {}).items():
            yield _one("pypi", _plain(name), str(p.get("version") or "").removeprefix("=="))


def _requirements(path: Path) -> Iterator[Component]:
    for line in path.read_text(encoding="utf-8").splitlines():
        m = re.match(r"\s*([A-Za-z0-9][\w.-]*)\s*(?:\[[^\]]*\])?\s*===?\s*([^\s;#,\\]+)", line)
        if m is not None:
            yield _one("pypi", _plain(m[1]), m[2])


def _go_mod(path: Path) -> Iterator[Component]:
    inside = False
    for raw in path.read_text(encoding="utf-8").splitlines():
        line = raw.split("//")[0].strip()
        if line.startswith("require ("):
            inside = True
        elif inside and line == ")":
            inside = False
        elif inside or line.startswith("require "):
            words = line.removeprefix("require ").split()
            if len(words) == 2:
                namespace, _, name = words[0].rpartition("/")
                yield _one("golang", name, words[1], namespace)


def _gems(path: Path) -> Iterator[Component]:
    for line in path.read_text(encoding="utf-8").splitlines():
        m = re.fullmatch(r" {4}(\S+) \(([^)]+)\)", line)
        if m is not None:
            yield _one("gem", m[1], m[2])


def _composer(path: Path) -> Iterator[Component]:
    said = json.loads(path.read_bytes())
    for part in ("packages", "packages-dev"):
        for p in said.get(part) or ():
            namespace, _, name = p["name"].rpartition("/")
            yield _one("composer", name, str(p.get("version") or "").removeprefix("v"), namespace,
                       p.get("license") or ())


def _java(path: Path) -> Iterator[Component]:
    with zipfile.ZipFile(path) as z:
        for member in z.infolist():
            if member.filename.endswith("/pom.properties") and member.file_size < 1 << 20:
                lines = z.read(member).decode("utf-8", "replace").splitlines()
                said = dict(line.split("=", 1) for line in lines if "=" in line)
                if said.get("artifactId"):
                    yield _one("maven", said["artifactId"], said.get("version"), said.get("groupId", ""))


def _stanzas(path: Path) -> Iterator[dict[str, str]]:
    out: dict[str, str] = {}
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        if not line:
            if out:
                yield out
            out = {}
        elif not line[0].isspace() and ":" in line:
            key, _, value = line.partition(":")
            out[key] = value.strip()
    if out:
        yield out


def _release(path: Path, depth: int) -> dict[str, str]:
    """``os-release`` of the tree that a list lies in."""
    file = path.parents[depth] / "etc" / "os-release"
    if not file.is_file():
        return {}
    lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
    return {k: v.strip('"') for k, _, v in (line.partition("=") for line in lines) if v}


def _dpkg(path: Path) -> Iterator[Component]:
    system = _release(path, 3)
    kind = system.get("ID", "debian")
    distro = f"{kind}-{system['VERSION_ID']}" if "VERSION_ID" in system else ""
    for p in _stanzas(path):
        if " installed" in p.get("Status", ""):
            upstream = p.get("Source", "").split(" ")[0]
            yield _one("deb", p["Package"], p.get("Version"), kind, distro=distro, arch=p.get("Architecture", ""),
                       upstream=upstream)


def _apk(path: Path) -> Iterator[Component]:
    system = _release(path, 3)
    distro = f"alpine-{'.'.join(system['VERSION_ID'].split('.')[:2])}" if "VERSION_ID" in system else ""
    for p in _stanzas(path):
        if "P" in p and "V" in p:
            yield _one("apk", p["P"], p["V"], "alpine", [p.get("L", "")], distro=distro, arch=p.get("A", ""),
                       upstream=p.get("o", ""))


_BY_NAME: dict[str, Reader] = {
    "package-lock.json": _package_lock, "npm-shrinkwrap.json": _package_lock, "yarn.lock": _yarn,
    "poetry.lock": lambda p: _toml_packages(p, "pypi"), "uv.lock": lambda p: _toml_packages(p, "pypi"),
    "Pipfile.lock": _pipfile,
    "Cargo.lock": lambda p: _toml_packages(p, "cargo"), "go.mod": _go_mod, "Gemfile.lock": _gems,
    "composer.lock": _composer,
}  # fmt: skip
