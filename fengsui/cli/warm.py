"""``fengsui warm``: compile once what is compiled, so that later starts are fast."""

from __future__ import annotations

import argparse
import multiprocessing
import tempfile
import time
from datetime import date
from pathlib import Path

from fengsui.batch import Identity
from fengsui.cli.console import say
from fengsui.cli.text import text

_ENDS = '"uid":"C1","id.orig_h":"10.0.0.1","id.orig_p":50000,"id.resp_h":"192.0.2.1","id.resp_p":443'
_JSON = {
    "conn": f'{{"ts":1700000000.1,{_ENDS},"proto":"tcp","duration":1.5,"orig_bytes":10,"conn_state":"SF"}}',
    "dns": f'{{"ts":1700000000.1,{_ENDS},"proto":"udp","query":"a.example","answers":["192.0.2.1"],"TTLs":[1.0]}}',
    "http": f'{{"ts":1700000000.1,{_ENDS},"method":"GET","host":"a.example","uri":"/","status_code":200}}',
    "ssl": f'{{"ts":1700000000.1,{_ENDS},"version":"TLSv13","server_name":"a.example","established":true}}',
}


def run(args: argparse.Namespace) -> int:
    """Decode a little of everything: what numba compiles is then in its cache on disk. Logs and captures at once."""
    from collectors.network.warm import warm

    say(text("warming", args.lang))
    began = time.monotonic()
    logs = multiprocessing.get_context("spawn").Process(target=_logs)
    logs.start()
    warm()
    logs.join()
    say(text("warmed", args.lang, seconds=time.monotonic() - began))
    return 1 if logs.exitcode else 0


def _logs() -> None:
    from collectors.made.province import make_province
    from collectors.network.zeek import find_logs, read_log

    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        make_province(folder / "tsv", day=date(2024, 1, 1), organisations=1, scale=0.05)
        (folder / "json").mkdir()
        for name, line in _JSON.items():
            (folder / "json" / f"{name}.log").write_text(line + "\n", encoding="utf-8")
        for log in find_logs(folder):
            for _ in read_log(log.path, Identity(origin="warm")):
                pass
