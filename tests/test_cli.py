"""The command line as a person meets it: exit codes, and messages that name file, offset, line or key.

Each start of a process costs seconds, so what can be said of one run is said of one run; ``main`` is called in this
process where nothing of a process matters.
"""

from __future__ import annotations

import fcntl
import json
import os
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from fengsui.cli import main
from tests.unit.collectors.network.craft import ACK, FIN, PSH, SYN, Talk, ether, ip, pcap, udp

ROOT = Path(__file__).parent.parent
HEAVY = ("numba", "chdb", "pyarrow", "sqlalchemy", "scapy", "yara", "sigma", "rich", "numpy")


def fengsui(*words: str | Path, **changes: object) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "LANG": "C.UTF-8", "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "error"}
    for name in [n for n in environment if n.startswith("FENGSUI_")]:
        del environment[name]
    given = {"text": True, "env": environment, "timeout": 300, "capture_output": True, "cwd": ROOT} | changes
    return subprocess.run([sys.executable, "-m", "fengsui", *map(str, words)], check=False, **given)


@pytest.fixture
def call(capfd, monkeypatch):
    """Run a command in this process: (exit code, stdout, stderr)."""
    monkeypatch.setenv("LANG", "C.UTF-8")

    def run(*words: str | Path) -> tuple[int, str, str]:
        try:
            code = main([*map(str, words)])
        except SystemExit as e:
            code = int(e.code or 0)
        out, err = capfd.readouterr()
        assert "Traceback" not in err
        return code, out, err

    return run


def web(at: float = 1_700_000_000.0, path: str = "/", port: int = 40_000) -> list[tuple[float, bytes]]:
    request = f"GET {path} HTTP/1.1\r\nHost: a.example\r\n\r\n".encode()
    t = Talk(sport=port, at=at)
    t.c(SYN).s(SYN | ACK).c(ACK).c(PSH | ACK, request).s(PSH | ACK, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    return t.c(ACK).c(FIN | ACK).s(FIN | ACK).c(ACK).packets


FIELDS = ("#fields", "ts", "uid", "id.orig_h", "id.orig_p", "id.resp_h", "id.resp_p", "proto", "conn_state")
CONN = "#separator \\x09\n#path\tconn\n" + "\t".join(FIELDS) + "\n"


def conn(n: int, ts: str = "1700006400.5") -> str:
    return f"{ts}\tC{n}\t192.0.2.1\t{5000 + n}\t192.0.2.53\t53\tudp\tSF\n"


@pytest.fixture
def good(tmp_path: Path) -> Path:
    path = tmp_path / "good.pcap"
    path.write_bytes(pcap(web()))
    return path


def test_help_is_in_both_languages_and_loads_nothing_heavy():
    code = ("import sys; from fengsui.cli import main\n"
            "for lang in ('en', 'zh'):\n"
            "    for words in ([], ['analyze'], ['decode'], ['rules'], ['demo']):\n"
            "        try: main(['--lang', lang, *words, '--help'])\n"
            "        except SystemExit as e: assert e.code == 0\n"
            f"print('LOADED', [m for m in {HEAVY!r} if m in sys.modules])")  # fmt: skip
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True,
                         env={**os.environ, "PYTHONUTF8": "1"})  # fmt: skip
    assert "LOADED []" in run.stdout
    assert "Exit codes" in run.stdout
    assert "退出码" in run.stdout
    assert "--again" in run.stdout


def test_input_that_is_broken_is_named_with_its_place_and_the_rest_is_kept(call, tmp_path, good):
    cut, none, link, text, empty = (tmp_path / f"{n}.pcap" for n in ("cut", "none", "link", "text", "empty"))
    whole = pcap([*web(port=41_000), *web(1_700_000_100.0, port=41_001)])
    cut.write_bytes(whole[:-10])
    lengths = bytearray(whole)
    lengths[24 + 8 : 24 + 16] = b"\xff" * 8  # the first packet says that it has 4 GB
    none.write_bytes(bytes(lengths))
    link.write_bytes(pcap(web(), link=147))
    text.write_text("this is no capture\n")
    empty.write_bytes(b"")
    code, out, err = call("decode", good, cut, none, link, text, empty)
    faults = [line for line in err.splitlines() if "could not be read" in line]
    assert code == 2
    assert [n for n in (cut, none, link, text, empty) if sum(n.name in f for f in faults) != 1] == []
    by_name = {n.stem: next(f for f in faults if n.name in f) for n in (cut, none, link, text, empty)}
    assert f"at {len(whole) - 16 - 54}" in by_name["cut"]  # the last packet
    assert "at 24" in by_name["none"]
    assert "147" in by_name["link"]
    assert "not a capture" in by_name["text"]
    assert "empty" in by_name["empty"]
    kinds = [json.loads(line)["kind"] for line in out.splitlines()]
    assert kinds.count("http") == 3  # one of the good capture, two before the cut
    assert kinds.count("flow") >= 3


def test_decode_prints_only_the_kind_asked_for_and_refuses_an_unknown_one(call, good):
    code, out, _ = call("decode", "--kind", "http", good)
    assert (code, [json.loads(line)["kind"] for line in out.splitlines()]) == (0, ["http"])
    code, _, err = call("decode", "--kind", "htpp", good)
    assert code == 3
    assert "htpp" in err
    assert "http" in err


def test_what_is_not_there_or_no_input_is_a_usage_error_that_names_it(call, tmp_path, good):
    (tmp_path / "hollow").mkdir()
    (tmp_path / "hollow" / "notes.txt").write_text("nothing\n")
    (tmp_path / "notes.txt").write_text("nothing\n")
    for path in (tmp_path / "nowhere.pcap", tmp_path / "hollow", tmp_path / "notes.txt"):
        code, out, err = call("decode", good, path)
        assert (code, out) == (3, "")
        assert str(path) in err


def test_bad_lines_of_a_log_are_named_with_their_place_and_the_others_are_read(call, tmp_path):
    path = tmp_path / "conn.log"
    odd = [conn(3 + i, ts) for i, ts in enumerate(("99999999999999999.0", "-1", "nan", "1e300"))]
    path.write_text(CONN + conn(1) + "bad\n" + conn(2) + "".join(odd))
    code, out, err = call("decode", path)
    assert code == 2
    assert f"{path} at 5: " in err  # its line
    rows = [json.loads(line) for line in out.splitlines()]
    assert {"192.0.2.1"} == {r["src_ip"] for r in rows}
    assert len(rows) >= 2


def test_usage_errors_end_with_3_and_name_what_is_wrong(call, tmp_path, good):
    settings = tmp_path / "fengsui.toml"
    settings.write_text("bus_byts = 5\n")
    code, _, err = call("analyze", "--config", settings, good)
    assert code == 3
    assert f"{settings}: unknown setting 'bus_byts'" in err
    assert "bus_bytes" in err
    assert call("analyze")[0] == 3
    assert call("analyse", good)[0] == 3
    assert call("analyze", "--rules", tmp_path / "none", good)[0] == 3


def test_an_unknown_key_of_a_rule_is_named_with_its_file_and_line(call, tmp_path, good):
    rule = tmp_path / "rules" / "hunts" / "scan_vertical.yaml"
    shutil.copytree(ROOT / "rules", tmp_path / "rules")
    text = rule.read_text(encoding="utf-8")
    rule.write_text(text.replace("hours: 3", "hours: 3\nhuors: 4", 1), encoding="utf-8")
    at = rule.read_text(encoding="utf-8").splitlines().index("huors: 4") + 1
    where = ("--rules", tmp_path / "rules")
    for words in (("analyze", *where, good), ("rules", "test", *where)):
        code, _, err = call(*words)
        assert code == 3
        assert f"{rule}:{at}: unknown key 'huors'" in err


def test_a_folder_in_use_by_another_process_is_refused_by_name(call, tmp_path, good):
    store = tmp_path / "data" / "store"
    store.mkdir(parents=True)
    with (store / "in-use").open("w+") as f:
        f.write("4711")
        f.flush()
        fcntl.flock(f, fcntl.LOCK_EX)
        code, _, err = call("analyze", "--data", tmp_path / "data", good)
    assert code == 3
    assert "in use by process 4711" in err
    assert str(store) in err


def test_a_capture_analysed_twice_is_answered_already_read_and_again_reads_it_anew(call, tmp_path):
    path, data = tmp_path / "scan.pcap", tmp_path / "data"
    path.write_bytes((ROOT / "tests" / "scenarios" / "port_scan" / "input.pcap").read_bytes())
    code, first, err = call("analyze", "--json", "--data", data, path)
    assert code == 0
    assert "already read" not in err
    code, second, err = call("analyze", "--json", "--data", data, path)
    assert code == 0
    assert f"{path}: already read on 20" in err
    assert "300 rows" in err
    code, third, err = call("analyze", "--json", "--data", data, "--again", path)
    assert code == 0
    assert "already read" not in err
    assert first == second == third
    assert [(a["rule"], a["count"]) for a in map(json.loads, first.splitlines())] == [("scan_vertical", 300)]


def test_a_table_of_alerts_shows_names_of_attackers_as_escapes(call, tmp_path):
    code, out, err = call("--lang", "zh", "analyze", ROOT / "tests" / "scenarios" / "made_sample")
    assert code == 0
    assert "测试" in out or "样本" in out
    assert "1 条告警" in err


def test_a_reader_that_goes_away_ends_decode_in_peace(tmp_path):
    path = tmp_path / "many.pcap"
    packets = [(1_700_000_000.0 + i / 1000, ether(ip("10.0.0.1", "192.0.2.7", 17, udp(1000 + i, 53, b"x" * 9))))
               for i in range(9000)]  # fmt: skip
    path.write_bytes(pcap(packets))
    words = ["bash", "-o", "pipefail", "-c", '"$0" -m fengsui decode "$1" | head -n 1', sys.executable, str(path)]
    run = subprocess.run(words, capture_output=True, text=True, cwd=ROOT, check=False)
    assert (run.returncode, run.stderr) == (0, "")
    assert json.loads(run.stdout)["kind"] == "flow"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_output_that_cannot_be_written_is_an_error_in_words(good):
    with Path("/dev/full").open("w") as full:
        run = fengsui("decode", good, capture_output=False, stdout=full, stderr=subprocess.PIPE)
    assert run.returncode == 1
    assert run.stderr.strip().splitlines() == ["fengsui: No space left on device"]


def test_a_disk_that_takes_no_more_is_an_error_in_words_and_the_folder_can_be_used_again(call, tmp_path, good):
    def little() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))

    run = fengsui("analyze", "--data", tmp_path / "data", good, preexec_fn=little)
    assert run.returncode == 1
    assert "Traceback" not in run.stderr
    assert run.stderr.strip()
    code, _, err = call("analyze", "--data", tmp_path / "data", good)
    assert code == 0
    assert "events" in err
