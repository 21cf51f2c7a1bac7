"""Zeek's logs as batches: tab-separated or JSON lines, growing, rotated or compressed, resumed from a marked byte.

Identities. ``uid`` = hash(org, network, sensor, Zeek's uid); ``event_id`` = hash(org, network, sensor, log, the line,
ordinal). The ordinal tells equal lines apart: it is the number of equal lines that end within the ``NEAR`` bytes before
the line, so it depends on the log's content alone, not on chunks or resumes, and memory stays bounded. Equal lines
farther apart than that get the same identity; Zeek repeats a line (a query sent twice) within seconds, if at all.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from collectors.network import zeek_columns as columns
from collectors.network import zeek_scan as scan
from collectors.network.zeek_files import (
    BLANK,
    LINE,
    Layout,
    Log,
    blocks,
    find_logs,
    header,
    is_zeek_folder,
    log_origin,
    other_logs,
    recognise,
)
from collectors.network.zeek_layout import comments, first_layout
from collectors.network.zeek_near import Near
from fengsui.batch import Batch, Identity, build
from fengsui.errors import BadInput
from fengsui.ids import Bytes, hash_matrix, hash_spans, text_id
from fengsui.schema import KINDS

__all__ = ["Chunk", "Log", "LogReader", "find_logs", "is_zeek_folder", "log_origin", "other_logs", "read_log"]

CHUNK_LINES = 50_000
CHUNK_BYTES = 16 << 20
RAW = 65_536  # bytes kept of a line that is too long to read


@dataclass(frozen=True)
class Chunk:
    """Rows of whole lines. ``end`` is the uncompressed byte after the last of them: where to resume."""

    batch: Batch
    end: int
    bad: list[BadInput] = field(default_factory=list)


class LogReader:
    """Reads one log from ``start`` on and remembers where it is: call :meth:`read` again when the file has grown.

    A new reader that starts at a marked byte passes once over what is before it: to count lines, find the header that
    holds, and know the equal lines near by.
    """

    def __init__(self, path: Path, identity: Identity, *, start: int = 0) -> None:
        log = recognise(path)
        if log is None:
            raise BadInput("not a Zeek log that is read", str(path))
        self.path, self.log, self.position = path, log, 0
        self.identity = replace(identity, source="zeek")
        self._layout = Layout()
        self._line, self._near = 0, Near()
        self._dropped, self._start_of_long = 0, b""
        self._inside = False  # the line at ``position`` was read as the last one, before its end had been written
        names = columns.wanted(log.log)
        joined = "".join(names).encode()
        self._names = names
        self._keys = scan.key_table(np.frombuffer(joined, np.uint8), np.cumsum([0, *(len(n) for n in names)]))
        tag = log.log + ("/open" if log.open else "")
        owner = (self.identity.org, self.identity.network, self.identity.sensor)
        self._uid_tag = np.frombuffer(text_id("zeek", *owner), np.uint8)
        self._event_tag = np.frombuffer(text_id("zeek-line", *owner, tag), np.uint8)
        if start:
            self._catch_up(start)

    def read(self, *, final: bool = False) -> Iterator[Chunk]:
        """Chunks of what is there now. A last line without its end waits for more, unless the log is ``final``.

        Damaged compression ends it with a chunk that says so. Raises BadInput if a log without header has fields in no
        order that is known.
        """
        if self.position == 0:
            self._layout = first_layout(self.log, final)
        left, self._dropped = b"", 0
        damage: BadInput | None = None
        source = blocks(self.path, self.position)
        more = True
        while more:
            parts, size = [left], len(left)
            try:
                while size < len(left) + CHUNK_BYTES:
                    parts.append(next(source))
                    size += len(parts[-1])
            except StopIteration:
                more = False
            except BadInput as e:
                more, damage = False, e
            text = b"".join(parts)
            unended = not more and final and not damage and size > 0 and text[-1] != 10
            if unended:
                text += b"\n"
            if self._inside and size:
                text, size = yield from self._remainder(text, size)
            left = yield from self._lines(text, size)
            self._inside = self._inside or unended
        if damage is not None:
            yield Chunk(self._batch(), self.position, [damage])

    def _lines(self, text: bytes, size: int) -> Generator[Chunk, None, bytes]:
        """Chunks of the whole lines of ``text``, of which ``size`` bytes are the file's; returns what is left of it."""
        at = 0
        if self._dropped:
            at = text.find(b"\n") + 1
            if not at:
                self._dropped += len(text)
                return b""
            yield self._too_long(at)
            text, size, at = text[at:], size - at, 0
        data = np.frombuffer(text, np.uint8)
        whole, base = text.rfind(b"\n") + 1, self.position
        while at < whole:
            chunk = None
            if not self._layout.json and self._comment(text, at):
                at = self._header(text, at)
            else:
                chunk, at = self._chunk(data, at, whole, base, min(CHUNK_LINES, text.count(b"\n", at, whole)))
            self.position = base + min(at, size)
            if chunk is not None:
                yield replace(chunk, end=self.position)
        left = text[whole:]
        if len(left) <= LINE:
            return left
        self._dropped, self._start_of_long = len(left), left[:RAW]
        return b""

    def _remainder(self, text: bytes, size: int) -> Generator[Chunk, None, tuple[bytes, int]]:
        """Pass over what follows of a line that was read without its end; what is left of ``text`` and ``size``."""
        at = min(text.find(b"\n") + 1 or size, size)
        rest, self._inside = text[:at].rstrip(b"\r\n"), text[at - 1] != 10
        self.position += at
        if rest:
            bad = BadInput("a line went on after it had been read as the last", str(self.path), self._line, rest[:RAW])
            yield Chunk(self._batch(), self.position, [bad])
        return text[at:], size - at

    def _too_long(self, rest: int) -> Chunk:
        self._line += 1
        self.position += self._dropped + rest
        self._dropped = 0
        bad = BadInput(f"a line longer than {LINE} bytes; its first {RAW} are kept", str(self.path), self._line,
                       self._start_of_long)  # fmt: skip
        return Chunk(self._batch(), self.position, [bad])

    def _comment(self, text: bytes, at: int) -> bool:
        first = self.position == 0 and at == 0
        return text[at] == 35 or (first and text[:16].lstrip(BLANK)[:1] == b"#")

    def _header(self, text: bytes, at: int) -> int:
        lines = []
        while at < len(text) and self._comment(text, at) and (end := text.find(b"\n", at)) >= 0:
            lines.append(text[at:end].lstrip(BLANK))
            at = end + 1
        self._line += len(lines)
        try:
            self._layout = header(self._layout, lines)
        except BadInput as e:
            raise BadInput(e.reason, str(self.path), self._line, e.raw) from e
        return at

    def _chunk(self, data: NDArray[np.uint8], lo: int, hi: int, base: int, limit: int) -> tuple[Chunk | None, int]:
        """Rows of the lines of data[lo:hi], at most ``limit``, and where they end."""
        layout, names = self._layout, self._names
        if layout.json:
            found = scan.split_json(data, lo, hi, limit, self._keys[0], self._keys[1], len(names))
        else:
            slots = np.array([names.index(f) if f in names else -1 for f in layout.fields], np.int64)
            unset, empty = np.frombuffer(layout.unset, np.uint8), np.frombuffer(layout.empty, np.uint8)
            found = scan.split_tsv(data, lo, hi, limit, layout.separator[0], slots, len(names), unset, empty)
        end, line_start, line_end, starts, ends, status, number, physical = found
        number = number + self._line + 1
        self._line += physical
        if not len(line_start):
            return None, int(end)
        line_ids = hash_spans(data, line_start, line_end)
        ordinals = self._near.ordinals(line_ids, line_start + base, line_end + base)
        spans = columns.Spans(data, names, starts, ends, layout.set_separator[0], layout.json)
        got, faults = columns.typed(self.log.log, spans)
        for i in np.flatnonzero(status):
            faults[int(i)] = scan.REASONS[int(status[i])]
        bad = [BadInput(faults[i], str(self.path), int(number[i]), data[line_start[i] : line_end[i]].tobytes())
               for i in sorted(faults)]  # fmt: skip
        if faults:
            good = np.ones(len(line_start), np.bool_)
            good[list(faults)] = False
            spans, line_ids, ordinals = spans.keep(good), line_ids[good], ordinals[good]
            got = {k: v[good] for k, v in got.items()}
        return Chunk(self._batch(got, spans, line_ids, ordinals), 0, bad), int(end)

    def _batch(self, got: dict[str, Any] | None = None, spans: columns.Spans | None = None, line_ids: Any = None,
               ordinals: Any = None) -> Batch:  # fmt: skip
        kind = KINDS[self.log.kind]
        if got is None or spans is None or not len(line_ids):
            return Batch(kind.name, pa.RecordBatch.from_pylist([], schema=kind.arrow))
        given = columns.finish(self.log.log, self.log.open, got, spans)
        tail = np.ascontiguousarray(ordinals, "<u4").view(np.uint8).reshape(-1, 4)
        given["event_id"] = hash_matrix(_joined(self._event_tag, line_ids, tail))
        given["uid"] = self._uids(spans, line_ids)
        return build(kind, self.identity, given, len(line_ids))

    def _uids(self, spans: columns.Spans, line_ids: Bytes) -> Bytes:
        """Of Zeek's uid; of the line where it has none, so that rows without do not seem to be one flow."""
        starts, ends = spans.of("uid")
        if self.log.log == "files":
            first, last = spans.firsts("conn_uids")
            none = starts == ends
            starts, ends = np.where(none, first, starts), np.where(none, last, ends)
        text = hash_spans(spans.data, starts, ends)
        text = np.where((starts == ends)[:, None], line_ids, text)
        result: Bytes = hash_matrix(_joined(self._uid_tag, text))
        return result

    def _catch_up(self, start: int) -> None:
        """Pass over the first ``start`` bytes: count their lines, apply their headers, know the lines near the end."""
        self._layout = first_layout(self.log, True)
        tail, at = b"", 0
        for block in blocks(self.path):
            tail += block[: start - at]
            at = min(start, at + len(block))
            whole = tail.rfind(b"\n") + 1
            self._seen(tail[:whole], at - len(tail))
            tail = tail[whole:]
            if at == start:
                break
        if at < start:
            raise BadInput(f"byte {start} is behind its end", str(self.path))
        if tail:
            self._inside = True
            self._seen(tail + b"\n", start - len(tail))
        self.position = start

    def _seen(self, text: bytes, base: int) -> None:
        self._line += text.count(b"\n")
        if not self._layout.json:
            self._layout = header(self._layout, comments(text, first=base == 0))
        data = np.frombuffer(text, np.uint8)
        breaks = np.flatnonzero(data == 10)
        starts = np.concatenate([[0], breaks[:-1] + 1]).astype(np.int64) if len(breaks) else np.empty(0, np.int64)
        ends = breaks - ((breaks > starts) & (data[np.maximum(breaks - 1, 0)] == 13))
        self._near.ordinals(hash_spans(data, starts, ends), starts + base, ends + base)


def _joined(tag: Bytes, *parts: Bytes) -> Bytes:
    n = len(parts[0])
    return np.ascontiguousarray(np.hstack([np.broadcast_to(tag, (n, len(tag))), *parts]))


def read_log(path: Path, identity: Identity, *, start: int = 0, final: bool = True) -> Iterator[Chunk]:
    """One log from ``start``, where a chunk ended. ``final`` False leaves a last line without its end for later."""
    yield from LogReader(path, identity, start=start).read(final=final)
