"""The terminal: progress on stderr, results on stdout."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TextIO

import msgspec

from fengsui import tracing
from fengsui.cli.text import text
from fengsui.jsonform import time_text
from fengsui.progress import Progress
from situation.alerts import Alert

PLAIN_EVERY = 5.0
NOISY = ("uvicorn", "alembic", "numba", "sqlalchemy", "multipart", "kafka", "clickhouse_driver", "botocore", "urllib3")
"""Libraries whose every step nobody wants to read: their warnings are shown."""


def log_to_stderr(form: str = "text") -> None:
    """For what runs until it is told to stop: what it does, a line each, for people or (``json``) for programs."""
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    if form == "json":
        for handler in logging.getLogger().handlers:
            handler.setFormatter(JsonLines())
    for name in NOISY:
        logging.getLogger(name).setLevel(logging.WARNING)


class JsonLines(logging.Formatter):
    """A record as one JSON object."""

    def format(self, record: logging.LogRecord) -> str:
        line = {"ts": time_text(int(record.created * 1_000_000)), "level": record.levelname, "logger": record.name,
                "thread": record.threadName, "message": record.getMessage()}  # fmt: skip
        if trace := tracing.current():
            line["trace"] = trace
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return msgspec.json.encode(line).decode()


@contextmanager
def progress(label: str, stream: TextIO | None = None) -> Iterator[Progress]:
    """A bar on a terminal, plain lines otherwise."""
    out = stream or sys.stderr
    if out.isatty():
        with _bar(label, out) as report:
            yield report
    else:
        yield _plain(label, out)


@contextmanager
def _bar(label: str, out: TextIO) -> Iterator[Progress]:
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[amount]}"), TimeElapsedColumn())
    with Bar(*columns, console=Console(file=out), transient=True) as bar:
        task = bar.add_task(label, total=None, amount="")

        def report(done: int, total: int, unit: str) -> None:
            bar.update(task, completed=done, total=total or None, amount=_amount(done, total, unit))

        yield report


def _plain(label: str, out: TextIO) -> Progress:
    last = time.monotonic()

    def report(done: int, total: int, unit: str) -> None:
        nonlocal last
        if time.monotonic() - last >= PLAIN_EVERY:
            last = time.monotonic()
            print(f"{label}: {_amount(done, total, unit)}", file=out, flush=True)

    return report


def _amount(done: int, total: int, unit: str) -> str:
    if unit == "bytes":
        return f"{done / 1e6:,.0f}{f'/{total / 1e6:,.0f}' if total else ''} MB"
    return f"{done:,}{f'/{total:,}' if total else ''} {unit}"


def say(line: str) -> None:
    """A remark beside the results."""
    print(line, file=sys.stderr, flush=True)


def alert_object(alert: Alert, summary: str) -> dict[str, Any]:
    """An alert as a JSON object; its explanation's numbers stay in ``explanation``."""
    return {
        "id": alert.id, "org": alert.org, "network": alert.network, "rule": alert.rule, "subject": alert.subject,
        "related": alert.related, "severity": alert.severity, "confidence": alert.confidence, "summary": summary,
        "first_seen": time_text(alert.first_seen), "last_seen": time_text(alert.last_seen), "count": alert.count,
        "techniques": alert.techniques, "category": alert.category, "queued": alert.queued,
        "explanation": msgspec.json.decode(alert.explanation), "evidence": alert.evidence,
    }  # fmt: skip


def json_line(value: Mapping[str, Any]) -> str:
    return msgspec.json.encode(value).decode()


_COLOURS = {6: "bold red", 5: "bold red", 4: "red", 3: "yellow", 2: "cyan", 1: "dim", 0: "dim"}


def table(rows: list[tuple[Alert, str, str]], lang: str, *, names: Mapping[str, str] | None = None) -> None:
    """Alerts as a table on stdout: (alert, rule's title, summary); ``names`` adds a column of organisations."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    t = Table(box=None, pad_edge=False, header_style="bold", expand=False)
    for key in ("severity", *(("org.column",) if names else ()), "rule", "subject", "what", "count", "first", "last"):
        right = key == "count"
        narrow = key in ("severity", "count")
        t.add_column(text(key, lang), justify="right" if right else "left", no_wrap=narrow, overflow="fold")
    for alert, title, summary in rows:
        cells = [Text(text(f"sev.{alert.severity}", lang), style=_COLOURS[alert.severity])]
        if names:
            cells.append(Text(names.get(alert.org, alert.org)))
        cells += [Text(title), Text(printable(alert.subject)), Text(printable(summary)), Text(f"{alert.count:,}"),
                  Text(_short(alert.first_seen)), Text(_short(alert.last_seen))]  # fmt: skip
        t.add_row(*cells)
    out = Console(file=sys.stdout, width=None if sys.stdout.isatty() else 180, highlight=False)
    out.print(t)


def printable(value: str) -> str:
    """Control and bidirectional characters shown as escapes: names come from attackers."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in value)


def _short(us: int) -> str:
    return time_text(us)[:16].replace("T", " ")
