"""The role that scans what was handed in: takes one job at a time by lease, and gives facts and a verdict back."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
from sqlalchemy import Engine

from detectors.catalogue import software_context
from detectors.software import packages, rows, telling
from detectors.software.budget import PROFILES
from detectors.software.facts import Facts, Limit
from detectors.software.model import FILE as MODEL
from detectors.software.verdict import verdict
from detectors.software.worker import GRACE, Ended, Scanner, Started
from fengsui import wire
from fengsui.batch import Batch, stamp
from fengsui.blobs import Blobs
from fengsui.bus.protocol import Bus, Commit, Session
from fengsui.bus.topics import FINDINGS
from fengsui.errors import Fenced, Retry
from fengsui.finding import HOUR_US, Finding, withdraw
from fengsui.registry.database import reading
from fengsui.wire import Deletion
from situation import submissions
from situation.submissions import Job, Outcome

log = logging.getLogger("fengsui.scan")

PASSING = frozenset({"crash", "time", "memory", "slow"})
"""Limits of facts that another try, or a calmer machine, may not have: such facts are not kept for the next."""
OUTDATED, OUTDATED_REST = 100, 10.0
"""Submissions that are put in line at once to be judged anew, and seconds between two looks for them."""
MARGIN = 60.0
"""Seconds of a lease on top of what two tries may take."""


class ScanRole:
    """A stepper. ``rules``: the folder of rules; ``seat`` names this process among its like: what it had taken
    when it died it takes again at once. Its thread starts the worker, and the worker ends with that thread."""

    name = "scan"

    def __init__(self, registry: Engine, blobs: Blobs, bus: Bus, rules: Path, seat: str,
                 clock: Callable[[], float], known_bad: Sequence[Path] = ()) -> None:  # fmt: skip
        self._registry, self._blobs, self._bus, self._clock = registry, blobs, bus, clock
        self._seat = f"scan/{seat}"
        self._session: Session | None = None
        self._scanner, self._context = Scanner(rules / "yara"), software_context(rules, known_bad)
        self.started: Started | None = None
        self.judgement = judgement(rules, known_bad)
        self.began, self._looked = self._us(), 0.0

    def step(self, now: float) -> bool:
        with reading(self._registry).connect() as db:
            if not submissions.waits(db, self._seat, self._us()):
                return self._anew(now)
        self._start()
        with self._registry.begin() as db:
            longest = max(p.seconds for p in PROFILES.values())
            job = submissions.claim(db, self._seat, self._us(), self._us() + round(_lease(longest) * 1e6))
        if job is None:
            return False
        try:
            outcome = self._outcome(job) if job.state != submissions.DELETED else self._forget(job)
        except BaseException as e:
            with self._registry.begin() as db:
                submissions.release(db, job, self._seat, counts=not isinstance(e, Retry))
            raise
        with self._registry.begin() as db:
            if not submissions.finish(db, job, self._seat, outcome, self._us()):
                log.info("submission %s was deleted or done by another meanwhile", job.submission)
        return True

    def _anew(self, now: float) -> bool:
        """Nothing waits: put in line what was judged by other rules or another model before this process began. What
        was judged later was judged by a newer version, perhaps, and stays."""
        if now - self._looked < OUTDATED_REST:
            return False
        self._looked = now
        self._start()
        with reading(self._registry).connect() as db:
            if not submissions.any_outdated(db, self._analysis(), self.began):
                return False
        with self._registry.begin() as db:
            return submissions.outdated(db, self._analysis(), self.began, OUTDATED) > 0

    def _analysis(self) -> str:
        """What finds facts, and what judges them."""
        assert self.started is not None
        return f"{self.started.analysis}+{self.judgement}"

    def _us(self) -> int:
        return int(self._clock() * 1_000_000)

    def _start(self) -> None:
        try:
            first, self.started = self.started is None, self._scanner.start()
        except Ended as e:
            raise Retry(f"the scan worker does not start: {e.why}") from e
        if first and not self.started.safe:
            lacks = [n for n, holds in {**self.started.layers, **self.started.tests}.items() if not holds]
            log.warning("the scan worker is less shut in than it should be: %s", ", ".join(lacks))

    def _outcome(self, job: Job) -> Outcome:
        assert self.started is not None
        mine = self._blobs.within(job.org)
        with reading(self._registry).connect() as db:
            known = submissions.known_facts(db, job, self.started.analysis)
        found = mine.get(known) if known else None
        if found is not None:
            return self._judged(job, msgspec.json.decode(found, type=Facts), known)
        facts = self._facts(job, mine)
        body = msgspec.json.encode(facts)
        name = hashlib.sha256(body).hexdigest()
        mine.put(name, body)
        return self._judged(job, facts, name)

    def _facts(self, job: Job, mine: Blobs) -> Facts:
        assert self.started is not None
        opened = mine.open(job.sha256)
        if opened is None:
            return Facts(job.sha256, 0, "unknown", self.started.analysis, limits=(Limit("missing", job.name),))
        with opened as f:
            if job.tries > submissions.TRIES:  # it took the process with it each time
                size = f.seek(0, 2)
                return Facts(job.sha256, size, "unknown", self.started.analysis, limits=(Limit("crash", job.name),))
            return self._scanner.scan(f, job.name, PROFILES[job.profile], job.passwords)

    def _judged(self, job: Job, facts: Facts, name: str) -> Outcome:
        package = packages.of(facts)
        with reading(self._registry).connect() as db:
            earlier = submissions.previous(db, job.submission, package)
        before = self._blobs.within(job.org).get(earlier) if earlier else None
        previous = None if before is None else msgspec.json.decode(before, type=Facts)
        v = verdict(facts, replace(self._context, previous=previous))
        at = self._us()
        found = telling.findings(job.submission, job.org, job.name, facts, v, at)
        batches = rows.rows(rows.Submitted(job.submission, job.org, job.name, self._analysis()), facts, v, at)
        self._say(job, found, self._analysis(), batches)
        passing = {x.name for x in facts.limits} & PASSING
        keep = not passing and not job.passwords
        return Outcome(name, facts.analysis, self._analysis(), v.word, v.probability, keep=keep, package=package)

    def _forget(self, job: Job) -> Outcome:
        """A deleted submission: what was said of it to the queue is taken back."""
        gone = withdraw(telling.DETECTOR, job.org, telling.NETWORK, telling.origin(job.submission))
        self._say(job, [gone], "deleted")
        return Outcome("", "", "", "", None)

    def _say(self, job: Job, findings: list[Finding], what: str, batches: Sequence[Batch] = ()) -> None:
        """To the queue and the store, once for each job: a mark in the same commit says that it was said. What was told
        of the submission before is deleted."""
        if self._session is None:
            self._session = self._bus.source(self._seat)
        key = f"{job.submission}/{job.created_at}/{what}"
        try:
            if self._session.mark(key) is None:
                outputs = wire.finding_outputs(findings, self._bus.partitions[FINDINGS])
                before = self._session.mark(hours := f"{job.submission}/hours")
                for kind in rows.KINDS if before is not None else ():
                    gone = Deletion(job.org, telling.NETWORK, telling.origin(job.submission),
                                    tuple(msgspec.json.decode(before or b"[]", type=list[int])))  # fmt: skip
                    outputs.append(wire.deletion_output(kind, job.org, gone))
                for batch in batches:
                    outputs += wire.event_outputs(stamp(batch, self._us()), job.org)
                mine = sorted({at - at % HOUR_US for b in batches for at
                               in b.column("ts").cast(pa.int64()).to_pylist()})
                marks: dict[str, bytes | None] = {key: b"1", hours: msgspec.json.encode(mine) if mine else None}
                self._session.commit(Commit(outputs, marks=marks))
        except Fenced as e:
            self._session.close()
            self._session = None
            raise Retry(str(e)) from e

    def close(self) -> None:
        self._scanner.close()
        if self._session is not None:
            self._session.close()
            self._session = None

    def state(self) -> dict[str, Any]:
        """Layers of the worker's protection and what its self-test found; empty before the first job."""
        return {} if self.started is None else {"layers": self.started.layers, "tests": self.started.tests}


def judgement(rules: Path, known_bad: Sequence[Path] = ()) -> str:
    """Names what turns facts into a verdict: the model, the names that everybody knows, the hashes that are bad."""
    h = hashlib.sha256(MODEL.read_bytes())
    for path in (*sorted((rules / "names").glob("*.txt")), *known_bad):
        h.update(path.read_bytes())
    return h.hexdigest()[:8]


def _lease(seconds: float) -> float:
    return 2 * (seconds + GRACE) + MARGIN
