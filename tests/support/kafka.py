"""Apache Kafka for tests: fetched once by the Maven client into a cache, started on loopback in a folder of its own."""

from __future__ import annotations

import atexit
import fcntl
import os
import shutil
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support import engines

VERSION = "4.1.0"
READY = 60.0
_POM = f"""<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>engines</groupId><artifactId>kafka</artifactId><version>1</version><dependencies>
<dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>{VERSION}</version></dependency>
<dependency><groupId>org.slf4j</groupId><artifactId>slf4j-simple</artifactId><version>1.7.36</version></dependency>
</dependencies></project>
"""


def libraries() -> Path:
    """The folder of Kafka's jars, fetched if need be; two processes that start at once fetch once."""
    folder = engines.cache() / f"kafka-{VERSION}"
    folder.mkdir(parents=True, exist_ok=True)
    done = folder / "complete"
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            for program in ("java", "mvn"):
                if shutil.which(program) is None:
                    engines.lack("kafka", f"{program} is not on the path")
            (folder / "pom.xml").write_text(_POM)
            words = ["mvn", "-q", "-B", "dependency:copy-dependencies", "-DoutputDirectory=libs"]
            ran = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
            if ran.returncode:
                engines.lack("kafka", f"its jars could not be had: {(ran.stdout + ran.stderr)[-300:]}")
            done.touch()
    return folder / "libs"


class Broker:
    """One node (broker and controller) of a cluster. ``stop`` and ``kill`` end it, ``start`` starts it again."""

    def __init__(self, folder: Path, node: int, ports: list[tuple[int, int]], cluster: str) -> None:
        self.folder, self.node, self.port = folder / str(node), node, ports[node - 1][0]
        self.folder.mkdir(parents=True)
        self._classes = f"{libraries()}/*"
        self._process: subprocess.Popen[bytes] | None = None
        replicas, enough = min(3, len(ports)), 1 if len(ports) < 3 else 2
        voters = ",".join(f"{i}@127.0.0.1:{c}" for i, (_, c) in enumerate(ports, 1))
        self._settings = self.folder / "server.properties"
        self._settings.write_text("\n".join([
            "process.roles=broker,controller", f"node.id={node}", f"controller.quorum.voters={voters}",
            f"listeners=PLAINTEXT://127.0.0.1:{self.port},CONTROLLER://127.0.0.1:{ports[node - 1][1]}",
            "controller.listener.names=CONTROLLER", f"log.dirs={self.folder / 'log'}",
            f"offsets.topic.replication.factor={replicas}", "offsets.topic.num.partitions=4",
            f"transaction.state.log.replication.factor={replicas}", "transaction.state.log.num.partitions=4",
            f"transaction.state.log.min.isr={enough}", "group.initial.rebalance.delay.ms=0",
            "group.min.session.timeout.ms=1000", "auto.create.topics.enable=false",
            "log.cleaner.dedupe.buffer.size=4194304",
            "controlled.shutdown.enable=true", "transaction.partition.verification.enable=true",
        ]))  # fmt: skip
        self._java("kafka.tools.StorageTool", "format", "-t", cluster, "-c", str(self._settings))

    def _java(self, *words: str) -> None:
        ran = subprocess.run(["java", "-cp", self._classes, *words], capture_output=True, text=True, check=False)
        if ran.returncode:
            raise RuntimeError(ran.stdout + ran.stderr)

    def start(self) -> None:
        """Returns when it answers."""
        with (self.folder / "out").open("ab") as out:
            words = ["java", "-Xmx512m", "-Xms128m", "-XX:+UseSerialGC", "-cp", self._classes, "kafka.Kafka"]
            self._process = subprocess.Popen(engines.tied([*words, str(self._settings)]), stdout=out, stderr=out)

    def wait(self) -> None:
        end = time.monotonic() + READY
        while time.monotonic() < end:
            with socket.socket() as s:
                if s.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            if self._process is None or self._process.poll() is not None:
                break
            time.sleep(0.1)
        raise RuntimeError(f"the broker did not start: {(self.folder / 'out').read_text()[-2000:]}")

    def state(self) -> str:
        code = None if self._process is None else self._process.poll()
        return "runs" if self._process is not None and code is None else f"ended with {code}"

    def kill(self) -> None:
        """As a power cut would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def stop(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(20)
            except subprocess.TimeoutExpired:
                self.kill()


def _ports(n: int) -> list[tuple[int, int]]:
    sockets = [socket.socket() for _ in range(2 * n)]
    for s in sockets:
        s.bind(("127.0.0.1", 0))
    numbers = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return list(zip(numbers[::2], numbers[1::2], strict=True))


@contextmanager
def cluster(brokers: int = 1) -> Iterator[list[Broker]]:
    """So many brokers, ready."""
    folder = Path(tempfile.mkdtemp(prefix="fengsui-kafka-"))
    ports, name = _ports(brokers), _uuid()
    nodes: list[Broker] = []
    try:
        nodes += [Broker(folder, i, ports, name) for i in range(1, brokers + 1)]
        for node in nodes:
            node.start()
        for node in nodes:
            node.wait()
        yield nodes
    finally:
        for node in nodes:
            node.kill()
        shutil.rmtree(folder, ignore_errors=True)


def _uuid() -> str:
    import base64

    name = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
    return _uuid() if name.startswith("-") else name  # its own tool takes that for an option


_shared: list[str] = []


def bootstrap() -> str:
    """``host:port`` of the broker that this run's tests share, or of the one named by FENGSUI_KAFKA_BOOTSTRAP."""
    given = os.environ.get("FENGSUI_KAFKA_BOOTSTRAP", "")
    if given:
        return given
    if not _shared:
        libraries()
        context = cluster()
        nodes = context.__enter__()
        atexit.register(context.__exit__, None, None, None)
        _shared.append(f"127.0.0.1:{nodes[0].port}")
    return _shared[0]
