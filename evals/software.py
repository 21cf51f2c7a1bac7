"""Matching, the order of versions and bills of materials, against what is known of them.

``python -m evals.software DIR``: ``DIR/osv/match_cases.csv`` (package, version, advisory: affected or not), answered
from the
ZIPs beside it; ``DIR/osv/version_order/*.txt`` (lines ``a < b``); ``DIR/sbom/``: every document is read, and its
components
are counted a second time by another way (a plain walk of the JSON, patterns over XML and tag-value). Wrong answers
are listed. Exit 1 if there is one beyond what is allowed.
"""

from __future__ import annotations

import argparse
import csv
import json
import re
import time
from collections import Counter
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

from detectors.advisories.osv import Book, read
from detectors.advisories.versions import key
from detectors.sbom.read import read as read_sbom
from fengsui.errors import BadInput

ORDERS = {"alpine": "Alpine", "cran": "CRAN", "debian": "Debian", "hackage": "Hackage", "maven": "Maven",
          "nuget": "NuGet",
          "packagist": "Packagist", "pub": "Pub", "pypi": "PyPI", "redhat": "Red Hat", "rubygems": "RubyGems",
          "semver": "npm"}  # fmt: skip
LEAST = 0.999
SHOWN = 20
_LINE = re.compile(r"(\S.*?)\s+([<=>])\s+(\S.*)")


def cases(folder: Path) -> int:
    """Wrong answers."""
    began = time.perf_counter()
    zips = sorted(folder.glob("*.zip"))
    if not zips:
        raise SystemExit(f"{folder}: no advisories")
    book = Book(chain.from_iterable(map(read, zips)))
    loaded = time.perf_counter() - began
    rows = list(csv.DictReader((folder / "match_cases.csv").open(encoding="utf-8")))
    if not rows:
        raise SystemExit(f"{folder}: no cases")
    wrong = []
    for row in rows:
        said = {a.id: x for a, x in book.ask(row["ecosystem"], row["package"], row["version"])}
        found = said.get(row["osv_id"])
        if found is None or found.status != row["expected"]:
            wrong.append((row, found))
    seconds = time.perf_counter() - began - loaded
    print(f"match: {len(rows) - len(wrong):,} of {len(rows):,} as expected; {book.count:,} advisories read in "
          f"{loaded:.1f} s, "
          f"asked in {seconds:.1f} s")  # fmt: skip
    for row, found in wrong[:SHOWN]:
        print(f"  {row['package']} {row['version']} {row['osv_id']}: {row['expected']}, said {found}")
    return len(wrong)


def orders(folder: Path) -> int:
    """Ecosystems below LEAST."""
    totals: dict[str, list[int]] = {}
    files = sorted(folder.glob("*.txt"))
    if not files:
        raise SystemExit(f"{folder}: no files")
    for path in files:
        ecosystem = ORDERS.get(path.name.split("-")[0])
        if ecosystem is None:
            print(f"order: {path.name}: no order of ours")
            continue
        n, wrong = 0, []
        for line in path.read_text(encoding="utf-8").splitlines():
            m = None if line.lstrip().startswith(("#", "//")) else _LINE.fullmatch(line.strip())
            if m is None:
                continue
            n += 1
            a, b = key(ecosystem, m[1]), key(ecosystem, m[3])
            got = "?" if a is None or b is None else "<" if a < b else ">" if a > b else "="
            if got != m[2]:
                wrong.append(f"{line.strip()}  said {got}")
        total = totals.setdefault(ecosystem, [0, 0])
        total[0] += n
        total[1] += len(wrong)
        print(f"order: {path.name:34} {n - len(wrong):6,} of {n:6,}")
        for line in wrong[:SHOWN]:
            print(f"  {line}")
    below = [e for e, (n, wrong) in totals.items() if n and 1 - wrong / n < LEAST]
    print(f"order: below {LEAST:.1%}: {', '.join(below) or 'none'}")
    return len(below)


def _walk(value: Any) -> Iterator[dict[str, Any]]:
    """Components of CycloneDX's JSON, wherever they lie."""
    for c in value.get("components") or ():
        yield c
        yield from _walk(c)


def second(path: Path) -> tuple[int, list[str]] | None:
    """Count and package URLs, read another way; None where there is none for this form."""
    raw = path.read_bytes()
    if path.suffix == ".xml":
        found = re.findall(rb"<component[ >].*?(?=<component[ >]|</components>|</metadata>)", raw, re.DOTALL)
        inside = raw.find(b"<components")
        n = len(re.findall(rb"<component[ >]", raw[inside:])) if inside >= 0 else 0
        purls = [p.decode() for p in re.findall(rb"<purl>([^<]+)</purl>",
                                                raw[inside:])] if found and inside >= 0 else []
        return n, sorted(p.replace("&amp;", "&") for p in purls)
    if path.suffix == ".spdx":
        text = raw.decode()
        n = len(re.findall(r"^PackageName:", text, re.MULTILINE))
        return n, sorted(re.findall(r"^ExternalRef: PACKAGE[-_]MANAGER purl (\S+)", text, re.MULTILINE))
    said = json.loads(raw)
    if said.get("bomFormat") == "CycloneDX":
        listed = [*_walk(said), *_walk((said.get("metadata") or {}).get("component") or {})]
        return len(listed), sorted(c["purl"] for c in listed if c.get("purl"))
    if "spdxVersion" in said:
        packages = said.get("packages") or []
        purls = [r["referenceLocator"] for p in packages for r in p.get("externalRefs") or ()
                 if r["referenceType"] == "purl"]
        return len(packages), sorted(purls)
    if "@graph" in said:
        packages = [e for e in said["@graph"] if e.get("type") == "software_Package"]
        return len(packages), sorted(e["software_packageUrl"] for e in packages if e.get("software_packageUrl"))
    return None


def documents(folder: Path) -> int:
    """Documents that are read otherwise than by the second way."""
    files = sorted(p for p in folder.rglob("*") if p.is_file())
    if not files:
        raise SystemExit(f"{folder}: no documents")
    forms: Counter[str] = Counter()
    wrong = 0
    for path in files:
        try:
            document = read_sbom(path.read_bytes(), path.name)
        except BadInput as e:
            forms["refused"] += 1
            print(f"sbom: refused: {e}")
            continue
        forms[f"{document.form} {document.version}"] += 1
        other = second(path)
        mine = (len(document.components), sorted(c.purl for c in document.components if c.purl))
        if other is not None and mine != other:
            wrong += 1
            print(f"sbom: {path.relative_to(folder)}: {mine[0]} components and {len(mine[1])} package URLs, the "
                  f"other way "
                  f"{other[0]} and {len(other[1])}")  # fmt: skip
    print(f"sbom: {len(files)} files, {wrong} read otherwise;", ", ".join(f"{k} {n}" for k, n in sorted(forms.items())))
    return wrong


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    osv = folder / "osv"
    parts = [(osv / "match_cases.csv", cases, osv), (osv / "version_order", orders, osv / "version_order"),
             (folder / "sbom", documents, folder / "sbom")]  # fmt: skip
    there = [(run, where) for needed, run, where in parts if needed.exists()]
    for needed, _, _ in parts:
        if not needed.exists():
            print(f"{needed.relative_to(folder)} is not there: not measured")
    if not there:
        raise SystemExit(f"{folder}: nothing to measure")
    return 1 if sum([run(where) for run, where in there]) else 0


if __name__ == "__main__":
    raise SystemExit(main())
