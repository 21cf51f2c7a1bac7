"""From a bill of materials and advisories to what is affected, and why."""

from __future__ import annotations

import json
import re
import zipfile
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from detectors.advisories import vex, wording
from detectors.advisories.match import Known, age_days, match, place, read_epss, read_folder, read_kev
from detectors.advisories.osv import Book, answer, parse, read
from detectors.advisories.policy import read as read_policy
from detectors.advisories.policy import ruling
from detectors.advisories.severity import severity
from detectors.sbom.component import Component, read_purl
from fengsui.cli import main
from fengsui.errors import BadInput, BadSetting


def advisory(identity: str = "X-1", ecosystem: str = "PyPI", name: str = "thing", events: list[dict] | None = None,
             versions: list[str] | None = None, kind: str = "ECOSYSTEM", **more: object) -> dict:  # fmt: skip
    affected = {"package": {"ecosystem": ecosystem, "name": name}}
    if events is not None:
        affected["ranges"] = [{"type": kind, "events": events}]
    if versions is not None:
        affected["versions"] = versions
    return {"id": identity, "modified": "2026-11-20T00:00:00Z", "affected": [affected]} | more


def ask(said: dict, version: str, ecosystem: str = "PyPI", name: str = "thing"):
    found = Book([parse(json.dumps(said).encode())]).ask(ecosystem, name, version)
    return found[0][1] if found else None


EVENTS = [{"introduced": "1.0"}, {"fixed": "1.4"}, {"introduced": "2.0"}, {"last_affected": "2.2"}]


@pytest.mark.parametrize(("version", "status", "reason"), [
    ("0.9", "not_affected", "it is in no range"), ("1.0", "affected", "introduced in 1.0"), ("1.0.0", "affected",
                                                                                             "introduced in 1.0"),
    ("1.3.9", "affected", "introduced in 1.0"), ("1.4", "not_affected", "fixed in 1.4"), ("1.4rc1", "affected",
                                                                                          "introduced in 1.0"),
    ("1.9", "not_affected", "fixed in 1.4"), ("2.2", "affected", "introduced in 2.0"),
    ("2.2.1", "not_affected", "last affected was 2.2"),
])  # fmt: skip
def test_the_last_event_before_a_version_decides(version, status, reason):
    said = ask(advisory(events=EVENTS), version)
    assert (said.status, wording.reason(said.why, said.of, "en")) == (status, reason)


def test_what_fixes_it_is_said_from_here_on():
    assert ask(advisory(events=EVENTS), "1.1").fixed == ("1.4",)
    both = [{"introduced": "0"}, {"fixed": "1.4"}, {"introduced": "2.0"}, {"fixed": "2.3"}]
    assert ask(advisory(events=both), "2.1").fixed == ("2.3",)


def test_a_listed_version_is_affected_also_where_it_is_written_otherwise():
    said = advisory(versions=["1.0", "1.1a1"])
    assert (ask(said, "1.0").why, ask(said, "1.0").of) == ("listed", "1.0")
    assert (ask(said, "1.0.0").why, ask(said, "1.0.0").of) == ("listed_same", "1.0")
    assert ask(said, "1.1-alpha-1").status == "affected"
    assert ask(said, "1.2").status == "not_affected"


def test_a_version_without_an_order_is_told_as_such_and_still_found_by_its_name():
    said = advisory(ecosystem="Debian:12", events=[{"introduced": "0"}, {"fixed": "2.0-1"}], versions=["odd:1"])
    assert ask(said, "x:9", "Debian:12").status == "unordered"
    assert ask(said, "odd:1", "Debian:12").status == "affected"


def test_a_limit_bounds_a_range():
    said = advisory(events=[{"introduced": "1.0"}, {"limit": "2.0"}])
    assert ask(said, "1.5").status == "affected"
    assert ask(said, "2.0").status == "not_affected"


def test_names_are_compared_as_their_ecosystem_does():
    said = advisory(name="My_Thing", events=[{"introduced": "0"}])
    assert ask(said, "1", name="my.thing").status == "affected"
    assert ask(advisory(ecosystem="npm", name="Thing", events=[{"introduced": "0"}]), "1", "npm", "thing") is None


def test_a_withdrawn_advisory_says_nothing():
    assert ask(advisory(events=[{"introduced": "0"}], withdrawn="2026-01-01T00:00:00Z"), "1") is None


@pytest.mark.parametrize("raw", [b"", b"[]", b"{}", b'{"id": 1}', b"\xff", b"[" * 100_000])
def test_what_is_no_advisory_is_refused(raw):
    with pytest.raises(BadInput):
        parse(raw)


@pytest.mark.parametrize("affected", [None, 1, [None], [{}], [{"package": 1}], [{"package": {"ecosystem": "PyPI",
                                                                                             "name": "a"},
                         "ranges": [1, {"type": "ECOSYSTEM", "events": [1, {}, {"fixed": None}]}],
                         "versions": 3}]])  # fmt: skip
def test_an_advisory_with_nonsense_in_it_is_read_as_far_as_it_goes(affected):
    found = parse(json.dumps({"id": "X", "affected": affected}).encode())
    assert all(answer(p, "1").status in ("not_affected", "unordered", "affected") for p in found.packages)


def component(purl: str, name: str = "c", version: str = "") -> Component:
    return Component("r", name, version, purl)


def book(*advisories: dict) -> Book:
    return Book([parse(json.dumps(a).encode()) for a in advisories])


def test_every_component_with_a_purl_has_its_answer():
    b = book(advisory(events=[{"introduced": "0"}, {"fixed": "2"}], aliases=["CVE-1"]),
             advisory("G-1", "Go", "example.org/a/b", [{"introduced": "0"}, {"fixed": "1.2.0"}], kind="SEMVER"),
             advisory("M-1", "Maven", "org.x:y", [{"introduced": "1.0"}, {"fixed": "1.0.1"}]),
             advisory("D-1", "Debian:12", "src", [{"introduced": "0"}, {"fixed": "1.0-2"}]))  # fmt: skip
    found = {m.component.purl: m for m in match([
        component("pkg:pypi/thing@1.0"), component("pkg:golang/example.org/a/b@v1.1.9"),
        component("pkg:maven/org.x/y@1.0"),
        component("pkg:deb/debian/lib@1.0-1?distro=debian-12&upstream=src"), component("pkg:deb/debian/src@1.0-1"),
        component("pkg:npm/x@1"), component("not-a-purl"), component("pkg:pypi/thing"), component("")],
        b, Known(frozenset({"CVE-1"}), {"CVE-1": 0.9}))}  # fmt: skip
    status = {p: m.status for p, m in found.items()}
    assert status == {
        "pkg:pypi/thing@1.0": "affected", "pkg:golang/example.org/a/b@v1.1.9": "affected",
        "pkg:maven/org.x/y@1.0": "affected",
        "pkg:deb/debian/lib@1.0-1?distro=debian-12&upstream=src": "affected", "pkg:deb/debian/src@1.0-1": "not_covered",
        "pkg:npm/x@1": "not_covered", "not-a-purl": "not_covered", "pkg:pypi/thing": "not_covered",
    }  # fmt: skip
    line = found["pkg:pypi/thing@1.0"].line()
    assert (line["kev"], line["epss"], line["fixed"], line["aliases"]) == (True, 0.9, ["2"], ["CVE-1"])


def test_a_package_url_is_taken_apart():
    p = read_purl("pkg:npm/%40scope/name@1.2.3%2Bx?arch=x86&a=b%20c#sub/dir")
    assert (p.type, p.namespace, p.name, p.version, p.qualifiers, p.subpath) == (
        "npm", "@scope", "name", "1.2.3+x", {"arch": "x86", "a": "b c"}, "sub/dir")  # fmt: skip
    assert read_purl("pkg:golang/github.com/a/b@v1").namespace == "github.com/a"
    assert read_purl("pkg:pypi/x").version == ""
    for text in ("", "pkg:", "pkg:pypi", "pkg:pypi/", "x:pypi/a", "pkg:pypi/@"):
        assert read_purl(text) is None or read_purl(text).name
    assert place(read_purl("pkg:apk/alpine/x@1?distro=alpine-3.20"), {"Alpine:v3.20"}) == (["Alpine:v3.20"], "x")


def test_vex_suppresses_what_it_names_and_nothing_else():
    b = book(advisory(events=[{"introduced": "0"}], aliases=["CVE-1"]))
    open_vex = {"statements": [{"vulnerability": {"name": "CVE-1"}, "status": "not_affected",
                                "justification": "code_not_reachable",
                                "products": [{"@id": "pkg:pypi/thing@1.0"}]}]}  # fmt: skip
    cyclonedx = {"bomFormat": "CycloneDX", "specVersion": "1.5", "vulnerabilities": [
        {"id": "CVE-1", "analysis": {"state": "not_affected"}, "affects": [{"ref": "pkg:pypi/thing@1.0"},
                                                                           {"ref": "nobody"}]}]}  # fmt: skip
    csaf = {"document": {"category": "csaf_vex"}, "product_tree": {"branches": [{"branches": [{"product": {
        "product_id": "P", "product_identification_helper": {"purl": "pkg:pypi/thing@1.0"}}}]}],
        "relationships": [{"product_reference": "P", "full_product_name": {"product_id": "W"}}]},
        "vulnerabilities": [{"cve": "CVE-1", "product_status": {"known_not_affected": ["W", "nobody"]},
                             "flags": [{"label": "component_not_present", "product_ids": ["W"]}]}]}  # fmt: skip
    for said in (open_vex, cyclonedx, csaf):
        known = Known(vex=vex.read(json.dumps(said).encode()))
        one, other = match([component("pkg:pypi/thing@1.0"), component("pkg:pypi/thing@1.1")], b, known)
        assert (one.status, other.status) == ("suppressed", "affected")
        assert "VEX: " in one.reason("zh")
        assert "not_affected" in one.reason("zh")
    affected = json.loads(json.dumps(open_vex).replace("not_affected", "under_investigation"))
    assert vex.read(json.dumps(affected).encode()) == {}
    with pytest.raises(BadInput):
        vex.read(b"{}")


def test_catalogues_beside_the_advisories_are_told(tmp_path: Path):
    exploited = {"vulnerabilities": [{"cveID": "CVE-1"}]}
    (tmp_path / "known_exploited_vulnerabilities.json").write_text(json.dumps(exploited))
    (tmp_path / "epss.csv").write_text("#model_version:v4\ncve,epss,percentile\nCVE-1,0.5,0.9\n")
    (tmp_path / "o.json").write_text(json.dumps(advisory(events=[])))
    paths, known = read_folder(sorted(tmp_path.iterdir()))
    assert [p.name for p in paths] == ["o.json"]
    assert (known.kev, known.epss) == (frozenset({"CVE-1"}), {"CVE-1": 0.5})
    for wrong in (read_kev, read_epss):
        with pytest.raises(BadInput):
            wrong(b"{}\n,")


def test_how_old_the_newest_is_is_told_of_each_ecosystem():
    b = book(advisory(events=[]), advisory("Y", "npm", modified="2026-11-26T00:00:00+00:00", events=[]), {"id": "X"})
    now = datetime(2026, 11, 27, tzinfo=UTC)
    assert (age_days(b, "PyPI", now), age_days(b, "npm", now), age_days(b, "Go", now)) == (7.0, 1.0, None)


def test_every_reason_and_word_is_said_in_both_languages():
    for known in (wording.REASONS, wording.STATUSES, wording.GATES, wording.SEVERITIES, wording.ELEMENTS):
        assert known
        for english, chinese in known.values():
            assert english != chinese
            assert re.findall(r"{\w+}", english) == re.findall(r"{\w+}", chinese)


@pytest.fixture
def files(tmp_path: Path):
    fresh = datetime.now(UTC).isoformat()
    with zipfile.ZipFile(tmp_path / "PyPI.zip", "w") as z:
        z.writestr("X-1.json", json.dumps(advisory(events=[{"introduced": "0"}, {"fixed": "2"}]) | {"modified": fresh}))
    bom = {"bomFormat": "CycloneDX", "specVersion": "1.5", "components": [
        {"type": "library", "name": "thing", "version": "1.0", "purl": "pkg:pypi/thing@1.0"},
        {"type": "library", "name": "other", "version": "1.0", "purl": "pkg:npm/other@1.0"}]}  # fmt: skip
    (tmp_path / "bom.json").write_text(json.dumps(bom))
    return tmp_path


def test_the_command_prints_a_line_a_match_and_ends_with_what_it_found(files, capsys):
    assert main(["match", str(files / "bom.json"), "--advisories", str(files / "PyPI.zip"), "--json"]) == 1
    lines = [json.loads(x) for x in capsys.readouterr().out.splitlines()]
    assert [(x["purl"], x["status"], x["advisory"]) for x in lines] == [
        ("pkg:pypi/thing@1.0", "affected", "X-1"), ("pkg:npm/other@1.0", "not_covered", None)]  # fmt: skip
    assert {"aliases", "reason", "severity", "kev", "epss", "fixed"} <= set(lines[0])


def test_an_old_source_beside_a_fresh_one_is_told_where_it_was_asked(files, capsys):
    old = files / "npm.json"
    old.write_text(json.dumps(advisory("N-1", "npm", "other", [{"introduced": "9"}], modified="2020-01-01T00:00:00Z")))
    sources = ["--advisories", str(files / "PyPI.zip"), str(old)]
    assert main(["match", str(files / "bom.json"), *sources]) == 2
    assert "npm" in capsys.readouterr().err
    bom = json.loads((files / "bom.json").read_text())
    (files / "only.json").write_text(json.dumps(bom | {"components": bom["components"][:1]}))
    assert main(["match", str(files / "only.json"), *sources]) == 1  # of what was asked nothing is old


def test_no_advisories_old_ones_and_broken_documents_are_errors_of_their_own(files, capsys):
    sbom, old = str(files / "bom.json"), files / "old.json"
    (files / "empty").mkdir()
    assert main(["match", sbom, "--advisories", str(files / "empty")]) == 2
    old.write_text(json.dumps(advisory(events=[{"introduced": "0"},
                                               {"fixed": "2"}]) | {"modified": "2020-01-01T00:00:00Z"}))
    assert main(["match", sbom, "--advisories", str(old)]) == 2
    assert main(["match", sbom, "--advisories", str(old), "--allow-stale"]) == 1
    assert main(["match", str(files / "nowhere.json"), "--advisories", str(old)]) == 3
    (files / "broken.json").write_text("{")
    assert main(["match", str(files / "broken.json"), "--advisories", str(old)]) == 3
    assert "broken.json" in capsys.readouterr().err


def test_advisories_are_read_from_zips_folders_and_files(files):
    assert [a.id for a in read(files / "PyPI.zip")] == ["X-1"]
    (files / "one.json").write_text(json.dumps(advisory("Y-1", events=[])))
    assert [a.id for a in read(files / "one.json")] == ["Y-1"]
    (files / "folder").mkdir()
    (files / "folder" / "z.json").write_text("[]")
    with pytest.raises(BadInput, match=r"z\.json"):
        list(read(files / "folder"))


@pytest.mark.parametrize(("said", "word", "score"), [
    (["CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"], "critical", 9.8),
    (["CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H",
      "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:L/VI:N/VA:N/SC:N/SI:N/SA:N"], "medium", 6.9),
    (["AV:N/AC:L/Au:N/C:P/I:P/A:P"], "high", 7.5), (["MODERATE"], "medium", None), (["CVSS:3.1/nonsense", "HIGH"],
                                                                                    "high", None),
    ([], None, None), (["whatever"], None, None), (["CVSS:9.9/A:B"], None, None),
])  # fmt: skip
def test_how_severe_it_is_comes_of_its_vector_or_its_word(said, word, score):
    assert severity(said) == (word, score)


POLICY = """
rules:
  - {name: exploited, when: {kev: true}, gate: fail, days: 3}
  - {name: severe, when: {severity: high, fixed: true}, gate: fail, days: 14}
  - {name: likely, when: {epss: 0.5}, gate: warn}
accept:
  - {id: CVE-9, purl: "pkg:pypi/thing@1.0", until: 2026-12-31, reason: not reachable, owner: ann}
"""
TODAY = date(2026, 11, 27)


@pytest.mark.parametrize(("word", "fixed", "kev", "epss", "alias", "gate", "rule"), [
    ("LOW", False, True, None, "CVE-1", "fail", "exploited"), ("HIGH", True, False, None, "CVE-1", "fail", "severe"),
    ("CRITICAL", False, False, None, "CVE-1", "pass", ""), ("LOW", True, False, 0.6, "CVE-1", "warn", "likely"),
    ("LOW", True, False, 0.4, "CVE-1", "pass", ""), ("CRITICAL", True, True, 0.9, "CVE-9", "pass", "accepted by ann"),
])  # fmt: skip
def test_the_first_rule_that_applies_counts(tmp_path, word, fixed, kev, epss, alias, gate, rule):
    (tmp_path / "p.yaml").write_text(POLICY)
    events = [{"introduced": "0"}, *([{"fixed": "2"}] if fixed else [])]
    b = book(advisory(events=events, aliases=[alias], database_specific={"severity": word}))
    known = Known(frozenset({alias} if kev else ()), {} if epss is None else {alias: epss})
    (m,) = match([component("pkg:pypi/thing@1.0")], b, known)
    policy = read_policy(tmp_path / "p.yaml")
    said = ruling(m, policy, TODAY)
    assert (said.gate, said.rule[: len(rule)]) == (gate, rule)
    if alias == "CVE-9":
        assert ruling(m, policy, date(2027, 1, 1)).gate == "fail"


@pytest.mark.parametrize("text", ["rules: 1", "rules: [{gate: fail}]", "rules: [{name: a, when: {severty: high}}]",
                                  "x: 1", "[",
                                  "accept: [{id: a, until: 2026-12-31, reason: b}]"])  # fmt: skip
def test_a_policy_that_is_none_is_refused_with_its_file(tmp_path, text):
    (tmp_path / "p.yaml").write_text(text)
    with pytest.raises(BadSetting, match=r"p\.yaml"):
        read_policy(tmp_path / "p.yaml")


def test_the_command_goes_by_the_policy_and_tells_only_what_is_new(files, capsys):
    sbom, zipped = str(files / "bom.json"), str(files / "PyPI.zip")
    (files / "p.yaml").write_text("rules: [{name: told, gate: warn, days: 30}]")
    assert main(["match", sbom, "--advisories", zipped, "--policy", str(files / "p.yaml"), "--json"]) == 0
    first = json.loads(capsys.readouterr().out.splitlines()[0])
    assert (first["gate"], first["rule"], first["days"]) == ("warn", "told", 30)
    new = json.loads((files / "bom.json").read_text())
    new["components"][0] |= {"version": "1.5", "purl": "pkg:pypi/thing@1.5"}
    (files / "new.json").write_text(json.dumps(new))
    assert main(["match", str(files / "new.json"), "--advisories", zipped, "--since", sbom, "--json"]) == 0
    assert [json.loads(x)["status"] for x in capsys.readouterr().out.splitlines()] == ["not_covered"]
    assert main(["match", str(files / "new.json"), "--advisories", zipped]) == 1
    assert "FAIL  affected" in capsys.readouterr().out
    assert main(["--lang", "zh", "match", str(files / "new.json"), "--advisories", zipped]) == 1
    told = capsys.readouterr()
    assert "阻断  受影响" in told.out
    assert "自 0 引入" in told.out
    assert "未覆盖 1" in told.err
