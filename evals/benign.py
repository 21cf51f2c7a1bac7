"""Benign packages to measure on: what the dependency trees of large applications are resolved to, as of several dates.

``python -m evals.benign OUT [--names N] [--jobs J]``. Each line of ``applications.txt`` is resolved as of each date in
a call of its own, by ``uv`` (which must be in the path), from the index that pip is configured with; nothing is built
and nothing is run. Of each package two of the versions that were resolved are fetched as files, one of them as a wheel
and one as its source where there are both. OUT gets ``files/`` and ``listed.csv`` (name, version, file, size,
time of upload, SHA-256). A second run goes on where the first ended.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import re
import subprocess
import sys
import tomllib
import urllib.request
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

DATES = {"2021-10-01": "3.8", "2022-07-01": "3.9", "2023-02-01": "3.10", "2023-09-01": "3.10", "2024-06-01": "3.11",
         "2025-09-01": "3.12"}  # fmt: skip
"""As of when, and for which Python."""
SMALL = 2 << 20
"""Bytes: of larger files only one in four names is taken, for malicious packages are small."""
FORMS = ("source", "wheel")
_PLAIN = re.compile(r"[-_.]+")


def resolve(index: str, application: str, date: str, python: str, out: Path) -> list[tuple[str, str]]:
    """Names and versions; none where the index of that date has no such tree of wheels."""
    if not out.exists():
        command = ["uv", "pip", "compile", "-", "--quiet", "--no-build", "--exclude-newer", date, "--python-version",
                   python, "--python-platform", "linux", "--default-index", index, "-o", str(out)]  # fmt: skip
        asked = "\n".join(application.split())
        found = subprocess.run(command, check=False, input=asked, text=True, capture_output=True, timeout=600)
        if found.returncode:
            out.write_text("")
            reason = " ".join(found.stderr.split())[:200]
            print(f"{application} as of {date}: {reason}", file=sys.stderr)
    packages = tomllib.loads(out.read_text()).get("packages", [])
    return [(p["name"], p["version"]) for p in packages if "version" in p]


def applications() -> list[str]:
    lines = Path(__file__).with_name("applications.txt").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def release(index: str, name: str, version: str) -> list[dict[str, Any]]:
    """Files of one version, as the index lists them (its JSON form)."""
    url = f"{index.rstrip('/')}/{_PLAIN.sub('-', name).lower()}/"
    request = urllib.request.Request(url, headers={"Accept": "application/vnd.pypi.simple.v1+json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        listed = json.load(answer)
    marks = (f"-{version}-", f"-{version}.tar.gz", f"-{version}.zip")
    return [f | {"url": urljoin(url, f["url"])} for f in listed["files"] if any(m in f["filename"] for m in marks)]


def chosen(files: Iterable[dict[str, Any]], form: str) -> dict[str, Any] | None:
    """The source or a wheel; the other where there is but one."""
    source = [f for f in files if f["filename"].endswith((".tar.gz", ".zip"))]
    wheels = sorted((f for f in files if f["filename"].endswith(".whl")), key=_distance)
    first, second = (source, wheels) if form == "source" else (wheels, source)
    return next(iter(first or second), None)


def _distance(file: dict[str, Any]) -> tuple[int, str]:
    """Wheels for any platform first, then those of this one."""
    name = file["filename"]
    return (0 if name.endswith("-any.whl") else 1 if "manylinux" in name and "x86_64" in name else 2), name


def two_of(name: str, versions: Iterable[str]) -> list[tuple[str, str]]:
    """Two versions by a hash, and the form of each; of a single version its form is by the name."""
    some = sorted(versions, key=lambda v: digit(f"{name} {v}"))[:2]
    forms = FORMS if digit(f"form {name}") % 2 else FORMS[::-1]
    return list(zip(some, forms, strict=False))


def digit(text: str) -> int:
    return int(hashlib.sha256(text.encode()).hexdigest()[:8], 16)


def fetch(index: str, name: str, version: str, form: str, files: Path) -> dict[str, Any] | None:
    found = chosen(release(index, name, version), form)
    if found is None or ((found.get("size") or 0) > SMALL and digit(f"large {name}") % 4):
        return None
    path = files / found["filename"]
    if not path.exists():
        with urllib.request.urlopen(found["url"], timeout=180) as answer:
            content = answer.read()
        if hashlib.sha256(content).hexdigest() != found["hashes"]["sha256"]:
            raise OSError(f"{found['filename']}: not the content that the index names")
        part = path.with_suffix(".part")
        part.write_bytes(content)
        part.replace(path)
    return {"name": name, "version": version, "file": found["filename"], "size": path.stat().st_size,
            "uploaded": found.get("upload-time", ""), "sha256": found["hashes"]["sha256"]}  # fmt: skip


def index_of_pip() -> str:
    """The index that pip takes packages from here."""
    for key in ("install.index-url", "global.index-url"):
        command = [sys.executable, "-m", "pip", "config", "get", key]
        found = subprocess.run(command, check=False, capture_output=True, text=True)
        if found.returncode == 0 and found.stdout.strip():
            return found.stdout.strip()
    from pip._internal.models.index import PyPI

    return str(PyPI.simple_url)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--names", type=int, default=3000, help="packages at most")
    parser.add_argument("--jobs", type=int, default=4)
    parser.add_argument("--resolved", action="store_true", help="take what was resolved before, and resolve no more")
    options = parser.parse_args()
    files, trees = options.out / "files", options.out / "trees"
    files.mkdir(parents=True, exist_ok=True)
    trees.mkdir(exist_ok=True)
    index = index_of_pip()
    versions: dict[str, set[str]] = {}
    with ThreadPoolExecutor(options.jobs) as pool:
        calls = [(a, d, p) for a in applications() for d, p in DATES.items()]
        calls.sort(key=lambda c: digit(f"{c[0]} {c[1]}"))  # so that a run that is stopped has some of everything
        if options.resolved:
            calls = [c for c in calls if tree(trees, c).exists()]
        for found in pool.map(partial(_tree, index, trees), calls):
            for name, version in found:
                versions.setdefault(name, set()).add(version)
        print(f"{len(versions)} packages in {len(calls)} trees", flush=True)
        picked = [
            (name, version, form)
            for name in sorted(versions, key=digit)[: options.names]
            for version, form in two_of(name, versions[name])
        ]
        rows = []
        for pair, row in zip(picked, pool.map(partial(_tried, index, files), picked), strict=True):
            if isinstance(row, dict):
                rows.append(row)
            elif row:
                print(f"{' '.join(pair)}: {row}", file=sys.stderr)
    rows.sort(key=lambda r: str(r["name"]))
    with (options.out / "listed.csv").open("w", newline="") as f:
        writer = csv.DictWriter(f, ["name", "version", "file", "size", "uploaded", "sha256"])
        writer.writeheader()
        writer.writerows(rows)
    print(f"{len(rows)} distributions in {files}")
    return 0


def tree(keep: Path, call: tuple[str, str, str]) -> Path:
    """Where an application as of a date is kept resolved."""
    name = hashlib.sha256(f"{call[0]} {call[1]}".encode()).hexdigest()[:16]
    return keep / f"pylock.{name}.toml"


def _tree(index: str, keep: Path, call: tuple[str, str, str]) -> list[tuple[str, str]]:
    return resolve(index, *call, tree(keep, call))


def _tried(index: str, files: Path, package: tuple[str, str, str]) -> dict[str, Any] | str | None:
    try:
        return fetch(index, *package, files)
    except OSError as e:
        return str(e)


if __name__ == "__main__":
    raise SystemExit(main())
