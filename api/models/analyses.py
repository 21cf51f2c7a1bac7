"""Files that were handed in."""

from __future__ import annotations

from typing import Literal

from api.models.common import Moment, Out


class FileState(Out):
    name: str
    bytes: int
    state: Literal["waiting", "reading", "done", "failed", "refused"]
    rows: int
    already: int
    read_at: Moment | None
    faults: list[str]
    more_faults: int


class Analysis(Out):
    """Files that somebody handed in. Its alerts are those of its ``network``."""

    id: str
    created_at: Moment
    org: str
    network: str
    state: Literal["waiting", "reading", "hunting", "done", "failed"]
    files: list[FileState]
    done_bytes: int
    total_bytes: int
    rows: int
    alerts: int
    below: int


class AnalysisPage(Out):
    items: list[Analysis]
    next: str | None
