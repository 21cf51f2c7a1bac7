"""A ClickHouse server for tests: the native protocol on loopback over chDB, in a process of its own.

It knows what clickhouse-driver asks of a server: hello, ping, queries with settings and parameters, blocks both ways
(LZ4), exceptions, end of stream. And it can break: see :class:`Endpoint`.

``python -m tests.support.native FOLDER`` serves and prints its port.
"""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

REVISION = 54459  # the first with parameters: nothing newer is asked of us
HELLO, QUERY, DATA, PING = 0, 1, 2, 4
S_HELLO, S_DATA, S_EXCEPTION, S_PROGRESS, S_PONG, S_END, S_PROFILE = 0, 1, 2, 3, 4, 5, 14


class Endpoint:
    """The server, started and ended by a test. ``break_next`` says what goes wrong with the next insert or query:
    ``drop_before`` and ``drop_after`` cut the connection before it was done and after, ``refuse`` gives an error of a
    code, ``slow`` waits so many seconds first."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._log = (folder / "native.log").open("ab")
        self.start()

    def start(self, port: int = 0) -> None:
        words = [sys.executable, "-m", "tests.support.native", str(self._folder), str(port)]
        self._process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=self._log)
        assert self._process.stdout is not None
        line = self._process.stdout.readline().decode()
        if not line.strip().isdigit():
            raise RuntimeError(f"the endpoint did not start: {(self._folder / 'native.log').read_text()[-2000:]}")
        self.port = int(line)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def url(self) -> str:
        return f"clickhouse://127.0.0.1:{self.port}/default"

    def break_next(self, how: str, value: float = 0) -> None:
        (self._folder / "fault.new").write_text(json.dumps({"how": how, "value": value}))
        (self._folder / "fault.new").rename(self._folder / "fault")

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()

    def close(self) -> None:
        if self._process.poll() is None:
            self.kill()
        self._log.close()


def _fault(folder: Path, only: str) -> tuple[str, float]:
    """The fault that is due, once."""
    path = folder / "fault"
    try:
        said = json.loads(path.read_text())
        if only == "query" and said["how"].startswith("drop"):
            return "", 0
        path.unlink()
    except FileNotFoundError:
        return "", 0
    return said["how"], said["value"]


class _Dropped(Exception):
    pass


class _Connection:
    """One client's. Runs in a thread."""

    def __init__(self, sock: socket.socket, store: Any, folder: Path) -> None:
        from clickhouse_driver.bufferedreader import BufferedSocketReader
        from clickhouse_driver.bufferedwriter import BufferedSocketWriter

        self._sock, self._store, self._folder = sock, store, folder
        self._in = BufferedSocketReader(sock, 1 << 20)
        self._out = BufferedSocketWriter(sock, 1 << 20)
        self._compressed = False

    def serve(self) -> None:
        from clickhouse_driver.varint import read_varint

        try:
            while True:
                kind = read_varint(self._in)
                if kind == HELLO:
                    self._hello()
                elif kind == PING:
                    self._varint(S_PONG)
                    self._out.flush()
                elif kind == QUERY:
                    self._query()
                else:
                    raise RuntimeError(f"packet {kind} from a client")
        except (EOFError, ConnectionError, _Dropped) as e:
            print(f"connection over: {type(e).__name__}", file=sys.stderr)
        finally:
            self._sock.close()

    def _hello(self) -> None:
        r = self._reader
        r.text()
        for _ in range(3):
            r.varint()
        for _ in range(3):
            r.text()
        self._varint(S_HELLO)
        self._text("Fengsui's endpoint over chDB")
        for n in (26, 9, REVISION):
            self._varint(n)
        self._text("UTC")
        self._text("endpoint")
        self._varint(0)
        self._out.flush()
        r.text()  # the addendum: a quota key

    @property
    def _reader(self) -> _Reader:
        return _Reader(self._in)

    def _varint(self, n: int) -> None:
        from clickhouse_driver.varint import write_varint

        write_varint(n, self._out)

    def _text(self, text: str) -> None:
        from clickhouse_driver.writer import write_binary_str

        write_binary_str(text, self._out)

    def _query(self) -> None:
        r = self._reader
        r.text()  # its id
        if r.byte():  # about the client
            for _ in range(3):
                r.text()
            r.raw(8 + 1)
            for _ in range(3):
                r.text()
            for _ in range(3):
                r.varint()
            r.text()
            r.varint()
            r.varint()
            if r.byte():
                r.raw(16 + 8)
                r.text()
                r.raw(1)
            for _ in range(3):
                r.varint()
        settings = r.settings()
        r.text()  # the secret between servers
        r.varint()  # the stage
        self._compressed = bool(r.varint())
        sql = r.text()
        parameters = {k: _unquoted(v) for k, v in r.settings().items()}
        self._block()  # no external tables
        try:
            if sql.startswith("INSERT INTO") and sql.endswith("VALUES"):
                self._take(sql, settings)
            else:
                self._answer(sql, settings, parameters)
        except _Dropped:
            raise
        except Exception as e:  # noqa: BLE001 everything that the engine says is told to the client
            self._exception(str(e))
        self._out.flush()

    def _break(self, only: str) -> str:
        how, value = _fault(self._folder, only)
        if how == "slow":
            time.sleep(value)
        if how == "refuse":
            raise RuntimeError(f"Code: {int(value)}. DB::Exception: refused on purpose. (REFUSED)")
        if how == "drop_before":
            raise _Dropped
        return how

    def _answer(self, sql: str, settings: Mapping[str, str], parameters: Mapping[str, str]) -> None:
        self._break("query")
        reads = re.match(r"\s*(?:--[^\n]*\n\s*)*(SELECT|WITH)\b", sql, re.IGNORECASE)
        if reads:
            how = ", ".join(f"{k} = {v if re.fullmatch(r'[0-9.]+', v) else repr(v)}" for k, v in settings.items())
            sql = f"SELECT * FROM (\n{sql}\n) SETTINGS max_threads = 1{', ' + how if how else ''}"
        result = self._store._connection().query(sql, "Native", params=dict(parameters))
        raw = result.bytes() if reads else b""
        if reads and not raw:  # a server sends the names and types of an empty answer too
            self._send(self._described(sql, parameters), 0)
        for columns, rows in _split(raw):
            self._send(columns, rows)
        self._varint(S_END)

    def _described(self, sql: str, parameters: Mapping[str, str]) -> list[tuple[str, str, bytes]]:
        said = self._store._connection().query(f"DESCRIBE TABLE ({sql})", "JSON", params=dict(parameters))
        return [(c["name"], c["type"], b"") for c in json.loads(said.bytes())["data"]]

    def _take(self, sql: str, settings: Mapping[str, str]) -> None:
        import pyarrow as pa

        table, names = re.match(r"INSERT INTO (\w+) \((.*)\) VALUES", sql).groups()  # type: ignore[union-attr]
        wanted = [n.strip("` ") for n in names.split(",")]
        rows = self._store.query("SELECT name, type FROM system.columns WHERE table = {t:String}", {"t": table})
        types = dict(zip(rows.column(0).to_pylist(), rows.column(1).to_pylist(), strict=True))
        self._send([(n, types[n], b"") for n in wanted], 0)
        self._out.flush()
        arrays = None
        while (block := self._block()) is not None:
            assert arrays is None, "one message, one block"
            arrays = block
            self._profile()
        self._profile()
        how = self._break("insert")
        if arrays is not None:
            values = {k: int(v) if v.isdigit() else v for k, v in settings.items()}
            self._store._insert(table, pa.table(dict(zip(wanted, arrays, strict=True))), values, 0)
        if how == "drop_after":
            raise _Dropped
        self._varint(S_END)

    def _profile(self) -> None:
        """What a server says of its work after each block: nothing here, in a block that is never compressed."""
        from clickhouse_driver.block import BlockInfo

        self._varint(S_PROFILE)
        self._text("")
        BlockInfo().write(self._out)
        self._varint(0)
        self._varint(0)
        self._out.flush()

    def _send(self, columns: list[tuple[str, str, bytes]], rows: int) -> None:
        from clickhouse_driver.block import BlockInfo
        from clickhouse_driver.varint import write_varint
        from clickhouse_driver.writer import write_binary_str, write_binary_uint8

        self._varint(S_DATA)
        self._text("")
        out, end = self._block_out()
        BlockInfo().write(out)
        write_varint(len(columns), out)
        write_varint(rows, out)
        for name, kind, raw in columns:
            write_binary_str(name, out)
            write_binary_str(kind, out)
            write_binary_uint8(0, out)
            out.write(raw)
        end()

    def _block_out(self) -> tuple[Any, Any]:
        if not self._compressed:
            return self._out, self._out.flush
        from clickhouse_driver.compression.lz4 import Compressor
        from clickhouse_driver.streams.compressed import CompressedBlockOutputStream

        stream = CompressedBlockOutputStream(Compressor, 1 << 20, self._out, None)
        return stream.fout, stream.finalize

    def _block(self) -> list[Any] | None:
        """The arrays of a block that the client sends; None for an empty one."""
        from clickhouse_driver.block import BlockInfo
        from clickhouse_driver.streams.compressed import CompressedBlockInputStream

        from fengsui.store.native import decode, parse

        r = self._reader
        assert r.varint() == DATA
        r.text()
        r = _Reader(CompressedBlockInputStream(self._in, None).fin) if self._compressed else r
        BlockInfo().read(r.source)
        n, rows = r.varint(), r.varint()
        arrays = []
        for _ in range(n):
            r.text()
            kind = r.text()
            r.byte()
            arrays.append(decode(parse(kind), rows, r.source))
        return arrays if n and rows else None

    def _exception(self, text: str) -> None:
        found = re.search(r"Code: (\d+)", text)
        self._varint(S_EXCEPTION)
        self._out.write(int(found[1] if found else 1000).to_bytes(4, "little"))
        for t in ("DB::Exception", text, ""):
            self._text(t)
        self._out.write(b"\0")


class _Reader:
    def __init__(self, source: Any) -> None:
        self.source = source

    def varint(self) -> int:
        from clickhouse_driver.varint import read_varint

        return int(read_varint(self.source))

    def text(self) -> str:
        from clickhouse_driver.reader import read_binary_str

        return str(read_binary_str(self.source))

    def byte(self) -> int:
        return int(self.source.read(1)[0])

    def raw(self, n: int) -> bytes:
        return bytes(self.source.read(n))

    def settings(self) -> dict[str, str]:
        out = {}
        while name := self.text():
            self.byte()
            out[name] = self.text()
        return out


def _unquoted(value: str) -> str:
    return re.sub(r"\\(.)", r"\1", value[1:-1])


def _split(raw: bytes) -> Iterator[tuple[list[tuple[str, str, bytes]], int]]:
    """The blocks of an answer in the format Native, cut into columns."""
    from clickhouse_driver.bufferedreader import CompressedBufferedReader

    from fengsui.store.native import decode, parse

    if not raw:
        return
    feed = iter([raw])
    source = CompressedBufferedReader(lambda: next(feed), len(raw))
    r, at = _Reader(source), 0
    while at < len(raw):
        n, rows = r.varint(), r.varint()
        columns = []
        for _ in range(n):
            name, kind = r.text(), r.text()
            start = source.position
            if rows:
                decode(parse(kind), rows, source)
            columns.append((name, kind, raw[start : source.position]))
        at = source.position
        yield columns, rows


def main(folder: Path, port: int) -> None:
    from fengsui.store.chdb import ChdbStore

    store = ChdbStore(folder / "store")
    with socket.create_server(("127.0.0.1", port)) as server:
        print(server.getsockname()[1], flush=True)
        parent = os.getppid()
        server.settimeout(1.0)
        while os.getppid() == parent:
            try:
                sock, _ = server.accept()
            except TimeoutError:
                continue
            sock.settimeout(None)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=_Connection(sock, store, folder).serve, daemon=True).start()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0)
