"""What a detector is: a name and one method. It returns conclusions; it publishes nothing and remembers nothing.

Three shapes, chosen by what they look at:

* a *batch detector* sees one Batch (for what SQL cannot do: YARA, models);
* a *slice hunt* asks the store about exactly the rows just announced, each once (signatures, indicators);
* a *window hunt* asks the store about a window of event time, and its answer replaces the one before (beacons, scans).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import pyarrow as pa

from fengsui.batch import Batch
from fengsui.finding import Conclusion, Detection, Rule, Window

Query = Callable[[str, Mapping[str, Any]], pa.Table]
"""Run read-only SQL with parameters bound by the server (``{name:Type}``). Lists of str/int bind Array(…); bytes of 16
bind FixedString(16); times are microseconds bound as Int64 and compared with ``fromUnixTimestamp64Micro``."""

Told = list[tuple[Rule, Conclusion]]
"""What a window hunt concludes of one window."""

ReadBlob = Callable[[str], bytes | None]
"""The content kept under a SHA-256 (hex), or None if none is kept."""


@dataclass(frozen=True)
class Slice:
    """Rows of one kind that have just become visible, of any number of organisations: one question for all of them.

    They lie in ``topic``/``partition``; ``places`` says organisation, network and offset: other organisations' rows of
    the same message may have been announced before or not yet. Event times lie in [least, greatest] (microseconds).
    """

    kind: str
    topic: str
    partition: int
    places: tuple[tuple[str, str, int], ...]
    least: int
    greatest: int

    @classmethod
    def of(cls, kind: str, org: str, network: str, topic: str, partition: int, offsets: Iterable[int], least: int,
           greatest: int) -> Slice:  # fmt: skip
        """The rows of one organisation's network at these offsets."""
        return cls(kind, topic, partition, tuple((org, network, o) for o in offsets), least, greatest)

    @property
    def offsets(self) -> tuple[int, ...]:
        return tuple(sorted({o for _, _, o in self.places}))

    @property
    def orgs(self) -> tuple[str, ...]:
        return tuple(sorted({org for org, _, _ in self.places}))


class BatchDetector(Protocol):
    name: str
    kinds: tuple[str, ...]
    rules: tuple[Rule, ...]

    def detect(self, batch: Batch, unit: str, read_blob: ReadBlob) -> list[Detection]:
        """``unit`` names the message that the batch came in; put it into every conclusion."""
        ...


class SliceHunt(Protocol):
    name: str
    kinds: tuple[str, ...]
    rules: tuple[Rule, ...]

    def run(self, query: Query, part: Slice) -> list[Detection]: ...


Site = tuple[str, str]
"""An organisation and one of its networks."""


class WindowHunt(Protocol):
    """``hours`` is the length L of its window in hours: the window of hour H is [H - L, H + 1 h).

    ``run`` gets windows of that length, ascending and none twice, and answers each, in their order. What it says of a
    window does not depend on which others it got: they come together only so that rows are read once for all of them.
    It may hold in memory what lies between the first window's start and the last one's end.

    ``worth`` is asked of many sites at once before ``run`` of each: those where rows of the span could lead to a
    conclusion. Of every other site all windows within the span are empty.
    """

    name: str
    kinds: tuple[str, ...]
    rules: tuple[Rule, ...]
    hours: int

    def worth(self, query: Query, sites: Sequence[Site], span: Window) -> Collection[Site]: ...

    def run(self, query: Query, org: str, network: str, windows: Sequence[Window]) -> Iterator[tuple[Window, Told]]: ...
