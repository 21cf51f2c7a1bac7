"""Bills of materials in every form, and hostile ones."""

from __future__ import annotations

import json

import pytest

from detectors.sbom import read as module
from detectors.sbom.read import DEEP, read
from fengsui.errors import BadInput

CYCLONEDX = {
    "bomFormat": "CycloneDX", "specVersion": "1.6", "metadata": {"component": {"type": "application", "name": "app",
                                                                               "version": "1"}},
    "components": [
        {"type": "library", "bom-ref": "a", "group": "org", "name": "one", "version": "1.0", "purl": "pkg:npm/one@1.0",
         "supplier": {"name": "Maker"}, "licenses": [{"license": {"id": "MIT"}}, {"expression": "A OR B"}],
         "scope": "optional",
         "hashes": [{"alg": "SHA-256", "content": "ab"}], "components": [{"type": "library", "name": "inner"}]},
        {"type": "library", "version": "2"}],
    "dependencies": [{"ref": "a", "dependsOn": ["b"]}],
}  # fmt: skip
XML = """<?xml version="1.0"?>
<bom xmlns="http://cyclonedx.org/schema/bom/1.4">
<metadata><component type="application"><name>app</name><version>1</version></component></metadata>
<components><component type="library" bom-ref="a"><group>org</group><name>one</name><version>1.0</version>
<hashes><hash alg="SHA-256">ab</hash></hashes>
<licenses><license><id>MIT</id></license><expression>A OR B</expression></licenses>
<purl>pkg:npm/one@1.0</purl>
<components><component type="library"><name>inner</name></component></components></component></components>
<dependencies><dependency ref="a"><dependency ref="b"/></dependency></dependencies></bom>"""
SPDX2 = {
    "spdxVersion": "SPDX-2.3", "documentDescribes": ["R"], "packages": [
        {"SPDXID": "R", "name": "app", "versionInfo": "1"},
        {"SPDXID": "A", "name": "one", "versionInfo": "1.0", "licenseConcluded": "MIT",
         "supplier": "Organization: Maker",
         "externalRefs": [{"referenceType": "purl", "referenceLocator": "pkg:npm/one@1.0"}],
         "checksums": [{"algorithm": "SHA256", "checksumValue": "ab"}]}],
    "relationships": [{"spdxElementId": "R", "relationshipType": "DEPENDS_ON", "relatedSpdxElement": "A"}],
}  # fmt: skip
TAGS = """SPDXVersion: SPDX-2.2
# a remark
PackageName: app
SPDXID: R
PackageVersion: 1
PackageName: one
SPDXID: A
PackageVersion: 1.0
PackageSupplier: Organization: Maker
PackageLicenseConcluded: MIT
PackageChecksum: SHA256: ab
PackageComment: <text>of more
than one line: PackageName: none</text>
ExternalRef: PACKAGE-MANAGER purl pkg:npm/one@1.0
FileName: ./x
SPDXID: F
Relationship: SPDXRef-DOCUMENT DESCRIBES R
Relationship: A DEPENDENCY_OF R
"""
SPDX3 = {"@context": "https://spdx.org/rdf/3.0.1/spdx-context.jsonld", "@graph": [
    {"type": "CreationInfo", "specVersion": "3.0.1"}, {"type": "SpdxDocument", "rootElement": ["R"]},
    {"type": "software_Package", "spdxId": "R", "name": "app", "software_packageVersion": "1"},
    {"type": "software_Package", "spdxId": "A", "name": "one", "software_packageVersion": "1.0",
     "software_packageUrl": "pkg:npm/one@1.0"},
    {"type": "Relationship", "from": "R", "relationshipType": "dependsOn", "to": ["A"]},
    {"type": "Relationship", "from": "A", "relationshipType": "hasConcludedLicense", "to": ["L"]},
    {"type": "simplelicensing_LicenseExpression", "spdxId": "L",
     "simplelicensing_licenseExpression": "MIT"}]}  # fmt: skip
SBOMDF = {"formatName": "SBOMDF", "formatVersion": "1.0", "software": {"softwareId": "R", "softwareName": "应用",
                                                                       "softwareVersion": "1"},
          "components": [{"componentId": "A", "componentName": "one", "componentVersion": "1.0", "licenseName": ["MIT"],
                          "supplier": {"supplierName": "Maker"}}],
          "dependencies": [{"identityAId": "R", "relationship": "dependsOn", "identityBId": "A"}]}  # fmt: skip


def encoded(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


def test_cyclonedx_is_read_with_what_lies_in_what_and_what_was_left_out():
    for document in (read(encoded(CYCLONEDX)), read(XML.encode())):
        one = document.components[0]
        assert (one.ref, one.name, one.version, one.purl, one.kind) == ("a", "org/one", "1.0", "pkg:npm/one@1.0",
                                                                        "library")
        assert (one.licences, one.hashes) == (("MIT", "A OR B"), {"SHA-256": "ab"})
        assert [c.name for c in document.components] == ["org/one", "inner"]
        assert document.subject.name == "app"
        assert document.depends == {"a": ("b",)}
    assert read(encoded(CYCLONEDX)).odd == ("component 3 has no name",)


def test_a_large_document_is_read_the_same(monkeypatch):
    whole = read(encoded(CYCLONEDX))
    monkeypatch.setattr(module, "LARGE", 0)
    assert read(encoded(CYCLONEDX)) == whole
    assert read(encoded(SPDX2)).form == "SPDX"
    with pytest.raises(BadInput):
        read(b'{"bomFormat": "CycloneDX", "components": [{]}')


@pytest.mark.parametrize("content", [encoded(SPDX2), TAGS.encode(), encoded(SPDX3)])
def test_spdx_in_each_form_says_the_same(content):
    document = read(content)
    assert document.form == "SPDX"
    assert [(c.ref, c.name, c.version) for c in document.components] == [("R", "app", "1"), ("A", "one", "1.0")]
    assert document.components[1].purl == "pkg:npm/one@1.0"
    assert document.components[1].licences == ("MIT",)
    assert document.subject.name == "app"
    assert document.depends["R"] == ("A",)


def test_spdx_in_yaml_and_the_form_of_the_national_standard():
    yaml = "spdxVersion: SPDX-2.3\npackages:\n- {SPDXID: A, name: one, versionInfo: '1.0'}\n"
    assert [c.name for c in read(yaml.encode()).components] == ["one"]
    document = read(encoded(SBOMDF))
    assert (document.form, document.subject.name, document.components[0].supplier) == ("SBOMDF", "应用", "Maker")
    assert document.depends == {"R": ("A",)}


HOSTILE = {
    "nothing": b"", "noise": bytes(range(256)) * 10, "another form": b'{"a": 1}', "a list": b"[]",
    "cut": encoded(CYCLONEDX)[:80],
    "deep JSON": b'{"bomFormat":"CycloneDX","components":' + b"[" * 200_000, "another XML": b"<project/>",
    "entities": b'<?xml version="1.0"?><!DOCTYPE bom [<!ENTITY a "x"><!ENTITY b "&a;&a;">]><bom xmlns="http://cyclonedx.org/schema/bom/1.4"/>',
    "a file of the machine": b'<!DOCTYPE bom SYSTEM "file:///etc/passwd"><bom xmlns="http://cyclonedx.org/schema/bom/1.4"/>',
    "in two bytes": '<?xml version="1.0"?><!DOCTYPE bom [<!ENTITY a "x">]><bom/>'.encode("utf-16"),
    "yaml that refers to itself": b"a: &a [x]\n" + b"".join(b"b%d: *a\n" % i for i in range(11_000)),
    "text without an end": b"SPDXVersion: SPDX-2.3\nPackageName: a\nPackageComment: <text>never",
    "no text": b"SPDXVersion: \xff\xfe",
}  # fmt: skip


@pytest.mark.parametrize("what", HOSTILE)
def test_what_is_hostile_or_none_is_refused_with_its_name(what):
    with pytest.raises(BadInput, match=r"^x\.json"):
        read(HOSTILE[what], "x.json")


def test_components_within_components_are_bounded():
    inner: dict = {"type": "library", "name": "x"}
    for _ in range(DEEP + 2):
        inner = {"type": "library", "name": "x", "components": [inner]}
    with pytest.raises(BadInput, match="deep"):
        read(encoded({"bomFormat": "CycloneDX", "specVersion": "1.5", "components": [inner]}))


@pytest.mark.parametrize("value", [None, 1, "x", [], {}, [None], [1], [{"name": 1}], {"name": "a"}])
def test_any_field_may_be_of_any_kind(value):
    """The rest of the document is read all the same."""
    for base, form in ((CYCLONEDX, "CycloneDX"), (SPDX2, "SPDX"), (SBOMDF, "SBOMDF")):
        whole = [c.name for c in read(encoded(base)).components]
        for key in base:
            if key in ("bomFormat", "spdxVersion", "formatName"):
                continue
            document = read(encoded(base | {key: value}))
            assert document.form == form
            if key not in ("components", "packages", "metadata"):
                assert [c.name for c in document.components] == whole


def test_a_cycle_of_dependencies_is_only_read():
    cycle = CYCLONEDX | {"dependencies": [{"ref": "a", "dependsOn": ["b"]}, {"ref": "b", "dependsOn": ["a"]}]}
    assert read(encoded(cycle)).depends == {"a": ("b",), "b": ("a",)}
