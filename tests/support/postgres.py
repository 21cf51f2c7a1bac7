"""PostgreSQL for tests: one server for a run, in a folder of its own, and a database for each test."""

from __future__ import annotations

import atexit
import contextlib
import os
import pwd
import secrets
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

from tests.support import engines

_server: list[str] = []


def programs() -> Path:
    """The folder of initdb and pg_ctl."""
    beside = shutil.which("pg_ctl")
    found = [Path(beside).resolve().parent] if beside else []
    found += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    for folder in found:
        if (folder / "initdb").exists() and (folder / "pg_ctl").exists():
            return folder
    engines.lack("postgres", "no initdb and pg_ctl found")
    raise AssertionError


def _as_postgres(*words: str) -> None:
    """Run as the user ``postgres``, for the server refuses to be root's; as ourselves if we are nobody special."""
    special = {"user": "postgres", "group": "postgres", "extra_groups": []} if os.geteuid() == 0 else {}
    with tempfile.TemporaryFile() as out:  # not a pipe: the server would keep it open
        ran = subprocess.run(words, stdout=out, stderr=out, stdin=subprocess.DEVNULL, check=False, cwd="/", **special)  # type: ignore[call-overload]
        if ran.returncode:
            out.seek(0)
            raise RuntimeError(f"{words[0]}: {out.read().decode(errors='replace')}")


class Server:
    """``stop`` and ``start`` it; ``kill`` ends it as a power cut would."""

    def __init__(self, *, fsync: bool = False) -> None:
        self._bin = programs()
        self.folder = Path(tempfile.mkdtemp(prefix="fengsui-postgres-"))
        if os.geteuid() == 0:
            who = pwd.getpwnam("postgres")
            os.chown(self.folder, who.pw_uid, who.pw_gid)
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]
        _as_postgres(str(self._bin / "initdb"), "-D", str(self.folder / "data"), "-U", "fengsui", "-A", "trust",
                     "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")  # fmt: skip
        self._options = (f"-c port={self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={self.folder} "
                         f"-c fsync={'on' if fsync else 'off'} -c max_connections=200")  # fmt: skip
        self.start()

    def start(self) -> None:
        _as_postgres(str(self._bin / "pg_ctl"), "-D", str(self.folder / "data"), "-l", str(self.folder / "log"), "-w",
                     "-o", self._options, "start")  # fmt: skip

    def stop(self, mode: str = "fast") -> None:
        _as_postgres(str(self._bin / "pg_ctl"), "-D", str(self.folder / "data"), "-w", "-m", mode, "stop")

    def kill(self) -> None:
        self.stop("immediate")

    def url(self, database: str) -> str:
        return f"postgresql+psycopg://fengsui@127.0.0.1:{self.port}/{database}"

    def close(self) -> None:
        with contextlib.suppress(RuntimeError):  # it was stopped before
            self.stop("immediate")
        shutil.rmtree(self.folder, ignore_errors=True)


def database(*, empty: bool = False) -> str:
    """The address of a fresh database (with today's tables, or ``empty``), on the server that this run shares."""
    import psycopg

    if not _server:
        server = Server()
        atexit.register(server.close)
        _server.append(server.url("postgres"))
    name, like = f"test_{secrets.token_hex(6)}", "template1" if empty else _migrated()
    plain = _server[0].replace("postgresql+psycopg", "postgresql")
    with psycopg.connect(plain, autocommit=True) as db:
        db.execute(f'CREATE DATABASE "{name}" TEMPLATE "{like}" STRATEGY file_copy')
    return _server[0].rsplit("/", 1)[0] + f"/{name}"


def _migrated() -> str:
    """A database with today's tables, to copy."""
    from fengsui.registry.database import open_registry

    if len(_server) == 1:
        url = database(empty=True)
        open_registry(url).dispose()
        _server.append(url.rsplit("/", 1)[1])
    return _server[1]
