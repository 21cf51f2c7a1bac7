"""Foreign rules: what compiles is told and written, what does not is told with its line."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from detectors.batch.yara_import import examine, put
from detectors.batch.yara_rules import YaraSet, read_folder
from fengsui.cli import main

GOOD = b'rule Good { strings: $a = "evil" condition: $a }\nrule Other { condition: false }\n'
FILES = {
    "a/good.yar": GOOD, "twice.yara": b"rule Good { condition: true }",
    "broken.yar": b"rule X {\n condition: nothing\n}",
    "include.yar": b'include "/etc/passwd"\n', "empty.yar": b"// none",
    "latin.yar": b"rule Y { // \xe4\n condition: true }",
    "module.yar": b'import "nowhere"\nrule Z { condition: true }', "readme.txt": b"no rule",
}  # fmt: skip


@pytest.fixture(params=["zip", "folder"])
def source(request, tmp_path: Path) -> Path:
    path = tmp_path / "foreign"
    if request.param == "zip":
        path = tmp_path / "foreign.zip"
        with zipfile.ZipFile(path, "w") as z:
            for name, content in FILES.items():
                z.writestr(name, content)
        return path
    for name, content in FILES.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(content)
    return path


def test_each_file_is_told_and_what_can_be_used_is_written_and_scans(source, tmp_path, capsys):
    mine = tmp_path / "mine"
    mine.mkdir()
    assert main(["rules", "import", str(source), "--rules", str(mine), "--json"]) == 0
    told = {x["file"]: x for x in map(json.loads, capsys.readouterr().out.splitlines())}
    assert sorted(told) == sorted(n for n in FILES if n != "readme.txt")
    assert told["a/good.yar"]["rules"] == ["Good", "Other"]
    assert told["broken.yar"]["line"] == 2
    reasons = {n: x["reason"] for n, x in told.items() if x["reason"]}
    assert sorted(reasons) == ["broken.yar", "empty.yar", "include.yar", "latin.yar", "module.yar", "twice.yara"]
    assert reasons["twice.yara"] == "rule Good is also in a/good.yar"
    assert "include" in reasons["include.yar"]
    rules = YaraSet(read_folder(mine / "yara"))
    assert [m.rule.identifier for m in rules.scan(b"so evil", 5, lambda: 0.0).matches] == ["Good"]


def test_without_a_folder_nothing_is_written_and_nothing_usable_is_a_failure(source, tmp_path, capsys):
    assert main(["rules", "import", str(source)]) == 0
    assert "--rules" in capsys.readouterr().err
    (tmp_path / "bad.yar").write_bytes(b"rule {")
    assert main(["rules", "import", str(tmp_path / "bad.yar")]) == 1
    assert main(["rules", "import"]) == 3
    assert main(["rules", "import", str(tmp_path / "nowhere")]) == 3


def test_a_name_never_leads_out_of_the_folder(tmp_path):
    (found,) = examine([("../../x/..\\y.yar", GOOD)])
    assert put(found, tmp_path / "in").relative_to(tmp_path / "in").parts == ("x", ".._y.yar")
