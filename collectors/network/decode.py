"""A capture into events: pcap or pcapng in, Batches of flows and of what parsers find out.

    for batch in decode_capture(path, identity, keep=blobs.keep):
        ...

The order is the same in every run over the same bytes with the same settings: a reader that stopped can go on by
counting rows of each kind. Memory is bounded by the settings, whatever the length of the capture.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from collectors.network import flows, headers, layout, links, table
from collectors.network.applications import Applications, Limits
from collectors.network.capture import Capture
from collectors.network.fragments import Fragments
from collectors.network.output import Outbox
from collectors.network.parsers import datagram_parsers, stream_parsers
from collectors.network.parsers.base import DatagramParser, Keep, StreamParser
from collectors.network.ports import servers
from fengsui.batch import Batch, Identity
from fengsui.errors import BadInput, BadSetting
from fengsui.progress import Progress, silent

STEP = 2048  # packets walked, parsed and tracked together: their columns and headers stay in the cache
DONE = 8192  # finished flows kept before they are posted
ANNEX = 1 << 20  # bytes for datagrams put together from fragments
SECOND = 1_000_000
CHECKSUMS = ("ignore", "check")
LEAST_MEMORY = 16_000_000
LEAST = {"chunk_bytes": 1 << 16, "flows": 16, "events": 256, "streams": 1, "batch_rows": 1}
SHARES: dict[str, Callable[[int], int]] = {
    "chunk_bytes": lambda memory: min(memory // 16, 32 << 20),
    "flows": lambda memory: memory // 2 // table.BYTES,
    "streams": lambda memory: memory // 8192,
    "held_total": lambda memory: memory // 4,
    "fragment_bytes": lambda memory: memory // 32,
}


@dataclass(frozen=True)
class DecodeSettings:
    """Bounds and time-outs. Times are seconds of packet time; the time-outs are Zeek's defaults."""

    memory: int = 512_000_000  # bytes for flows, reassembly and buffers; the sizes that are 0 here come from it
    chunk_bytes: int = 0  # read together; a longer record ends the capture
    flows: int = 0  # at a time; beyond it the longest silent is given up
    streams: int = 0  # TCP connections being parsed at a time
    held_total: int = 0  # out-of-order payload kept
    held_bytes: int = 1 << 20  # of it for one side of a connection
    fragment_bytes: int = 0
    events: int = 1 << 17  # payload packets told to parsers together
    probe_bytes: int = 2048  # of each side, before no parser wants the connection
    batch_rows: int = 20_000
    checksums: str = "ignore"  # or check: packets with a wrong checksum count for nothing, as in Zeek
    vlan_in_key: bool = False  # tell apart equal endpoints in different VLANs
    report_every: float = 3600.0  # report a flow that stays open; 0 never
    tcp_idle: float = 300.0
    udp_idle: float = 60.0
    icmp_idle: float = 60.0
    other_idle: float = 60.0
    attempt: float = 5.0
    close_delay: float = 5.0
    reset_delay: float = 0.1
    syn_timer: float = 5.0
    session_timer: float = 6.0
    linger: float = 5.0
    partial_close: float = 3.0

    def __post_init__(self) -> None:
        if self.memory < LEAST_MEMORY:
            raise BadSetting(f"decode.memory must be at least {LEAST_MEMORY} bytes")
        for name, share in SHARES.items():
            if not getattr(self, name):
                object.__setattr__(self, name, share(self.memory))
        for name, least in LEAST.items():
            if getattr(self, name) < least:
                raise BadSetting(f"decode.{name} must be at least {least}")
        if self.checksums not in CHECKSUMS:
            raise BadSetting(f"decode.checksums must be one of {', '.join(CHECKSUMS)}")


@dataclass
class Counts:
    """What a decoder saw and what it had to give up."""

    packets: int = 0
    bytes: int = 0
    evicted_flows: int = 0
    dropped_streams: int = 0
    lost_fragments: int = 0
    orphan_rows: int = 0
    cut_packets: int = 0  # a transport header that is not all there
    unknown_packets: int = 0  # of a link type that is not known
    bad_checksums: int = 0
    reassembly_given_up: int = 0


def options(s: DecodeSettings) -> NDArray[np.int64]:
    """The settings as the compiled part reads them."""
    o = np.zeros(layout.OPTIONS, np.int64)
    times = {
        layout.TCP_IDLE: s.tcp_idle, layout.UDP_IDLE: s.udp_idle, layout.ICMP_IDLE: s.icmp_idle,
        layout.OTHER_IDLE: s.other_idle, layout.ATTEMPT: s.attempt, layout.CLOSE_DELAY: s.close_delay,
        layout.RESET_DELAY: s.reset_delay, layout.SYN_TIMER: s.syn_timer, layout.SESSION_TIMER: s.session_timer,
        layout.LINGER: s.linger, layout.PARTIAL_CLOSE: s.partial_close, layout.REPORT_EVERY: s.report_every,
    }  # fmt: skip
    for place, seconds in times.items():
        o[place] = round(seconds * SECOND)
    o[layout.VLAN_IN_KEY] = s.vlan_in_key
    # The seed scatters the table, so that nobody can craft collisions; the order of rows does not depend on it.
    o[layout.SEED] = int.from_bytes(os.urandom(7), "little")
    return o


class Decoder:
    """Decodes one capture. ``faults`` is what was wrong with it, ``counts`` what was seen; both grow as it runs."""

    def __init__(
        self, identity: Identity, settings: DecodeSettings, keep: Keep,
        streams: Sequence[StreamParser] | None = None, datagrams: Sequence[DatagramParser] | None = None,
    ) -> None:  # fmt: skip
        self.settings = settings
        self.faults: list[BadInput] = []
        self.counts = Counts()
        self.table = table.make(settings.flows, DONE, settings.events, options(settings), servers(),
                                np.zeros(65536, np.uint8))  # fmt: skip
        self.apps = Applications(
            self.table, stream_parsers() if streams is None else streams,
            datagram_parsers() if datagrams is None else datagrams,
            Limits(settings.streams, settings.held_bytes, settings.held_total, settings.probe_bytes), keep,
        )  # fmt: skip
        self.outbox = Outbox(settings.batch_rows, identity)
        self.fragments = Fragments(settings.fragment_bytes)
        self._rows = np.zeros(STEP + headers.MAX_ROWS, layout.ROW)
        self._seen = np.zeros(2, np.int64)
        self._annex = 0

    def run(self, capture: Capture, progress: Progress = silent) -> Iterator[Batch]:
        """Decode all of ``capture``; a fault of it goes into ``faults`` once everything before it was yielded."""
        packets = np.zeros((STEP, layout.PACKET_WORDS), np.int64)
        self._annex = capture.chunk
        while True:
            n = capture.packets(packets)
            if n:
                yield from self._take(capture, packets, n)
            if n < STEP and not capture.read():
                yield from self._flush(capture.buffer)
                self._annex = capture.chunk
                progress(capture.done, capture.size, "bytes")
                if not capture.fill():
                    break
        yield from self._end(capture.buffer)
        self._count()
        if capture.fault is not None:
            self.faults.append(capture.fault)
        if self.counts.packets and self.counts.unknown_packets == self.counts.packets:
            self.faults.append(BadInput(f"link type {packets[0, 4]} is not known", capture.place, 0))

    def _take(self, capture: Capture, packets: NDArray[np.int64], n: int) -> Iterator[Batch]:
        self.counts.packets += n
        self.counts.bytes += int(packets[:n, 1].sum())
        check = self.settings.checksums == "check"
        k = 0
        while k < n:
            k, m = headers.parse(capture.buffer, packets, k, n, self._rows, self._seen, check, links.LINK_TABLE)
            rows = self._rows[:m]
            if (rows["kind"] == layout.FRAGMENT).any():
                yield from self._take_rows(capture.buffer, self._reassemble(capture, rows, check))
            else:
                yield from self._take_rows(capture.buffer, rows)

    def _take_rows(self, buffer: NDArray[np.uint8], rows: NDArray[np.void]) -> Iterator[Batch]:
        i = 0
        while i < len(rows):
            i = flows.track(self.table, rows, i, len(rows))
            if i < len(rows):
                yield from self._flush(buffer)

    def _reassemble(self, capture: Capture, rows: NDArray[np.void], check: bool) -> NDArray[np.void]:
        """Put rows of whole datagrams in the place of the fragments that completed them."""
        parts, last = [], 0
        for i in np.nonzero(rows["kind"] == layout.FRAGMENT)[0]:
            start, size = int(rows["start"][i]), int(rows["size"][i])
            whole = self.fragments.add(capture.buffer[start : start + size].tobytes(), int(rows["ts"][i]))
            if whole is None or self._annex + len(whole) > capture.chunk + ANNEX:
                continue
            at = self._annex
            capture.buffer[at : at + len(whole)] = np.frombuffer(whole, np.uint8)
            self._annex += len(whole)
            packet = np.array([[at, len(whole), len(whole), rows["ts"][i], RAW_LINK]], np.int64)
            made = np.zeros(2 * headers.MAX_ROWS, layout.ROW)
            _, m = headers.parse(capture.buffer, packet, 0, 1, made, self._seen, check, links.LINK_TABLE)
            made["vlan"][:m] = rows["vlan"][i]
            parts += [rows[last:i], made[:m]]
            last = int(i) + 1
        parts.append(rows[last:])
        return np.concatenate(parts)

    def _flush(self, buffer: NDArray[np.uint8]) -> Iterator[Batch]:
        """Parsers first, because they label the flows that finished."""
        self.apps.take(buffer)
        self.apps.expire(int(self.table.counters[layout.NOW]))
        self._post()
        yield from self.outbox.take()

    def _post(self) -> None:
        n = int(self.table.counters[layout.DONE])
        if n:
            t, done = self.table, self.table.done[:n]
            self.outbox.add_flows(done, t.done_ends[: 2 * n], t.done_history[:n], self.apps.apps(done))
        self.table.counters[layout.DONE] = 0
        self.apps.post(self.outbox)

    def _end(self, buffer: NDArray[np.uint8]) -> Iterator[Batch]:
        slot = 0
        while slot < self.table.counters[layout.HIGH]:
            slot = flows.drain(self.table, slot)
            yield from self._flush(buffer)
        self.apps.finish()
        self._post()
        yield from self.outbox.take(everything=True)

    def _count(self) -> None:
        c = self.counts
        c.evicted_flows = int(self.table.counters[layout.EVICTED])
        c.bad_checksums = int(self.table.counters[layout.BAD_SUMS])
        c.cut_packets, c.unknown_packets = (int(x) for x in self._seen)
        c.dropped_streams, c.orphan_rows = self.apps.dropped, self.apps.orphans
        c.reassembly_given_up = self.apps.budget.given_up
        c.lost_fragments = self.fragments.lost + len(self.fragments.waiting)


RAW_LINK = 101
COLLECT = (50_000, 20, 50)  # objects made between looks, and looks at the young before one at the older


@contextmanager
def fewer_collections() -> Iterator[None]:
    """Let Python look for cycles less often meanwhile: parsers make many objects and no cycles, and by default a fifth
    of the time went into looking at all that libraries have loaded."""
    before = gc.get_threshold()
    gc.set_threshold(*(max(b, m) for b, m in zip(before, COLLECT, strict=True)))
    try:
        yield
    finally:
        gc.set_threshold(*before)


def decode_capture(
    path: Path, identity: Identity, settings: DecodeSettings = DecodeSettings(), *, keep: Keep,
    progress: Progress = silent,
) -> Iterator[Batch]:  # fmt: skip
    """Yield the Batches of a capture file. Raises BadInput with place, byte offset and reason: at once if it is no
    capture, after the last Batch if the capture is cut off or corrupt; what was read before the fault is yielded."""
    with Capture(path, settings.chunk_bytes, ANNEX) as capture, fewer_collections():
        decoder = Decoder(identity, settings, keep)
        yield from decoder.run(capture, progress)
    if decoder.faults:
        raise decoder.faults[0]
