"""A bill of what lies in a folder, list by list; and what is written is read again."""

from __future__ import annotations

import json
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest

from detectors.sbom import make, write
from detectors.sbom.component import Component, Document
from detectors.sbom.read import read
from fengsui.cli import main

LISTS = {
    "venv/lib/thing-1.0.dist-info/METADATA": ("Name: My_Thing\nVersion: 1.0\nLicense-Expression: MIT\n\ntext",
                                              ["pkg:pypi/my-thing@1.0"]),
    "old.egg-info/PKG-INFO": ("Name: old\nVersion: 2\n", ["pkg:pypi/old@2"]),
    "node_modules/@s/x/package.json": ('{"name": "@s/x", "version": "1.2.3", "license": "MIT"}',
                                       ["pkg:npm/%40s/x@1.2.3"]),
    "package-lock.json": (json.dumps({"lockfileVersion": 3, "packages": {"": {"name": "app"},
                                                                         "node_modules/a": {"version": "1"},
                          "node_modules/a/node_modules/@b/c": {"version": "2"}}}), ["pkg:npm/%40b/c@2", "pkg:npm/a@1"]),
    "old/package-lock.json": (json.dumps({"lockfileVersion": 1, "dependencies": {"d": {"version": "1", "dependencies": {
                              "e": {"version": "2"}}}}}), ["pkg:npm/d@1", "pkg:npm/e@2"]),
    "yarn.lock": ('# yarn\n"@s/y@^1.0.0", "@s/y@^1.1":\n  version "1.1.0"\n\nz@^2:\n  version: 2.0.1\n',
                  ["pkg:npm/%40s/y@1.1.0", "pkg:npm/z@2.0.1"]),
    "poetry.lock": ('[[package]]\nname = "P_q"\nversion = "1.5"\n', ["pkg:pypi/p-q@1.5"]),
    "Pipfile.lock": ('{"default": {"r": {"version": "==1.0"}}, "develop": {}}', ["pkg:pypi/r@1.0"]),
    "requirements-dev.txt": ("# x\ns[extra]==1.0 ; python_version > '3'\nt>=2\n-r other.txt\nu === 3.0 "
                             "--hash=sha256:x\n", ["pkg:pypi/s@1.0", "pkg:pypi/u@3.0"]),
    "Cargo.lock": ('[[package]]\nname = "serde"\nversion = "1.0.1"\n', ["pkg:cargo/serde@1.0.1"]),
    "go.mod": ("module x\nrequire (\n\texample.org/a/b v1.2.3 // indirect\n)\nrequire example.org/c v0.1.0\n",
               ["pkg:golang/example.org/a/b@v1.2.3", "pkg:golang/example.org/c@v0.1.0"]),
    "Gemfile.lock": ("GEM\n  specs:\n    rails (7.0.1)\n      rack (~> 2)\n    rack (2.2)\n", ["pkg:gem/rack@2.2",
                                                                                               "pkg:gem/rails@7.0.1"]),
    "composer.lock": ('{"packages": [{"name": "v/p", "version": "v1.0", "license": ["MIT"]}], "packages-dev": []}',
                      ["pkg:composer/v/p@1.0"]),
}  # fmt: skip


def put(folder: Path, name: str, content: str) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)


@pytest.mark.parametrize("name", LISTS)
def test_each_list_gives_its_packages(tmp_path, name):
    content, purls = LISTS[name]
    put(tmp_path, name, content)
    document = make.of(tmp_path)
    assert sorted(c.purl for c in document.components) == purls
    assert document.odd == ()


def test_systems_say_their_release_and_source(tmp_path):
    put(tmp_path, "etc/os-release", 'ID=debian\nVERSION_ID="12"\n')
    put(tmp_path, "var/lib/dpkg/status",
        "Package: libx\nStatus: install ok installed\nVersion: 1.0-1\nArchitecture: amd64\nSource: x (1.0)\n\n"
        "Package: gone\nStatus: deinstall ok config-files\nVersion: 1\n")  # fmt: skip
    (c,) = make.of(tmp_path).components
    assert c.purl == "pkg:deb/debian/libx@1.0-1?arch=amd64&distro=debian-12&upstream=x"
    other = tmp_path / "other"
    put(other, "etc/os-release", "ID=alpine\nVERSION_ID=3.20.3\n")
    put(other, "lib/apk/db/installed", "P:musl\nV:1.2.5-r0\nA:x86_64\no:musl\nL:MIT\n")
    (c,) = make.of(other).components
    assert c.purl == "pkg:apk/alpine/musl@1.2.5-r0?arch=x86_64&distro=alpine-3.20&upstream=musl"


def test_a_java_archive_says_what_is_packed_in_it(tmp_path):
    with zipfile.ZipFile(tmp_path / "app.jar", "w") as z:
        z.writestr("META-INF/maven/g/a/pom.properties", "#x\ngroupId=org.g\nartifactId=a\nversion=1.0\n")
    assert [c.purl for c in make.of(tmp_path).components] == ["pkg:maven/org.g/a@1.0"]
    assert [c.purl for c in make.of(tmp_path / "app.jar").components] == ["pkg:maven/org.g/a@1.0"]


def test_what_cannot_be_read_or_is_not_is_named(tmp_path):
    for name, content in (("package-lock.json", "{"), ("poetry.lock", "= ="), ("a.jar", "no zip"), ("pnpm-lock.yaml",
                                                                                                    "x"),
                          ("sub/package-lock.json", '{"packages": [1]}')):  # fmt: skip
        put(tmp_path, name, content)
    odd = make.of(tmp_path).odd
    assert len(odd) == 5
    assert all(any(o.startswith(f"{n}:") for o in odd) for n in ("package-lock.json", "poetry.lock", "a.jar",
                                                                 "pnpm-lock.yaml"))


def test_what_is_written_is_read_again_and_is_the_same_for_the_same(tmp_path):
    for name, (content, _) in LISTS.items():
        put(tmp_path, name, content)
    document = make.of(tmp_path)
    now = datetime(2026, 11, 27, tzinfo=UTC)
    written = write.cyclonedx(document, now)
    assert written == write.cyclonedx(make.of(tmp_path), now)
    again = read(json.dumps(written).encode())
    assert [(c.name, c.version, c.purl, c.licences) for c in again.components] == [
        (c.name, c.version, c.purl, c.licences) for c in document.components]  # fmt: skip
    assert again.subject.name == tmp_path.name
    assert again.depends["subject"] == tuple(c.ref for c in document.components)


def test_the_command_writes_it_and_says_what_it_could_not_read(tmp_path, capsys):
    put(tmp_path / "in", "go.mod", LISTS["go.mod"][0])
    assert main(["sbom", str(tmp_path / "in"), "--out", str(tmp_path / "bom.json")]) == 0
    assert len(read((tmp_path / "bom.json").read_bytes()).components) == 2
    put(tmp_path / "in", "package-lock.json", "{")
    assert main(["sbom", str(tmp_path / "in")]) == 2
    assert "package-lock.json" in capsys.readouterr().err
    assert main(["sbom", str(tmp_path / "nowhere")]) == 3


@pytest.mark.parametrize("form", write.FORMS)
def test_what_the_forms_share_comes_back_from_each(tmp_path, form):
    whole = Document("x", "1", (
        Component("a", "one", "1.0", "pkg:npm/one@1.0", "library", "Maker", ("MIT",), "", {"SHA-256": "ab"}),
        Component("b", "two", "", "", "library")), Component("s", "app", "2", kind="application"),
        {"s": ("a", "b"), "a": ("b",)})  # fmt: skip
    again = read(json.dumps(write.FORMS[form](whole)).encode())
    mine = [c for c in again.components if c.name != "app"]
    assert [(c.name, c.version, c.purl) for c in mine] == [("one", "1.0", "pkg:npm/one@1.0"), ("two", "", "")]
    assert (mine[0].licences, [*mine[0].hashes.values()]) == (("MIT",), ["ab"])
    assert again.subject.name == "app"
    assert sum(map(len, again.depends.values())) == 3
    assert mine[0].supplier == "Maker"


def test_what_a_document_lacks_is_counted():
    document = Document("x", "1", (Component("a", "one", "1", "pkg:npm/one@1"), Component("b", "two")))
    assert write.lacks(document) == {"supplier": 2, "name": 0, "version": 1, "identifier": 1, "dependencies": 1}


def test_a_bill_is_converted(tmp_path, capsys):
    put(tmp_path, "go.mod", LISTS["go.mod"][0])
    assert main(["sbom", str(tmp_path), "--out", str(tmp_path / "a.json")]) == 0
    assert main(["sbom", str(tmp_path / "a.json"), "--convert", "--form", "sbomdf", "--out",
                 str(tmp_path / "b.json")]) == 0
    assert len(read((tmp_path / "b.json").read_bytes()).components) == 2
    assert main(["sbom", str(tmp_path / "go.mod"), "--convert"]) == 3
