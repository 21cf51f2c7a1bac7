"""What of a bill of materials is known to be vulnerable: by package URL and the order of its ecosystem, never by
like names.

Every component with a package URL is asked for in the advisories of its ecosystem. What no source covers says so,
and is
never taken for free of vulnerabilities.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from detectors.advisories.osv import Advisory, Answer, Book
from detectors.advisories.severity import severity
from detectors.advisories.wording import reason
from detectors.sbom.component import Component, Purl, read_purl
from fengsui.errors import BadInput

AFFECTED, NOT_AFFECTED, SUPPRESSED, UNORDERED, NOT_COVERED = (
    "affected", "not_affected", "suppressed", "unordered", "not_covered")  # fmt: skip
STALE_DAYS = 7
_PLAIN = {
    "pypi": "PyPI", "npm": "npm", "golang": "Go", "cargo": "crates.io", "gem": "RubyGems", "nuget": "NuGet",
    "hex": "Hex",
    "pub": "Pub", "composer": "Packagist", "maven": "Maven", "cran": "CRAN", "hackage": "Hackage", "swift": "SwiftURL",
}  # fmt: skip
_DISTRIBUTIONS = {
    ("deb", "debian"): "Debian", ("deb", "ubuntu"): "Ubuntu", ("apk", "alpine"): "Alpine",
    ("apk", "alpaquita"): "Alpaquita", ("rpm", "redhat"): "Red Hat", ("rpm", "almalinux"): "AlmaLinux",
    ("rpm", "rocky"): "Rocky Linux", ("rpm", "rocky-linux"): "Rocky Linux", ("rpm", "openeuler"): "openEuler",
    ("rpm", "suse"): "SUSE", ("rpm", "opensuse"): "openSUSE",
}  # fmt: skip


@dataclass(frozen=True)
class Known:
    """``kev``: ids that are known to be exploited; ``epss``: the probability of exploitation by id; ``vex``: why a
    vulnerability does not count, by its id and a package URL."""

    kev: frozenset[str] = frozenset()
    epss: Mapping[str, float] = field(default_factory=dict)
    vex: Mapping[tuple[str, str], str] = field(default_factory=dict)


@dataclass(frozen=True)
class Match:
    """One component and one advisory (none where ``status`` is not_covered). ``why`` and ``of`` as of an Answer;
    ``vex``: why
    it does not count; ``ecosystem``: whose advisories they were."""

    component: Component
    advisory: Advisory | None
    status: str
    why: str
    of: str = ""
    fixed: tuple[str, ...] = ()
    ecosystem: str = ""
    vex: str = ""
    kev: bool = False
    epss: float | None = None

    def reason(self, lang: str) -> str:
        """In words."""
        return "; ".join(filter(None, (reason(self.why, self.of, lang), self.vex)))

    @property
    def risk(self) -> tuple[str, str] | None:
        """What two bills have in common where they share a risk: the package without its version, and the advisory.
        None
        where there is no risk."""
        if self.advisory is None or self.status not in (AFFECTED, UNORDERED):
            return None
        purl = read_purl(self.component.purl)
        name = f"{purl.type}/{purl.namespace}/{purl.name}" if purl else self.component.purl
        return name, self.advisory.id

    def line(self) -> dict[str, object]:
        """As a line of JSON."""
        a = self.advisory
        word, cvss = severity(a.severity) if a else (None, None)
        return {
            "purl": self.component.purl, "advisory": a.id if a else None, "aliases": list(a.aliases) if a else [],
            "status": self.status, "reason": self.reason("en"), "severity": word, "cvss": cvss,
            "kev": self.kev, "epss": self.epss, "fixed": list(self.fixed),
        }  # fmt: skip


def place(purl: Purl, there: frozenset[str] | set[str]) -> tuple[list[str], str]:
    """Ecosystems (of those there are) whose advisories are on a package, and its name in them."""
    name = purl.name
    if purl.type in _PLAIN:
        if purl.namespace:
            name = f"{purl.namespace}{':' if purl.type == 'maven' else '/'}{purl.name}"
        return [e for e in (_PLAIN[purl.type],) if e in there], name
    kind = _DISTRIBUTIONS.get((purl.type, purl.namespace.lower()))
    if kind is None:
        return [], name
    release = purl.qualifiers.get("distro", "").lower().partition("-")[2]
    wanted = f"{kind}:v{release}" if kind == "Alpine" else f"{kind}:{release}"
    found = [e for e in sorted(there) if e == kind or e.lower() == wanted.lower()
             or e.lower().startswith(f"{wanted.lower()}:")]
    if not release:
        found = []  # of which release it is nobody says, and each has fixes of its own
    return found, purl.qualifiers.get("upstream", "").partition("@")[0] or name


def match(components: Sequence[Component], book: Book, known: Known = Known()) -> Iterator[Match]:
    """Every answer, component by component; each distinct package URL is asked for once."""
    asked: dict[str, list[Asked] | Answer] = {}
    for c in components:
        if not c.purl:
            continue
        if c.purl not in asked:
            asked[c.purl] = _asked(c, book)
        found = asked[c.purl]
        if isinstance(found, Answer):
            yield Match(c, None, found.status, found.why, found.of)
            continue
        for ecosystem, advisory, said in found:
            yield _match(c, ecosystem, advisory, said, known)


Asked = tuple[str, Advisory, Answer]


def _asked(c: Component, book: Book) -> list[Asked] | Answer:
    """What each advisory of its ecosystem says; or why nothing can."""
    purl = read_purl(c.purl)
    if purl is None:
        return Answer(NOT_COVERED, "no_purl", c.purl)
    version = purl.version or c.version
    if not version:
        return Answer(NOT_COVERED, "no_version")
    ecosystems, name = place(purl, book.ecosystems)
    if not ecosystems:
        kind = _DISTRIBUTIONS.get((purl.type, purl.namespace.lower()))
        if kind is not None and not purl.qualifiers.get("distro"):
            return Answer(NOT_COVERED, "no_release", kind)
        return Answer(NOT_COVERED, "no_source",
                      kind or _PLAIN.get(purl.type) or f"{purl.type}/{purl.namespace}".strip("/"))
    return [(e, a, said) for e in ecosystems for a, said in book.ask(e, name, version)]


def _match(c: Component, ecosystem: str, a: Advisory, said: Answer, known: Known) -> Match:
    ids = (a.id, *a.aliases)
    kev = any(i in known.kev for i in ids)
    epss = max((known.epss[i] for i in ids if i in known.epss), default=None)
    vex = next((w for i in ids if (w := known.vex.get((i, c.purl)))), "") if said.status == AFFECTED else ""
    return Match(c, a, SUPPRESSED if vex else said.status, said.why, said.of, said.fixed, ecosystem, vex, kev, epss)


def age_days(book: Book, ecosystem: str, now: datetime) -> float | None:
    """Days since the newest advisory of an ecosystem was changed; None where none says when."""
    newest = book.newest.get(ecosystem)
    return None if newest is None else max(0.0, (now - newest).total_seconds() / 86400)


def read_kev(content: bytes, name: str = "") -> frozenset[str]:
    """Ids of CISA's catalogue. Raises BadInput."""
    try:
        listed = json.loads(content)["vulnerabilities"]
        return frozenset(str(v["cveID"]) for v in listed)
    except (ValueError, KeyError, TypeError) as e:
        raise BadInput(f"no catalogue of known exploited vulnerabilities: {e}", place=name) from e


def read_epss(content: bytes, name: str = "") -> dict[str, float]:
    """EPSS as FIRST publishes it: CSV with cve and epss, compressed or not. Raises BadInput."""
    try:
        text = (gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content).decode()
        lines = [line for line in text.splitlines() if not line.startswith("#")]
        return {row["cve"]: float(row["epss"]) for row in csv.DictReader(io.StringIO("\n".join(lines)))}
    except (OSError, ValueError, KeyError) as e:
        raise BadInput(f"no table of EPSS: {e}", place=name) from e


def read_folder(paths: Sequence[Path]) -> tuple[list[Path], Known]:
    """Advisories, and what else lies beside them (a catalogue of exploited ones, EPSS), told by their names and
    content."""
    advisories: list[Path] = []
    kev: frozenset[str] = frozenset()
    epss: dict[str, float] = {}
    for path in paths:
        name = path.name.lower()
        if path.is_file() and "exploited" in name and name.endswith(".json"):
            kev |= read_kev(path.read_bytes(), str(path))
        elif path.is_file() and name.endswith((".csv", ".csv.gz")):
            epss |= read_epss(path.read_bytes(), str(path))
        else:
            advisories.append(path)
    return advisories, Known(kev, epss)
