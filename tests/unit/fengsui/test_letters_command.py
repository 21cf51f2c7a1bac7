"""``fengsui letters`` and ``fengsui size`` as a person types them."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import insert, select

from fengsui.cli import main
from fengsui.registry.database import open_registry
from fengsui.registry.models import dead_letter

IDS = ["aa" + "0" * 30, "ab" + "0" * 30]


@pytest.fixture
def data(tmp_path):
    registry = open_registry(f"sqlite:///{tmp_path / 'registry.db'}")
    common = {"at": 1_700_000_000_000_000, "reason": "does not decode", "position": 7, "org": "bank", "network": "lan",
              "origin": "", "headers": '{"kind": "flow"}', "sha256": "", "state": "waiting", "actor": "",
              "decided_at": None}  # fmt: skip
    with registry.begin() as db:
        db.execute(insert(dead_letter), [
            common | {"id": IDS[0], "place": "events.flow/0/7", "topic": "events.flow", "raw": b"\x00raw", "size": 4},
            common | {"id": IDS[1], "place": "conn.log", "topic": "", "raw": b"line", "size": 4},
        ])  # fmt: skip
    registry.dispose()
    return tmp_path


def states(data) -> dict[str, str]:
    registry = open_registry(f"sqlite:///{data / 'registry.db'}")
    with registry.connect() as db:
        found = {r.id: r.state for r in db.execute(select(dead_letter))}
    registry.dispose()
    return found


def run(capsys, data, *words: str) -> tuple[int, str, str]:
    code = main(["letters", *words, "--data", str(data), "--lang", "en"])
    said = capsys.readouterr()
    return code, said.out, said.err


def test_those_that_wait_are_listed_and_one_is_shown_with_its_text(capsys, data):
    code, out, _ = run(capsys, data, "list", "--json")
    assert code == 0
    assert {json.loads(line)["id"] for line in out.splitlines()} == set(IDS)
    assert "events.flow/0/7" in run(capsys, data, "list")[1]
    shown = json.loads(run(capsys, data, "show", "aa")[1])
    assert (shown["text"], shown["headers"]) == ("\x00raw", {"kind": "flow"})
    assert shown["at"] == "2023-11-14T22:13:20.000000Z"


def test_the_bytes_come_out_as_they_are(capfdbinary, data):
    assert main(["letters", "show", "aa", "--raw", "--data", str(data)]) == 0
    assert capfdbinary.readouterr().out == b"\x00raw"


def test_all_that_wait_are_decided_and_what_cannot_be_is_said(capsys, data):
    code, _, err = run(capsys, data, "replay", "--all")
    assert code == 1
    assert "conn.log and is no message" in err
    assert states(data) == {IDS[0]: "replaying", IDS[1]: "waiting"}
    assert run(capsys, data, "drop", "ab")[0] == 0
    assert states(data)[IDS[1]] == "dropped"
    assert "no dead letters wait" in run(capsys, data, "list", "--topic", "nothing")[2]


@pytest.mark.parametrize(("words", "said"), [(("show", "a"), "2 dead letters begin with a"), (("drop",), "say which"),
                                             (("show", "ff"), "no dead letter begins with ff")])  # fmt: skip
def test_an_id_that_is_not_one_is_said(capsys, data, words, said):
    code, _, err = run(capsys, data, *words)
    assert code == 3
    assert said in err


def test_a_folder_without_a_platform_is_said(capsys, tmp_path):
    code, _, err = run(capsys, tmp_path / "nothing", "list")
    assert code == 3
    assert "no registry" in err


def test_a_size_is_printed_in_both_languages_and_as_an_object(capsys):
    load = ["size", "--events-per-second", "1000", "--days", "30"]
    assert main([*load, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["events_kept"] == 1000 * 30 * 86_400
    assert main([*load, "--lang", "zh"]) == 0
    assert "存储磁盘" in capsys.readouterr().out
    assert main(["size", "--events-per-second", "0", "--days", "30"]) == 3
