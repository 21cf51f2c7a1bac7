"""Packets per second of the whole decode (flows, DNS, HTTP, TLS, files) beside NFStream and Scapy, on one core each.

    python -m evals.bench_network [--packets N] [--json] [--profile] [--memory]

``--memory``: peak memory with 1 and with 10 million packets. With the usual setting the table of flows has not filled
after 1 million (10 s of packet time, when UDP flows live 60 s); with a small one it has, so that growth would show.

A mixed capture is made in a temporary folder; each program runs in a process of its own, pinned to one core. ``rate``
counts from opening the capture to the last result, on the clock and by processor time (to be
trusted more where others work on the machine); ``whole`` also counts starting the process and loading libraries.
"""

from __future__ import annotations

import argparse
import cProfile
import io
import json
import os
import pstats
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

from evals.traffic import blocks

CORE = 0
SCAPY_PACKETS = 20_000
ROOT = Path(__file__).resolve().parent.parent


SETTINGS = (512_000_000, 64_000_000)  # DecodeSettings.memory: usual and small
LENGTHS = (1_000_000, 10_000_000)


def fengsui(path: Path, setting: int = SETTINGS[0]) -> dict[str, Any]:
    from collectors.network.decode import DecodeSettings, decode_capture
    from collectors.network.warm import warm
    from fengsui.batch import Identity

    warm()  # loads compiled code, as importing the others loads theirs
    kinds: Counter[str] = Counter()
    before = _peak()
    began, spent = time.perf_counter(), _cpu()
    for batch in decode_capture(path, Identity(), DecodeSettings(memory=setting), keep=lambda sha256, content: False):
        kinds[batch.kind] += len(batch)
    return {"seconds": time.perf_counter() - began, "cpu": _cpu() - spent, "rows": dict(kinds),
            "before_mb": before}  # fmt: skip


def nfstream(path: Path) -> dict[str, Any]:
    from nfstream import NFStreamer

    began = time.perf_counter()
    n = sum(1 for _ in NFStreamer(source=str(path), n_meters=1))
    return {"seconds": time.perf_counter() - began, "rows": {"flow": n}}


def scapy(path: Path) -> dict[str, Any]:
    from scapy.layers.dns import DNS  # noqa: F401
    from scapy.layers.http import HTTP  # noqa: F401
    from scapy.utils import PcapReader

    began = time.perf_counter()
    n = 0
    with PcapReader(str(path)) as reader:
        for _ in reader:
            n += 1
            if n >= SCAPY_PACKETS:
                break
    return {"seconds": time.perf_counter() - began, "packets": n, "rows": {}}


PROGRAMS = {"fengsui": fengsui, "nfstream": nfstream, "scapy": scapy}


def _peak() -> int:
    """Greatest resident size of this process in MB (its parent's would count in getrusage)."""
    line = next(x for x in Path("/proc/self/status").read_text().splitlines() if x.startswith("VmHWM"))
    return int(line.split()[1]) // 1024


def _cpu() -> float:
    """Processor seconds of this process and of children that ended."""
    used = [resource.getrusage(w) for w in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(u.ru_utime + u.ru_stime for u in used)


def run_child(name: str, path: Path, setting: str = "") -> None:
    began = _cpu()
    result = fengsui(path, int(setting)) if setting else PROGRAMS[name](path)
    spent = result.pop("cpu", None)
    print(json.dumps(result | {"cpu_seconds": spent or _cpu() - began, "peak_mb": _peak()}))


def start(name: str, path: Path, packets: int, *setting: str) -> dict[str, Any]:
    """Run one program in its own pinned process; ``setting``: the memory of ours."""
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "evals.bench_network", "--child", name, str(path), *setting], cwd=ROOT, text=True,
        capture_output=True, check=False, preexec_fn=lambda: os.sched_setaffinity(0, {CORE}),
    )  # fmt: skip
    whole = time.perf_counter() - began
    if done.returncode:
        return {"name": name, "error": done.stderr.strip().splitlines()[-1:] or ["no message"]}
    r = json.loads(done.stdout.splitlines()[-1])
    n = r.get("packets", packets)
    return {"name": name, "packets": n, "rate": n / r["seconds"], "cpu": n / r["cpu_seconds"], "whole": n / whole, **r}


def memory(packets: int, setting: int, folder: Path) -> dict[str, Any]:
    """Peak memory of the decode of a capture that comes through a pipe, so that no disk holds it."""
    pipe = folder / "pipe.pcap"
    os.mkfifo(pipe)

    def feed() -> None:
        with pipe.open("wb") as out:
            for part in blocks(packets):
                out.write(part)

    feeder = threading.Thread(target=feed)
    feeder.start()
    result = start("fengsui", pipe, packets, str(setting))
    feeder.join()
    pipe.unlink()
    return result | {"setting_mb": setting // 1_000_000}


def settle(path: Path) -> None:
    """Let the disk finish writing and the file be cached, so that no program pays for it because it comes first."""
    os.sync()
    with path.open("rb") as f:
        while f.read(1 << 24):
            pass


def profile(path: Path) -> str:
    """Where the time goes, by cumulative time of our own functions."""
    fengsui(path)
    p = cProfile.Profile()
    p.enable()
    fengsui(path)
    p.disable()
    out = io.StringIO()
    pstats.Stats(p, stream=out).sort_stats("tottime").print_stats(35)
    return out.getvalue()


def main() -> None:
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("--packets", type=int, default=1_000_000)
    a.add_argument("--json", action="store_true")
    a.add_argument("--profile", action="store_true", help="only show where the time goes")
    a.add_argument("--memory", action="store_true", help="also measure peak memory with 1 and 10 million packets")
    a.add_argument("--only", choices=PROGRAMS, action="append")
    a.add_argument("--child", nargs="+", metavar=("NAME", "PATH"), help=argparse.SUPPRESS)
    args = a.parse_args()
    if args.child:
        run_child(args.child[0], Path(args.child[1]), *args.child[2:])
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "mixed.pcap")
        with path.open("wb") as out:
            for part in blocks(args.packets):
                out.write(part)
        if args.profile:
            print(profile(path))
            return
        settle(path)
        results = [start(name, path, args.packets) for name in args.only or PROGRAMS]
        size = path.stat().st_size
        path.unlink()
        peaks = [memory(n, s, Path(folder)) for s in SETTINGS for n in LENGTHS] if args.memory else []
    report(results, peaks, size, args.json)


def report(results: list[dict[str, Any]], peaks: list[dict[str, Any]], size: int, as_json: bool) -> None:
    ours = next((r for r in results if r["name"] == "fengsui"), None)
    for r in results:
        if ours and "rate" in r and "rate" in ours:
            r["ratio"] = ours["rate"] / r["rate"]
            r["cpu_ratio"] = ours["cpu"] / r["cpu"]
    if as_json:
        print(json.dumps({"bytes": size, "results": results, "memory": peaks}))
        return
    print(f"{size / 1e6:.0f} MB")
    print(f"{'program':10}{'packets':>12}{'packets/s':>12}{'/s of CPU':>12}{'whole':>12}{'ours is':>9}{'CPU':>8}"
          f"{'peak MB':>9}  rows")  # fmt: skip
    for r in results:
        if "error" in r:
            print(f"{r['name']:10} did not run: {r['error'][0]}")
            continue
        rows = ", ".join(f"{v} {k}" for k, v in r["rows"].items())
        print(f"{r['name']:10}{r['packets']:>12}{r['rate']:>12.0f}{r['cpu']:>12.0f}{r['whole']:>12.0f}"
              f"{r.get('ratio', 0):>8.1f}x{r.get('cpu_ratio', 0):>7.1f}x"
              f"{r['peak_mb']:>9}  {rows}")  # fmt: skip
    for r in peaks:
        print(f"memory set to {r['setting_mb']} MB: {r['packets']} packets, peak {r['peak_mb']} MB, "
              f"of which {r['before_mb']} before the capture"
              if "rate" in r else f"memory: {r['error'][0]}")  # fmt: skip


if __name__ == "__main__":
    main()
