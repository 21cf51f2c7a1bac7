"""Documents of every form into components. A document that is none, or lies about itself, is a BadInput that says
where.

CycloneDX 1.2 to 1.7 (JSON, XML), SPDX 2.2 and 2.3 (JSON, YAML, tag-value), SPDX 3.0 (JSON-LD: its ``@graph`` is read
as a
list, no context is loaded), SBOMDF (GB/T 47020, as one public implementation writes it).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from detectors.sbom.component import Component, Document
from fengsui.errors import BadInput

MOST = 512 << 20
"""Bytes of a document."""
LARGE = 8 << 20
"""Bytes from which a document is not held whole as objects."""
DEEP = 64
"""Components within components."""
_DECLARED = re.compile(rb"<!(?:DOCTYPE|ENTITY)", re.IGNORECASE)


def read(content: bytes, name: str = "") -> Document:
    """The document. Raises BadInput."""
    if len(content) > MOST:
        raise BadInput(f"more than {MOST >> 20} MB", place=name)
    if not content.strip():
        raise BadInput("it is empty", place=name)
    head = content[:4096].lstrip(b"\xef\xbb\xbf \t\r\n")
    try:
        if head[:1] == b"<":
            return _cyclonedx_xml(content)
        if head[:1] in (b"{", b"["):
            return _json(content)
        if b"SPDXVersion:" in content[: 1 << 16]:
            return _tag_value(content.decode("utf-8"))
        return _yaml(content)
    except BadInput as e:
        raise BadInput(e.reason, place=name or e.place, at=e.at) from e
    except (RecursionError, UnicodeDecodeError) as e:
        raise BadInput(f"it cannot be read: {type(e).__name__}", place=name) from e


def _json(content: bytes) -> Document:
    try:
        if len(content) > LARGE and (top := _top(content)) is not None:
            return _cyclonedx(top)
        said = msgspec.json.decode(content)
    except (msgspec.DecodeError, ValueError) as e:
        raise BadInput(f"no JSON: {e}") from e
    return _of(said)


class _Top(msgspec.Struct):
    """A CycloneDX document whose long lists are left as they are written: each entry is decoded by itself."""

    bomFormat: str = ""  # noqa: N815 as its form writes it
    specVersion: str = ""  # noqa: N815
    metadata: Any = None
    components: list[msgspec.Raw] = []
    dependencies: list[msgspec.Raw] = []


def _top(content: bytes) -> dict[str, Any] | None:
    try:
        top = msgspec.json.decode(content, type=_Top)
    except msgspec.ValidationError:
        return None  # another form, or lists that are none: told when it is read whole
    if top.bomFormat != "CycloneDX":
        return None
    return {"specVersion": top.specVersion, "metadata": top.metadata, "components": _each(top.components),
            "dependencies": _each(top.dependencies)}  # fmt: skip


def _each(raws: list[msgspec.Raw]) -> Iterator[Any]:
    for raw in raws:
        yield msgspec.json.decode(raw)


def _yaml(content: bytes) -> Document:
    import yaml

    if b"&" in content and content.count(b"*") > 10_000:
        raise BadInput("YAML that refers to itself ten thousand times")
    try:
        said = yaml.load(content, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 a safe one
    except yaml.YAMLError as e:
        raise BadInput(f"neither JSON, XML, tag-value nor YAML: {str(e)[:200]}") from e
    return _of(said)


def _of(said: Any) -> Document:
    if not isinstance(said, dict):
        raise BadInput("it is no object")
    if said.get("bomFormat") == "CycloneDX" or ("specVersion" in said and "components" in said):
        return _cyclonedx(said)
    if "spdxVersion" in said:
        return _spdx2(said)
    if isinstance(said.get("@graph"), list) and "spdx" in str(said.get("@context", "")).lower():
        return _spdx3(said)
    if said.get("formatName") == "SBOMDF" or _map(said.get("document")).get("formatName") == "SBOMDF":
        return _sbomdf(said)
    raise BadInput("no form of a bill of materials that is known here (CycloneDX, SPDX, SBOMDF)")


# CycloneDX


def _cyclonedx(said: Mapping[str, Any]) -> Document:
    odd: list[str] = []
    metadata = _map(said.get("metadata"))
    subject = _map(metadata.get("component"))
    found: list[Component] = []
    for c in _list(said.get("components")):
        _walk(c, found, odd, 0)
    inner: list[Component] = []
    for c in _list(subject.get("components")):
        _walk(c, inner, odd, 1)
    depends = {str(d.get("ref") or ""): _words(d.get("dependsOn")) for d in map(_map, _list(said.get("dependencies")))}
    return Document("CycloneDX", str(said.get("specVersion") or ""), (*found, *inner),
                    _cyclonedx_one(subject) if subject else None,
                    depends, tuple(odd))  # fmt: skip


def _walk(c: object, out: list[Component], odd: list[str], depth: int) -> None:
    if depth > DEEP:
        raise BadInput(f"components within components, more than {DEEP} deep")
    said = _map(c)
    if not said.get("name"):
        odd.append(f"component {len(out) + 1} has no name")
    else:
        out.append(_cyclonedx_one(said))
    for inner in _list(said.get("components")):
        _walk(inner, out, odd, depth + 1)


def _cyclonedx_one(c: Mapping[str, Any]) -> Component:
    group, name = str(c.get("group") or ""), str(c.get("name") or "")
    licences = []
    for entry in map(_map, _list(c.get("licenses"))):
        one = _map(entry.get("license"))
        licences.append(str(entry.get("expression") or one.get("id") or one.get("name") or ""))
    hashes = {str(h.get("alg")): str(h.get("content")) for h in map(_map, _list(c.get("hashes"))) if h.get("alg")}
    return Component(str(c.get("bom-ref") or ""), f"{group}/{name}" if group else name, str(c.get("version") or ""),
                     str(c.get("purl") or ""), str(c.get("type") or ""), str(_map(c.get("supplier")).get("name") or ""),
                     tuple(x for x in licences if x), str(c.get("scope") or ""), hashes)  # fmt: skip


def _cyclonedx_xml(content: bytes) -> Document:
    """As the JSON form, element by element. No document type, no entity of one's own."""
    from lxml import etree

    if _DECLARED.search(content) or b"\x00<\x00!" in content or b"<\x00!\x00" in content:
        raise BadInput("XML with a document type or entities of its own")
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False,
                             remove_comments=True)
    try:
        root = etree.fromstring(content, parser)
    except etree.XMLSyntaxError as e:
        raise BadInput(f"no XML: {e.msg}", at=e.lineno) from e
    name = etree.QName(root)
    if name.localname != "bom" or "cyclonedx" not in (name.namespace or ""):
        raise BadInput(f"XML of another form: {name.localname}")
    said: dict[str, Any] = {"specVersion": (name.namespace or "").rpartition("/")[2],
                            "components": [], "dependencies": [], "metadata": {}}  # fmt: skip
    for child in root:
        local = etree.QName(child).localname
        if local == "components":
            said["components"] = [_xml_component(c, 0) for c in child]
        elif local == "metadata":
            subject = next((c for c in child if etree.QName(c).localname == "component"), None)
            said["metadata"] = {} if subject is None else {"component": _xml_component(subject, 0)}
        elif local == "dependencies":
            said["dependencies"] = [{"ref": d.get("ref"), "dependsOn": [x.get("ref") for x in d]} for d in child]
    return _cyclonedx(said)


def _xml_component(element: Any, depth: int) -> dict[str, Any]:
    from lxml import etree

    if depth > DEEP:
        raise BadInput(f"components within components, more than {DEEP} deep")
    out: dict[str, Any] = {"type": element.get("type"), "bom-ref": element.get("bom-ref")}
    for child in element:
        local = etree.QName(child).localname
        if local in ("name", "version", "group", "purl", "scope"):
            out[local] = (child.text or "").strip()
        elif local == "supplier":
            out["supplier"] = {"name": next(((x.text or "").strip() for x in child
                                             if etree.QName(x).localname == "name"), "")}
        elif local == "hashes":
            out["hashes"] = [{"alg": h.get("alg"), "content": (h.text or "").strip()} for h in child]
        elif local == "licenses":
            out["licenses"] = [_xml_licence(x) for x in child]
        elif local == "components":
            out["components"] = [_xml_component(x, depth + 1) for x in child]
    return out


def _xml_licence(element: Any) -> dict[str, Any]:
    from lxml import etree

    if etree.QName(element).localname == "expression":
        return {"expression": (element.text or "").strip()}
    return {"license": {etree.QName(x).localname: (x.text or "").strip() for x in element}}


# SPDX


def _spdx2(said: Mapping[str, Any]) -> Document:
    found, odd = [], []
    for i, p in enumerate(map(_map, _list(said.get("packages"))), 1):
        if not p.get("name"):
            odd.append(f"package {i} has no name")
            continue
        found.append(_spdx2_package(p))
    depends: dict[str, list[str]] = {}
    described = set(_words(said.get("documentDescribes")))
    for r in map(_map, _list(said.get("relationships"))):
        a, kind, b = (str(r.get(k) or "") for k in ("spdxElementId", "relationshipType", "relatedSpdxElement"))
        _related(depends, described, a, kind, b)
    subject = next((c for c in found if c.ref in described), None)
    version = str(said.get("spdxVersion")).removeprefix("SPDX-")
    return Document("SPDX", version, tuple(found), subject, {k: tuple(v) for k, v in depends.items()}, tuple(odd))


def _related(depends: dict[str, list[str]], described: set[str], a: str, kind: str, b: str) -> None:
    """What SPDX's relationships say of dependencies."""
    if kind in ("DEPENDS_ON", "CONTAINS", "DYNAMIC_LINK", "STATIC_LINK"):
        depends.setdefault(a, []).append(b)
    elif kind in ("DEPENDENCY_OF", "CONTAINED_BY"):
        depends.setdefault(b, []).append(a)
    elif kind == "DESCRIBES":
        described.add(b)
    elif kind == "DESCRIBED_BY":
        described.add(a)


def _spdx2_package(p: Mapping[str, Any]) -> Component:
    refs = [_map(r) for r in _list(p.get("externalRefs"))]
    purl = next((str(r.get("referenceLocator") or "") for r in refs if str(r.get("referenceType")).endswith("purl")),
                "")
    licences = dict.fromkeys(str(p.get(k)) for k in ("licenseConcluded", "licenseDeclared")
                             if p.get(k) not in (None, "NOASSERTION", "NONE"))  # fmt: skip
    hashes = {str(h.get("algorithm")): str(h.get("checksumValue")) for h in map(_map, _list(p.get("checksums")))}
    supplier = str(p.get("supplier") or "").partition(":")[2].strip()
    return Component(str(p.get("SPDXID") or ""), str(p["name"]), _known(p.get("versionInfo")), purl,
                     str(p.get("primaryPackagePurpose") or "package").lower(), supplier, tuple(licences), "",
                     hashes)  # fmt: skip


def _tag_value(text: str) -> Document:
    """SPDX's own lines: a tag, a colon, a value; texts between <text> and </text>."""
    said: dict[str, Any] = {"packages": [], "relationships": []}
    package: dict[str, Any] | None = None
    for tag, value in _tags(text):
        if tag == "SPDXVersion":
            said["spdxVersion"] = value
        elif tag == "PackageName":
            package = {"name": value, "externalRefs": [], "checksums": []}
            said["packages"].append(package)
        elif tag in ("FileName", "SnippetSPDXID", "LicenseID"):
            package = None
        elif tag == "Relationship":
            a, kind, b = (*value.split(None, 2), "", "", "")[:3]
            said["relationships"].append({"spdxElementId": a, "relationshipType": kind, "relatedSpdxElement": b})
        elif package is not None:
            _package_tag(package, tag, value)
    return _spdx2(said)


def _package_tag(package: dict[str, Any], tag: str, value: str) -> None:
    plain = {"SPDXID": "SPDXID", "PackageVersion": "versionInfo", "PackageSupplier": "supplier",
             "PackageLicenseConcluded": "licenseConcluded", "PackageLicenseDeclared": "licenseDeclared",
             "PrimaryPackagePurpose": "primaryPackagePurpose"}  # fmt: skip
    if tag in plain:
        package[plain[tag]] = value
    elif tag == "PackageChecksum":
        algorithm, _, checksum = value.partition(":")
        package["checksums"].append({"algorithm": algorithm.strip(), "checksumValue": checksum.strip()})
    elif tag == "ExternalRef":
        _, kind, locator = (*value.split(None, 2), "", "", "")[:3]
        package["externalRefs"].append({"referenceType": kind, "referenceLocator": locator})


def _tags(text: str) -> Iterator[tuple[str, str]]:
    lines = iter(text.splitlines())
    for line in lines:
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        tag, colon, value = line.partition(":")
        if not colon:
            continue
        value = value.strip()
        while value.startswith("<text>") and "</text>" not in value:
            more = next(lines, None)
            if more is None:
                raise BadInput(f"the text of {tag.strip()} does not end")
            value += f"\n{more}"
        yield tag.strip(), value.removeprefix("<text>").removesuffix("</text>").strip()


def _spdx3(said: Mapping[str, Any]) -> Document:
    found, odd = [], []
    depends: dict[str, list[str]] = {}
    roots: set[str] = set()
    licences: dict[str, list[str]] = {}
    expressions: dict[str, str] = {}
    version = ""
    for e in map(_map, said["@graph"]):
        kind, ref = str(e.get("type") or e.get("@type") or ""), str(e.get("spdxId") or e.get("@id") or "")
        if kind == "software_Package":
            if not e.get("name"):
                odd.append(f"{ref or 'a package'} has no name")
                continue
            found.append(_spdx3_package(e, ref))
        elif kind in ("Relationship", "LifecycleScopedRelationship"):
            word, a, to = str(e.get("relationshipType")), str(e.get("from") or ""), _words(e.get("to"))
            if word in ("dependsOn", "contains", "hasDynamicLink", "hasStaticLink"):
                depends.setdefault(a, []).extend(to)
            elif word in ("hasConcludedLicense", "hasDeclaredLicense"):
                licences.setdefault(a, []).extend(to)
        elif kind in ("SpdxDocument", "software_Sbom"):
            roots.update(_words(e.get("rootElement")))
        elif kind == "simplelicensing_LicenseExpression":
            expressions[ref] = str(e.get("simplelicensing_licenseExpression") or "")
        elif kind == "CreationInfo" and not version:
            version = str(e.get("specVersion") or "")
    named = {c.ref: tuple(dict.fromkeys(expressions[x] for x in licences.get(c.ref,
                                                                             ()) if x in expressions)) for c in found}
    whole = tuple(msgspec.structs.replace(c, licences=named[c.ref]) for c in found)
    subject = next((c for c in whole if c.ref in roots), None)
    return Document("SPDX", version or "3.0", whole, subject, {k: tuple(v) for k, v in depends.items()}, tuple(odd))


def _spdx3_package(e: Mapping[str, Any], ref: str) -> Component:
    purl = str(e.get("software_packageUrl") or "")
    for i in map(_map, _list(e.get("externalIdentifier"))):
        if not purl and str(i.get("externalIdentifierType")).lower() in ("packageurl", "purl"):
            purl = str(i.get("identifier") or "")
    hashes = {str(h.get("algorithm")).upper(): str(h.get("hashValue")) for h in map(_map, _list(e.get("verifiedUsing")))
              if h.get("hashValue")}  # fmt: skip
    return Component(ref, str(e["name"]), str(e.get("software_packageVersion") or ""), purl,
                     str(e.get("software_primaryPurpose") or "package"), str(e.get("suppliedBy") or ""), (), "",
                     hashes)  # fmt: skip


# SBOMDF


def _sbomdf(said: Mapping[str, Any]) -> Document:
    document, software = _map(said.get("document")) or said, _map(said.get("software"))
    found, odd = [], []
    for i, c in enumerate(map(_map, _list(said.get("components"))), 1):
        if not c.get("componentName"):
            odd.append(f"component {i} has no name")
            continue
        found.append(Component(
            str(c.get("componentId") or ""), str(c["componentName"]), _known(c.get("componentVersion")),
            str(c.get("purl") or ""), "library", _known(_map(c.get("supplier")).get("supplierName")),
            tuple(x for x in _words(c.get("licenseName")) if x != "NOASSERTION"), "",
            _hashes(c.get("integrity"))))  # fmt: skip
    depends: dict[str, list[str]] = {}
    for d in map(_map, _list(said.get("dependencies"))):
        depends.setdefault(str(d.get("identityAId") or ""), []).append(str(d.get("identityBId") or ""))
    subject = Component(str(software.get("softwareId") or ""), str(software["softwareName"]),
                        _known(software.get("softwareVersion")),
                        kind="application") if software.get("softwareName") else None  # fmt: skip
    return Document("SBOMDF", str(document.get("formatVersion") or ""), tuple(found), subject,
                    {k: tuple(v) for k, v in depends.items()}, tuple(odd))  # fmt: skip


def _hashes(value: object) -> dict[str, str]:
    return {str(k): str(v) for k, v in _map(value).items()}


def _known(value: object) -> str:
    return "" if value in (None, "NOASSERTION") else str(value)


def _map(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> Iterable[Any]:
    return value if isinstance(value, (list, Iterator)) else ()


def _words(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,)
    return tuple(v for v in _list(value) if isinstance(v, str))
