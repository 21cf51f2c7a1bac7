"""The worker as it runs: shut in, killed, replaced."""

from __future__ import annotations

import gzip
import io
import os
import signal
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import pytest

from detectors.software.budget import MB, PROFILES
from detectors.software.worker import Scanner
from tests.unit.detectors.software.test_unpack import zipped

RULES = Path("rules/yara").resolve()
PACKAGE = PROFILES["package"]


@pytest.fixture
def scanner():
    s = Scanner(RULES)
    yield s
    s.close()


def opened(content: bytes):
    f = tempfile.TemporaryFile()  # noqa: SIM115 closed by who asked for it
    f.write(content)
    f.flush()
    return f


def scan(scanner: Scanner, content: bytes, name: str = "x", profile=PACKAGE):
    with opened(content) as f:
        return scanner.scan(f, name, profile)


@pytest.mark.skipif(sys.platform != "linux", reason="layers of Linux")
def test_from_inside_nothing_can_be_opened_written_sent_forked_run_or_signalled(scanner):
    started = scanner.start()
    assert started.layers["seccomp"]
    assert started.layers["landlock"]
    assert started.tests
    assert all(started.tests.values()), started.tests
    assert started.safe


def test_a_worker_scans_one_file_after_the_other_and_says_what_the_parent_would(scanner):
    from detectors.software.analysis import load

    content = zipped({"a.php": b"<?php eval(base64_decode($_POST['x'])); ?>", "b": b"text"})
    here = load(RULES).facts(memoryview(content), "x", PACKAGE)
    for _ in range(3):
        there = scan(scanner, content)
        assert replace_seconds(there) == replace_seconds(here)
    assert [f.path for f in here.files] == ["x", "x!/a.php", "x!/b"]


def replace_seconds(facts):
    import msgspec

    return msgspec.structs.replace(facts, seconds=0.0)


def test_a_worker_that_is_killed_is_replaced_and_the_file_is_scanned(scanner):
    scanner.start()
    pid = scanner._process.pid
    os.kill(pid, signal.SIGKILL)
    facts = scan(scanner, b"hello")
    assert (facts.limits, facts.size) == ((), 5)
    assert scanner._process.pid != pid


def test_a_worker_that_crashes_on_a_file_twice_leaves_a_limit_and_serves_the_next(scanner, monkeypatch):
    scanner.start()
    real = Scanner._once

    def crash(self, *arguments):
        self.start()
        if not crash.off:
            os.kill(self._process.pid, signal.SIGKILL)
            self._process.join()
        return real(self, *arguments)

    crash.off = False
    monkeypatch.setattr(Scanner, "_once", crash)
    facts = scan(scanner, b"hello")
    assert [x.name for x in facts.limits] == ["crash"]
    assert (facts.size, len(facts.sha256)) == (5, 64)
    crash.off = True
    assert scan(scanner, b"hello").limits == ()


def test_a_worker_that_hangs_is_killed_at_its_time_with_its_group(scanner, monkeypatch):
    monkeypatch.setattr("detectors.software.worker.GRACE", 0.5)
    scanner.start()
    pid = scanner._process.pid
    os.kill(pid, signal.SIGSTOP)
    began = time.monotonic()
    facts = scan(scanner, b"hello", profile=replace(PACKAGE, seconds=0.5))
    assert [x.name for x in facts.limits] == ["time"]
    assert time.monotonic() - began < 10
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    monkeypatch.setattr("detectors.software.worker.GRACE", 5.0)
    assert scan(scanner, b"hello").limits == ()


def test_a_worker_is_replaced_after_so_many_files():
    s = Scanner(RULES, files=2)
    pids = []
    for _ in range(5):
        scan(s, b"hello")
        pids.append(s._process.pid)
    s.close()
    assert len(set(pids)) == 3


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_memory_is_flat_over_bombs(scanner):
    bomb = zipped({f"z{i}": bytes(40 * MB) for i in range(4)})
    scan(scanner, b"hello")
    assert scan(scanner, bomb).limits
    before = resident(scanner)
    for _ in range(4):
        assert scan(scanner, bomb).limits
    assert resident(scanner) < min(before + 64, 500)


def resident(scanner: Scanner) -> float:
    pages = int(Path(f"/proc/{scanner._process.pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGESIZE") / MB


def test_memory_that_runs_out_is_a_limit_of_that_file():
    from detectors.software.analysis import Analysis, load

    class Full(Analysis):
        def _of(self, node, budget):
            raise MemoryError

    loaded = load(RULES)
    facts = Full(loaded._rules).facts(memoryview(b"hello"), "x", PACKAGE)
    assert [x.name for x in facts.limits] == ["memory"]


def test_what_a_rule_finds_in_a_nested_file_names_the_file_and_where(scanner):
    inner = io.BytesIO()
    with gzip.GzipFile(fileobj=inner, mode="wb") as z:
        z.write(zipped({"shell.php": b"<?php\n\n@eval(base64_decode($_POST['cmd'])); ?>"}))
    found = [e for e in scan(scanner, inner.getvalue(), "x.zip.gz").evidence if e.rule.startswith("yara.")]
    assert found, "a web shell must be found wherever it lies"
    assert found[0].path == "x.zip.gz!/x.zip!/shell.php"
    assert found[0].line > 0


def test_a_worker_is_heard_though_its_descriptor_is_a_high_one(scanner):
    content = zipped({"a": b"text"})
    many = [os.open(os.devnull, os.O_RDONLY) for _ in range(1100)]
    try:
        assert scan(scanner, content).members == 1
    finally:
        for fd in many:
            os.close(fd)
