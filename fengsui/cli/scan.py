"""``fengsui scan``: the verdict on files, packages and archives, each in a process that is shut in. Nothing is sent
anywhere and nothing is run."""

from __future__ import annotations

import argparse
import json
import os
import queue
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec

from detectors.catalogue import rules_folder, software_context
from detectors.software import wording
from detectors.software.budget import PROFILES, Profile, scaled
from detectors.software.facts import Facts, Limit, visible
from detectors.software.sarif import sarif
from detectors.software.verdict import CLEAN, INCOMPLETE, MALICIOUS, SUSPICIOUS, Verdict, verdict
from detectors.software.worker import Ended, Scanner
from fengsui.cli.console import progress, say
from fengsui.cli.report import signing_key
from fengsui.cli.text import text
from fengsui.config import Settings, load
from fengsui.errors import Stopped, UsageError

PACKAGES = (".whl", ".egg", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".gem", ".crate", ".deb", ".rpm", ".apk", ".jar",
            ".war", ".vsix", ".nupkg")  # fmt: skip
SHOWN = 5
"""Reasons and limits of a file in the table."""

Answer = tuple[Path, Facts, Verdict]


def run(args: argparse.Namespace) -> int:
    """0 all clean; 1 something suspicious or malicious; 2 something incomplete."""
    settings = load(args.config, os.environ, {"rules": args.rules})
    files = list(_files(args.paths))
    if not files:
        raise UsageError(text("scan.nothing", args.lang))
    folder = rules_folder(settings.rules)
    args.context = software_context(folder, settings.known_bad)
    answers = _scan(files, folder / "yara", args)
    shown = [a for a in answers if a is not None]
    if args.sarif:
        print(json.dumps(sarif([(p.as_posix(), v) for p, _, v in shown], args.lang), ensure_ascii=False, indent=1))
    elif not args.json:
        _table(shown, args.lang)
    if args.report is not None:
        _report(shown, args, settings)
    words = {v.word for _, _, v in shown}
    return 1 if words & {MALICIOUS, SUSPICIOUS} else 2 if INCOMPLETE in words else 0


def _report(answers: Sequence[Answer], args: argparse.Namespace, settings: Settings) -> None:
    """A signed report of each file into a folder."""
    from detectors.software import bundle
    from detectors.software.report import Subject
    from fengsui.signing import Signer

    signer = Signer.of(signing_key(settings))
    args.report.mkdir(parents=True, exist_ok=True)
    for path, facts, v in answers:
        of = Subject(path.name, round(time.time() * 1e6))
        out = args.report / f"{facts.sha256[:12] or 'unread'}.{args.lang}.zip"
        out.write_bytes(bundle.signed(of, facts, v, args.lang, signer))
        say(text("scan.reported", args.lang, file=out))


def _files(paths: Sequence[Path]) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            yield from sorted(p for p in path.rglob("*") if p.is_file() and not p.is_symlink())
        elif path.exists():
            yield path
        else:
            raise UsageError(f"{path}: there is no such file")


def profile_of(path: Path, args: argparse.Namespace) -> Profile:
    name = args.profile or ("package" if path.name.lower().endswith(PACKAGES) else "archive")
    return scaled(PROFILES[name], seconds=args.seconds)


def _scan(files: Sequence[Path], rules: Path, args: argparse.Namespace) -> list[Answer | None]:
    """Answers in the order of the files; each is printed as a line when it is there, in that order, with ``--json``."""
    answers: list[Answer | None] = [None] * len(files)
    todo: queue.SimpleQueue[int] = queue.SimpleQueue()
    done: queue.SimpleQueue[tuple[int, Answer | BaseException]] = queue.SimpleQueue()
    for i in range(len(files)):
        todo.put(i)
    sizes = [f.stat().st_size for f in files]
    scanners = [Scanner(rules) for _ in range(min(args.jobs or os.cpu_count() or 1, len(files)))]
    stop = threading.Event()

    def work(scanner: Scanner) -> None:
        while not stop.is_set():
            try:
                i = todo.get_nowait()
            except queue.Empty:
                return
            try:
                done.put((i, _one(scanner, files[i], args)))
            except BaseException as e:  # noqa: BLE001 raised by who waits for it
                done.put((i, e))

    try:
        for s in scanners:  # by this thread: a worker ends with the one that started it
            _started(s, args.lang)
        args.context = replace(args.context, previous=_previous(scanners[0], args))
        threads = [threading.Thread(target=work, args=(s,), daemon=True) for s in scanners]
        for t in threads:
            t.start()
        with progress(text("scan.at", args.lang)) as report:
            _collect(answers, done, sizes, report, args)
    finally:
        stop.set()
        for s in scanners:
            s.close()
    return answers


def _collect(answers: list[Answer | None], done: queue.SimpleQueue[tuple[int, Answer | BaseException]],
             sizes: Sequence[int], report: Any, args: argparse.Namespace) -> None:  # fmt: skip
    next_one, size = 0, 0
    for n in range(1, len(answers) + 1):
        i, answer = done.get()
        if isinstance(answer, OSError):
            say(f"{answer.filename}: {answer.strerror}")
            lack = Limit("missing", str(answer.filename), answer.strerror or "")
            unread = Facts("", 0, "unknown", "", limits=(lack,))
            answer = (Path(str(answer.filename)), unread, verdict(unread))
        elif isinstance(answer, BaseException):
            raise answer
        answers[i] = answer
        size += sizes[i]
        report(n, len(answers), f"{text('scan.files', args.lang)}, {size / 1e6:,.1f} MB")
        while args.json and next_one < len(answers) and answers[next_one] is not None:
            path, facts, v = answers[next_one]  # type: ignore[misc]  # it is there
            print(json.dumps(line(path, facts, v, args.lang), ensure_ascii=False), flush=True)
            next_one += 1


def _started(scanner: Scanner, lang: str) -> None:
    try:
        started = scanner.start()
    except Ended as e:
        raise Stopped(text("scan.noworker", lang, reason=e.why)) from e
    if not started.safe:
        missing = [n for n, holds in {**started.layers, **started.tests}.items() if not holds and n != "namespaces"]
        say(text("scan.unsafe", lang, missing=", ".join(missing)))


def _one(scanner: Scanner, path: Path, args: argparse.Namespace) -> Answer:
    with path.open("rb") as f:
        facts = scanner.scan(f, path.name, profile_of(path, args), tuple(args.password or ()))
    return path, facts, verdict(facts, args.context)


def _previous(scanner: Scanner, args: argparse.Namespace) -> Facts | None:
    """The facts of the release before, where one is given."""
    if args.previous is None:
        return None
    if len(args.paths) > 1 or args.paths[0].is_dir() or not args.previous.is_file():
        raise UsageError(text("scan.previous.one", args.lang))
    with args.previous.open("rb") as f:
        return scanner.scan(f, args.previous.name, profile_of(args.previous, args), tuple(args.password or ()))


def line(path: Path, facts: Facts, v: Verdict, lang: str) -> dict[str, Any]:
    """A file's answer as a JSON object."""
    return {
        "path": str(path), "sha256": facts.sha256, "size": facts.size, "format": facts.format, "verdict": v.word,
        "probability": round(v.probability, 4), "base": v.base,
        "reasons": [{"rule": e.rule, "text": wording.reason(e, lang), "file": e.path, "share": round(share, 2)}
                    | ({"line": e.line} if e.line > 0 else {}) | ({"offset": e.offset} if e.offset >= 0 else {})
                    | ({"matched": e.matched} if e.matched else {})
                    | ({"techniques": list(e.techniques)} if e.techniques else {}) for e, share in v.reasons],
        "limits": [{"limit": x.name, "text": wording.limit(x, lang), "file": x.path}
                   | ({"detail": x.detail} if x.detail else {}) for x in v.limits],
        "binaries": msgspec.to_builtins(facts.binaries),
        "files": facts.members, "bytes_out": facts.bytes_out, "analysis": facts.analysis, "seconds": facts.seconds,
    }  # fmt: skip


def _table(answers: Sequence[Answer], lang: str) -> None:
    for path, facts, v in answers:
        word = wording.VERDICTS[v.word][lang == "zh"]
        print(f"{_paint(word, v.word)}  {v.probability:6.1%}  {visible(str(path), 300)}  "
              f"{text('scan.size', lang, files=f'{facts.members:,}', seconds=f'{facts.seconds:.2f}')}")  # fmt: skip
        for e, share in v.reasons[:SHOWN]:
            at = f":{e.line}" if e.line > 0 else f" @{e.offset}" if e.offset >= 0 else ""
            print(f"    {share:+5.1f}  {wording.reason(e, lang)}\n           {e.path}{at}"
                  f"{f'  {e.matched}' if e.matched else ''}")  # fmt: skip
        if len(v.reasons) > SHOWN:
            print(f"           {text('scan.more', lang, n=len(v.reasons) - SHOWN)}")
        for x in v.limits[:SHOWN]:
            name = "—" if lang == "zh" else f"{x.name}:"
            detail = f"  ({x.detail})" if x.detail else ""
            print(f"    {name} {wording.limit(x, lang)}\n           {x.path}{detail}")
        if len(v.limits) > SHOWN:
            print(f"           {text('scan.more', lang, n=len(v.limits) - SHOWN)}")
    counts = {w: sum(v.word == w for _, _, v in answers) for w in (MALICIOUS, SUSPICIOUS, INCOMPLETE, CLEAN)}
    say("  ".join(f"{wording.VERDICTS[w][lang == 'zh']} {n}" for w, n in counts.items()))


_COLOURS = {MALICIOUS: "1;31", SUSPICIOUS: "33", INCOMPLETE: "36", CLEAN: "32"}


def _paint(word: str, verdict_word: str) -> str:
    return f"\033[{_COLOURS[verdict_word]}m{word}\033[0m" if sys.stdout.isatty() else word
