from __future__ import annotations

from fengsui.cli import main


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
