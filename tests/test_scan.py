"""``fengsui scan`` as it is typed."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ARCHIVES = Path("../shared/data/archives")


def other(*words: object, data: Path | None = None) -> subprocess.CompletedProcess[str]:
    environment = os.environ | ({"FENGSUI_DATA": str(data)} if data else {})
    command = [sys.executable, "-m", "fengsui.cli", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, env=environment)


def fengsui(*words: object, code: int | None = None, data: Path | None = None) -> subprocess.CompletedProcess[str]:
    done = other("scan", *words, data=data)
    assert code is None or done.returncode == code, done.stdout + done.stderr
    return done


def zipped(path: Path, members: dict[str, bytes]) -> Path:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as z:
        for name, content in members.items():
            z.writestr(name, content)
    path.write_bytes(out.getvalue())
    return path


SHELL = b"<?php @eval(base64_decode($_POST['cmd'])); ?>"


def test_a_clean_file_ends_with_0_and_a_web_shell_with_1(tmp_path):
    zipped(tmp_path / "clean.zip", {"readme.txt": b"hello"})
    assert "clean" in fengsui(tmp_path / "clean.zip", code=0).stdout
    zipped(tmp_path / "site.zip", {"shell.php": SHELL})
    told = fengsui(tmp_path, code=1).stdout
    assert "site.zip!/shell.php:1" in told
    assert told.index("clean.zip") < told.index("site.zip")


def test_what_could_not_be_looked_at_ends_with_2_and_beside_something_bad_with_1(tmp_path):
    bomb = {"zeros": bytes(60 << 20)}
    zipped(tmp_path / "bomb.zip", bomb)
    assert "ratio" in fengsui(tmp_path / "bomb.zip", code=2).stdout
    zipped(tmp_path / "both.zip", {**bomb, "shell.php": SHELL})
    (line,) = fengsui(tmp_path / "both.zip", "--json", code=1).stdout.splitlines()
    answer = json.loads(line)
    assert answer["verdict"] in ("suspicious", "malicious")
    assert [x["limit"] for x in answer["limits"]] == ["ratio"]


def test_a_line_of_json_has_what_programs_need(tmp_path):
    zipped(tmp_path / "site.zip", {"shell.php": SHELL})
    (line,) = fengsui(tmp_path / "site.zip", "--json", code=1).stdout.splitlines()
    answer = json.loads(line)
    assert {"verdict", "probability", "reasons", "limits", "sha256", "seconds"} <= set(answer)
    score = answer["base"] + sum(r["share"] for r in answer["reasons"])
    assert (score > 0) == (answer["probability"] > 0.5)
    assert answer["reasons"][0]["file"] == "site.zip!/shell.php"


def test_sarif_names_rule_file_and_line(tmp_path):
    (tmp_path / "shell.php").write_bytes(b"<?php\n" + SHELL)
    log = json.loads(fengsui(tmp_path / "shell.php", "--sarif", code=1).stdout)
    (run,) = log["runs"]
    result = run["results"][0]
    assert result["ruleId"] in {r["id"] for r in run["tool"]["driver"]["rules"]}
    assert result["locations"][0]["physicalLocation"]["region"]["startLine"] in (1, 2)


def test_it_speaks_chinese(tmp_path):
    (tmp_path / "shell.php").write_bytes(SHELL)
    told = fengsui("--lang", "zh", tmp_path / "shell.php", code=1).stdout
    assert "可疑" in told or "恶意" in told


def test_a_file_that_is_not_there_is_usage(tmp_path):
    assert "no such file" in fengsui(tmp_path / "none", code=3).stderr
    assert fengsui(tmp_path, code=3).stderr


@pytest.mark.parametrize("words", [("--jobs", "-1"), ("--jobs", "0"), ("--seconds", "0"), ("--seconds", "nan")])
def test_a_number_that_means_nothing_is_usage(tmp_path, words):
    (tmp_path / "a").write_bytes(b"x")
    assert words[0] in fengsui(tmp_path / "a", *words, code=3).stderr


VERDICTS = {"accept": {"clean"}, "reject_entry": {"suspicious"}, "limit": {"incomplete"}, "error": {"incomplete"},
            "error_or_flag": {"incomplete", "suspicious"}, "flag": {"clean", "suspicious", "incomplete"}}  # fmt: skip


@pytest.mark.skipif(not ARCHIVES.is_dir(), reason="the archives of the data folder are not here")
def test_hostile_archives_get_the_verdicts_that_are_expected_of_them():
    expected = json.loads((ARCHIVES / "expected.json").read_text())
    told = fengsui(*(ARCHIVES / n for n in expected), "--json", code=1).stdout
    answers = [json.loads(x) for x in told.splitlines()]
    assert len(answers) == len(expected) > 20
    for (name, want), got in zip(expected.items(), answers, strict=True):
        assert got["sha256"] == want["sha256"]
        assert got["verdict"] in VERDICTS[want["expected"]], (name, got)
        marked = bool(got["reasons"] or got["limits"])
        assert marked == (want["expected"] != "accept"), (name, got)


def test_a_report_is_written_and_can_be_checked_elsewhere(tmp_path):
    zipped(tmp_path / "site.zip", {"shell.php": SHELL})
    data = tmp_path / "data"
    fengsui(tmp_path / "site.zip", "--report", tmp_path / "out", code=1, data=data)
    (report,) = (tmp_path / "out").iterdir()
    key = other("report", "key", "--data", data).stdout.strip()
    assert other("report", "verify", report, "--key", key).returncode == 0
    assert other("report", "verify", report, "--key", "A" * 43 + "=").returncode == 1
    content = bytearray(report.read_bytes())
    content[len(content) // 2] ^= 1
    report.write_bytes(content)
    assert other("report", "verify", report).returncode == 1
    assert other("report", "verify").returncode == 3


def test_the_release_before_is_compared(tmp_path):
    before = zipped(tmp_path / "p-1.tgz.zip", {"package/package.json": json.dumps({"name": "p"}).encode()})
    after = zipped(tmp_path / "p-2.zip", {"package/package.json": json.dumps(
        {"name": "p", "scripts": {"postinstall": "node x"}}).encode()})  # fmt: skip
    (line,) = fengsui(after, "--previous", before, "--json").stdout.splitlines()
    assert "since.hook" in {r["rule"] for r in json.loads(line)["reasons"]}
    assert fengsui(tmp_path, "--previous", before).returncode == 3
