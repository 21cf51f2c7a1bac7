"""Documents as CycloneDX 1.6, SPDX 2.3 and SBOMDF, and what a document lacks. What the forms share comes back when
it is read."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from detectors.sbom.component import Component, Document
from fengsui import __version__

NOTHING = "NOASSERTION"


def cyclonedx(document: Document, now: datetime | None = None) -> dict[str, Any]:
    """A document as CycloneDX 1.6; its serial number is of its content, its time is ``now``."""
    refs = {c.ref: c.ref or f"component-{n}" for n, c in enumerate(document.components)}
    out: dict[str, Any] = {
        "bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1,
        "serialNumber": f"urn:uuid:{_serial(document, 'cyclonedx')}",
        "metadata": {"timestamp": _time(now), "tools": {"components": [
            {"type": "application", "name": "Fengsui", "version": __version__}]}},
        "components": [_written(c, refs[c.ref]) for c in document.components],
    }  # fmt: skip
    if document.subject is not None:
        out["metadata"]["component"] = _written(document.subject, document.subject.ref or "subject")
    out["dependencies"] = [{"ref": ref, "dependsOn": list(on)} for ref, on in document.depends.items()]
    return out


def _written(c: Component, ref: str) -> dict[str, Any]:
    kind = c.kind if c.kind in ("application", "framework", "library", "container", "operating-system", "device",
                                "firmware", "file",
                                "platform", "data") else "library"  # fmt: skip
    fields: dict[str, Any] = {"type": kind, "bom-ref": ref, "name": c.name, "version": c.version, "purl": c.purl,
                              "licenses": [{"license": {"name": x}} for x in c.licences],
                              "hashes": [{"alg": a, "content": h} for a, h in c.hashes.items()],
                              "supplier": {"name": c.supplier} if c.supplier else None}  # fmt: skip
    return {k: v for k, v in fields.items() if v}


def _serial(document: Document, form: str) -> str:
    names = "\n".join(sorted(c.purl or c.name for c in document.components))
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"fengsui:{form}:{names}"))


def _time(now: datetime | None) -> str:
    return (now or datetime.now(UTC)).strftime("%Y-%m-%dT%H:%M:%SZ")


def spdx(document: Document, now: datetime | None = None) -> dict[str, Any]:
    """As SPDX 2.3 (JSON)."""
    every = [*([document.subject] if document.subject else []), *document.components]
    ids: dict[str, str] = {}
    packages = []
    for n, c in enumerate(every):
        ids.setdefault(c.ref, f"SPDXRef-{n}-{re.sub(r'[^A-Za-z0-9.-]', '-', c.name)[:60]}")
        packages.append({
            "SPDXID": ids[c.ref], "name": c.name, "versionInfo": c.version or NOTHING, "downloadLocation": NOTHING,
            "filesAnalyzed": False, "licenseConcluded": NOTHING, "licenseDeclared": " AND ".join(c.licences) or NOTHING,
            "supplier": f"Organization: {c.supplier}" if c.supplier else NOTHING, "copyrightText": NOTHING,
            **({"externalRefs": [{"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl",
                                  "referenceLocator": c.purl}]}
               if c.purl else {}),
            **({"checksums": [{"algorithm": a.replace("-", ""), "checksumValue": h} for a, h in c.hashes.items()]}
               if c.hashes else {}),
        })  # fmt: skip
    relations = [{"spdxElementId": ids[a], "relationshipType": "DEPENDS_ON", "relatedSpdxElement": ids[b]}
                 for a, on in document.depends.items() for b in on if a in ids and b in ids]  # fmt: skip
    name = document.subject.name if document.subject else "document"
    return {
        "spdxVersion": "SPDX-2.3", "dataLicense": "CC0-1.0", "SPDXID": "SPDXRef-DOCUMENT", "name": name,
        "documentNamespace": f"urn:uuid:{_serial(document, 'spdx')}",
        "creationInfo": {"created": _time(now), "creators": [f"Tool: Fengsui-{__version__}"]},
        "documentDescribes": [ids[document.subject.ref]] if document.subject else [],
        "packages": packages, "relationships": relations,
    }  # fmt: skip


def sbomdf(document: Document, now: datetime | None = None) -> dict[str, Any]:
    """As SBOMDF 1.0 (GB/T 47020-2026), as one public implementation writes it."""
    subject = document.subject
    return {
        "formatName": "SBOMDF", "formatVersion": "1.0", "listID": f"urn:uuid:{_serial(document, 'sbomdf')}",
        "timestamp": _time(now), "authors": NOTHING, "createTools": f"Fengsui {__version__}",
        "software": {"softwareId": subject.ref or "subject", "softwareName": subject.name,
                     "softwareVersion": subject.version or NOTHING} if subject else {},
        "components": [{
            "componentId": c.ref or f"component-{n}", "componentName": c.name, "componentVersion": c.version or NOTHING,
            "purl": c.purl, "supplier": {"supplierName": c.supplier or NOTHING},
            "licenseName": list(c.licences) or [NOTHING],
            "integrity": dict(c.hashes)} for n, c in enumerate(document.components)],
        "dependencies": [{"identityAId": a, "relationship": "dependsOn", "identityBId": b}
                         for a, on in document.depends.items() for b in on],
    }  # fmt: skip


FORMS: Mapping[str, Callable[[Document], dict[str, Any]]] = {"cyclonedx": cyclonedx, "spdx": spdx, "sbomdf": sbomdf}

def lacks(document: Document) -> dict[str, int]:
    """How many components lack each of the elements that a component must have (NTIA, The Minimum Elements for a
    Software
    Bill of Materials, 2021); ``dependencies``: 1 if there are none."""
    c = document.components
    return {
        "supplier": sum(not x.supplier for x in c), "name": sum(not x.name for x in c),
        "version": sum(not x.version for x in c),
        "identifier": sum(not (x.purl or x.hashes) for x in c), "dependencies": int(not any(document.depends.values())),
    }  # fmt: skip
