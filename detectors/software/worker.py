"""Processes that scan: shut in, bounded, killed as a group, replaced after so many files.

The parent hands over an open descriptor and gets facts back; nothing else passes. What a worker does wrong (crash,
hang, too much memory) ends as a limit of that one submission, after a second try.
"""

from __future__ import annotations

import contextlib
import gc
import mmap
import multiprocessing
import os
import resource
import signal
import socket
import struct
import sys
import sysconfig
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict
from hashlib import file_digest
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from detectors.software import sandbox
from detectors.software.budget import MB, Profile
from detectors.software.facts import Facts, Limit

FILES = 500
"""Submissions after which a worker is replaced."""
GRACE = 5.0
"""Seconds over a profile's time before a worker is killed: it ends by itself before that unless it hangs."""
START = 60.0
MEMORY = 6 * 1024 * MB
"""Address space of a worker: with what libraries reserve and the spool mapped. Held memory is far below."""
_SIZE = struct.Struct("!Q")


class Job(msgspec.Struct, frozen=True):
    name: str
    profile: dict[str, Any]
    passwords: tuple[str, ...] = ()


class Started(msgspec.Struct, frozen=True):
    """What a worker says first: layers of its protection that hold, what its self-test found, its analysis."""

    layers: dict[str, bool]
    tests: dict[str, bool]
    analysis: str
    error: str = ""

    @property
    def safe(self) -> bool:
        """Whether what must hold does."""
        return all(self.layers.get(n, False) for n in sandbox.REQUIRED) and all(self.tests.values())


class Ended(Exception):
    """The worker is gone, or was killed for its time (``time``)."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class Scanner:
    """One worker at a time, started when it is needed. Not for several threads at once; take one for each."""

    def __init__(self, rules: Path, files: int = FILES) -> None:
        self._rules, self._files = rules, files
        self._process: Any = None
        self._socket: socket.socket | None = None
        self._done = 0
        self.started: Started | None = None

    def start(self) -> Started:
        """A worker that is ready. Raises Ended if it does not come up."""
        if self._socket is not None and self.started is not None:
            return self.started
        ours, theirs = socket.socketpair()
        context = multiprocessing.get_context("spawn")
        self._process = context.Process(target=_main, args=(theirs, str(self._rules)), name="fengsui-scan", daemon=True)
        self._process.start()
        theirs.close()
        self._socket, self._done = ours, 0
        try:
            self.started = msgspec.json.decode(self._answer(START), type=Started)
            if self.started.error:
                raise Ended(self.started.error)
        except BaseException:
            self.kill()
            raise
        return self.started

    def scan(self, content: BinaryIO, name: str, profile: Profile, passwords: tuple[str, ...] = ()) -> Facts:
        """The facts of an open file. What the worker could not do is in their limits."""
        why = ""
        for _ in range(2):
            try:
                return self._once(content, Job(name, asdict(profile), passwords), profile.seconds)
            except Ended as e:
                why = e.why
                self.kill()
                if why == "time":
                    break
        return _without(content, name, why, self.started)

    def _once(self, content: BinaryIO, job: Job, seconds: float) -> Facts:
        if self._done >= self._files:
            self.close()
        self.start()
        assert self._socket is not None
        body = msgspec.json.encode(job)
        with tempfile.TemporaryFile() as spool:
            self._socket.settimeout(GRACE)
            try:
                socket.send_fds(self._socket, [_SIZE.pack(len(body)) + body], [content.fileno(), spool.fileno()])
            except OSError as e:
                raise Ended("crash") from e
            answer = self._answer(seconds + GRACE)
        self._done += 1
        return msgspec.json.decode(answer, type=Facts)

    def _answer(self, seconds: float) -> bytes:
        end = time.monotonic() + seconds
        head = self._exactly(_SIZE.size, end)
        return self._exactly(_SIZE.unpack(head)[0], end)

    def _exactly(self, n: int, end: float) -> bytes:
        assert self._socket is not None
        out = bytearray()
        while len(out) < n:
            # by poll: select() refuses a descriptor over 1023
            self._socket.settimeout(max(0.001, end - time.monotonic()))
            try:
                part = self._socket.recv(min(n - len(out), MB))
            except TimeoutError as e:
                raise Ended("time") from e
            except OSError as e:
                raise Ended("crash") from e
            if not part:
                raise Ended("crash")
            out += part
        return bytes(out)

    def kill(self) -> None:
        """End the worker and everything in its group, at once."""
        if self._process is not None:
            for end in (os.killpg, os.kill):
                with contextlib.suppress(ProcessLookupError, PermissionError):  # it is gone, or not yet a leader
                    end(self._process.pid, signal.SIGKILL)
            self._process.join()
            self._process.close()
        if self._socket is not None:
            self._socket.close()
        self._process, self._socket = None, None

    def close(self) -> None:
        """No more work: the worker ends."""
        self.kill()


def _without(content: BinaryIO, name: str, why: str, started: Started | None) -> Facts:
    """What can be said without a worker: the hash, and that nothing was looked at."""
    content.seek(0)
    sha256 = file_digest(content, "sha256").hexdigest()  # type: ignore[arg-type]  # it reads into buffers
    size = content.seek(0, os.SEEK_END)
    limit = why if why in ("time", "crash") else "crash"
    analysis = started.analysis if started is not None else ""
    return Facts(sha256, size, "unknown", analysis, limits=(Limit(limit, name, "" if limit == why else why),))


def readable(rules: Path) -> Iterator[Path]:
    """Folders that a worker may read in: Python, its packages, ours, the rules."""
    ours = Path(__file__).parents[2]
    yield from {Path(sys.prefix), Path(sys.base_prefix), *(Path(p) for p in sysconfig.get_paths().values()),
                ours / "detectors", ours / "fengsui", rules}  # fmt: skip


def _main(conversation: socket.socket, rules: str) -> None:
    """The worker. Everything that it will need is loaded before it is shut in."""
    os.setsid()
    sandbox.die_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides
    try:
        from detectors.software.analysis import load

        analysis = load(Path(rules))
        sandbox.limit(MEMORY, 24 * 1024 * MB)
        layers = sandbox.shut(readable(Path(rules)))
        tests = sandbox.self_test(Path("/etc/passwd")) if layers["seccomp"] and layers["landlock"] else {}
        said = Started(layers, tests, analysis.digest)
    except Exception as e:  # noqa: BLE001 told to the parent, who raises it
        _say(conversation, msgspec.json.encode(Started({}, {}, "", f"{type(e).__name__}: {e}")))
        return
    _say(conversation, msgspec.json.encode(said))
    gc.freeze()
    trim = sandbox.trimmer()
    while True:
        got = _hear(conversation)
        if got is None:
            return
        job, content, spool = got
        profile = Profile(**job.profile)
        _cpu(profile.seconds)
        size = os.fstat(content).st_size
        mapped: Any = mmap.mmap(content, 0, prot=mmap.PROT_READ) if size else b""
        facts = analysis.facts(memoryview(mapped), job.name, profile, spool, job.passwords)
        del mapped
        os.close(content)
        os.close(spool)
        _say(conversation, msgspec.json.encode(facts))
        del facts
        gc.collect()
        trim()


def _cpu(seconds: float) -> None:
    """Seconds of processor for this job, on top of what was used: past them the kernel ends the worker."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    soft = int(used.ru_utime + used.ru_stime + seconds * 1.2 + GRACE)
    resource.setrlimit(resource.RLIMIT_CPU, (soft, resource.RLIM_INFINITY))


def _say(conversation: socket.socket, body: bytes) -> None:
    conversation.sendall(_SIZE.pack(len(body)) + body)


def _hear(conversation: socket.socket) -> tuple[Job, int, int] | None:
    data, fds, _, _ = socket.recv_fds(conversation, 1 << 16, 2)
    if not data:
        return None
    (n,) = _SIZE.unpack_from(data)
    body = bytearray(data[_SIZE.size :])
    while len(body) < n:
        part = conversation.recv(n - len(body))
        if not part:
            return None
        body += part
    return msgspec.json.decode(bytes(body), type=Job), fds[0], fds[1]
