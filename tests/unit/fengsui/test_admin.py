from __future__ import annotations

import hashlib
from pathlib import Path

import msgspec

from detectors.software.analysis import load
from detectors.software.budget import PROFILES
from fengsui.cli import main
from fengsui.cli.engines import Engines
from fengsui.config import Settings
from situation import appeals, submissions
from tests.unit.detectors.software.test_unpack import zipped


def test_migrate_makes_everything_and_again_changes_nothing(tmp_path, capsys):
    data = str(tmp_path / "data")
    assert main(["admin", "migrate", "--data", data]) == 0
    first = capsys.readouterr().err
    assert "topics" in first
    assert "version 0005" in first
    assert main(["admin", "migrate", "--data", data]) == 0
    assert capsys.readouterr().err == first
    assert main(["--lang", "zh", "admin", "migrate", "--data", data]) == 0
    assert "注册库" in capsys.readouterr().err


def test_what_was_judged_wrongly_is_judged_again_by_todays_rules(tmp_path, capsys):
    data, analysis = tmp_path / "data", load(Path("rules/yara"))
    data.mkdir()
    engines = Engines(Settings(data=data))
    made = {"harmless": zipped({"a.txt": b"text"}),
            "shell": zipped({"a.php": b"<?php eval(base64_decode($_POST['x'])); ?>"})}
    with engines.registry.begin() as db:
        for n, (name, content) in enumerate(made.items()):
            facts = msgspec.json.encode(analysis.facts(memoryview(content), name, PROFILES["package"]))
            key = hashlib.sha256(facts).hexdigest()
            engines.blobs.within("bank").put(key, facts)
            sha256 = hashlib.sha256(content).hexdigest()
            new = submissions.submit(db, submissions.New("bank", name, len(content), sha256, "package"), "ann", n)
            job = submissions.claim(db, "me", 10, 20)
            assert job is not None
            submissions.finish(db, job, "me", submissions.Outcome(key, "a", "a", "suspicious", 0.5), 11)
            appeals.answer(db, appeals.make(db, new, "it is ours", "ann", 12), appeals.UPHELD, "so it is", "bob", 13)
    engines.close()
    assert main(["admin", "regress", "--data", str(data)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert sorted(x.split()[0] for x in lines) == ["clean", "malicious"]
    assert any("shell" in x for x in lines if x.startswith("malicious"))
