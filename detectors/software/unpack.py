"""Every file in what was handed in, whatever lies in what: one pass, under one budget, nothing written under a name.

A member whose name leaves its folder is refused as a member (it goes nowhere here anyway) and is evidence; its content
is looked at all the same.
"""

from __future__ import annotations

import re
import stat
import struct
import unicodedata
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BytesIO
from zipfile import BadZipFile, ZipFile

from detectors.software import foreign, formats, ole, others, tars, zips
from detectors.software.budget import Budget, Spent
from detectors.software.facts import Evidence, visible
from detectors.software.spool import Spool
from detectors.software.streams import Damaged, Stored, Stream, stream

PASSWORDS = ("infected", "malware", "virus", "password")
"""What samples are passed around under."""
SLOW = 8 << 20
"""Bytes of an encrypted member that are tried: the old cipher is slow here (1.6 MB/s)."""
STREAMS = ("gzip", "bzip2", "xz", "lzma", "zstd")
CONTAINERS = ("zip", "tar", "ar", "cpio", "rpm", "ole", *foreign.FORMATS, *STREAMS)
IMAGES = ("oci-layout", "manifest.json")

WEIGHTS = {
    "archive.traversal": 3.0, "archive.absolute": 3.0, "archive.link": 3.0, "archive.device": 3.0, "archive.fifo": 3.0,
    "archive.bidi": 3.0, "archive.mismatch": 3.0, "archive.overlap": 3.0, "archive.twice": 1.0, "archive.zip64": 2.0,
    "archive.local": 1.0, "archive.setuid": 0.5, "archive.trailing": 0.3, "archive.before": 0.3, "archive.count": 1.0,
    "archive.disks": 0.5, "archive.control": 1.0, "archive.password": 1.0,
}  # fmt: skip
"""What each adds to the log odds of malice: whole decisions are made in ``verdict``."""
_DRIVE = re.compile(r"^[A-Za-z]:[\\/]")
_TAR_SUFFIX = {"tgz": "tar", "tbz": "tar", "tbz2": "tar", "txz": "tar", "tzst": "tar"}


@dataclass(frozen=True)
class Node:
    """A file: its path from what was handed in (``outer!/inner``), content, format, nesting."""

    path: str
    content: memoryview
    format: str
    depth: int
    parent: str = ""
    name: str = ""


Look = Callable[[Node], str]
"""Look at a file; gives its SHA-256."""


@dataclass
class Unpacker:
    """``look`` is told of every file, containers first. What is found on the way is in ``evidence`` and the budget."""

    budget: Budget
    spool: Spool
    look: Look
    passwords: tuple[str, ...] = PASSWORDS
    evidence: list[Evidence] = field(default_factory=list)

    def run(self, content: memoryview, name: str) -> None:
        try:
            self._open(Node(visible(name, 1000), content, formats.tell(content, name), 0, name=name))
        except Spent as e:
            self.budget.hit(e.name, name, e.detail)

    def _open(self, node: Node) -> None:
        sha256 = self.look(node)
        if node.format not in CONTAINERS:
            return
        if node.depth >= self.budget.profile.depth:
            self.budget.hit("depth", node.path, f"{self.budget.profile.depth}")
            return
        try:
            _OPEN[node.format](self, node, sha256)
        except Damaged as e:
            self.budget.hit(e.limit, node.path, str(e))
        except Spent as e:
            if e.whole:
                raise
            self.budget.hit(e.name, node.path, e.detail)

    def _member(self, node: Node, sha256: str, name: str, parts: Stream, crc: int | None = None) -> None:
        """One member through its decompressor. What came out before a limit or damage is looked at."""
        path = self._path(node, name)
        with self._fill(parts) as (content, spent):
            if spent is None and crc is not None and zlib.crc32(content) != crc:
                self.budget.hit("damaged", path, "its checksum is not that of its content")
            if spent is None or len(content):
                try:
                    self._open(self._node(node, path, name, content, sha256))
                except Spent as e:
                    if e.whole and isinstance(spent, Spent):
                        self.budget.hit(spent.name, path, spent.detail)
                    raise
        if isinstance(spent, Damaged):
            self.budget.hit(spent.limit, path, str(spent))
        elif spent is not None:
            self.budget.hit(spent.name, path, spent.detail)
            if spent.whole:
                raise spent

    @contextmanager
    def _fill(self, parts: Stream) -> Iterator[tuple[memoryview, Spent | Damaged | None]]:
        if isinstance(parts, Stored):
            self.budget.tick()
            yield parts.rest, None  # a slice: nothing comes out
            return
        with self.spool.filled(self.budget, parts.parts(), lambda: parts.taken) as filled:
            yield filled

    def _slice(self, node: Node, sha256: str, name: str, content: memoryview) -> None:
        path = self._path(node, name)
        self._open(self._node(node, path, name, content, sha256))

    def _node(self, node: Node, path: str, name: str, content: memoryview, sha256: str) -> Node:
        return Node(path, content, formats.tell(content, name), node.depth + 1, sha256, name)

    def _path(self, node: Node, name: str) -> str:
        return f"{node.path}!/{visible(name, 1000)}"

    def _found(self, rule: str, path: str, matched: str = "") -> None:
        self.evidence.append(Evidence(rule, visible(path, 1000), WEIGHTS[rule], matched=visible(matched)))

    def _named(self, node: Node, name: str) -> None:
        """What a member's name says."""
        path = self._path(node, name)
        if len(name.encode("utf-8", "surrogateescape")) > self.budget.profile.path:
            self.budget.hit("path", path, f"{self.budget.profile.path} bytes")
        parts = name.replace("\\", "/").split("/")
        if ".." in parts:
            self._found("archive.traversal", path, name)
        elif name.startswith(("/", "\\")) or _DRIVE.match(name):
            self._found("archive.absolute", path, name)
        if any(unicodedata.bidirectional(c) in ("RLO", "LRO", "RLE", "LRE", "RLI", "LRI", "FSI") for c in name):
            self._found("archive.bidi", path, name)
        elif any(unicodedata.category(c) == "Cc" for c in name):
            self._found("archive.control", path, name)

    def zip(self, node: Node, sha256: str) -> None:
        listed = zips.directory(node.content, self.budget)
        for rule, name, what in listed.odd:
            self._found(rule, self._path(node, name) if name else node.path, what)
        if listed.start > 0:
            self._found("archive.before", node.path, f"{listed.start} bytes before the first member")
        opened: ZipFile | None = None
        for e in listed.entries:
            self._named(node, e.name)
            if e.folder:
                continue
            if stat.S_ISLNK(e.mode) and not e.encrypted:
                self._link(node, e.name, bytes(zips.member(node.content, e).rest[:4096]).decode("utf-8", "replace"))
            if e.encrypted:
                opened = opened or _zipfile(node.content)
                self._encrypted(node, sha256, e, opened)
                continue
            try:
                self._member(node, sha256, e.name, zips.member(node.content, e), e.crc)
            except Damaged as damage:
                self.budget.hit("damaged", self._path(node, e.name), str(damage))
            except ValueError as method:
                self.budget.hit("unsupported", self._path(node, e.name), str(method))

    def _encrypted(self, node: Node, sha256: str, e: zips.Entry, opened: ZipFile | None) -> None:
        path = self._path(node, e.name)
        content = None if e.method == 99 or opened is None else self._tried(e, opened)
        if content is None:
            self.budget.hit("encrypted", path, zips.METHODS.get(e.method, "") if e.method == 99 else "")
            return
        self._found("archive.password", path)
        self.budget.give(len(content), len(content), max(1, e.packed))
        self._slice(node, sha256, e.name, memoryview(content))

    def _tried(self, e: zips.Entry, opened: ZipFile) -> bytes | None:
        if e.packed > SLOW:
            return None
        for word in self.passwords:
            self.budget.tick()
            try:
                with opened.open(e.name, pwd=word.encode()) as f:
                    return f.read(self.budget.profile.held)
            except (RuntimeError, BadZipFile, zlib.error, KeyError, NotImplementedError, EOFError, struct.error):
                continue  # the wrong word, as far as this cipher can tell
        return None

    def tar(self, node: Node, sha256: str) -> None:
        for e in tars.entries(node.content, self.budget):
            self._named(node, e.name)
            path = self._path(node, e.name)
            if e.kind in (tars.LINK, tars.SYMLINK):
                self._link(node, e.name, e.target)
            elif e.kind == tars.DEVICE:
                self._found("archive.device", path)
            elif e.kind == tars.FIFO:
                self._found("archive.fifo", path)
            elif e.kind in (tars.SPARSE, "unknown"):
                self.budget.hit("unsupported", path, f"tar: {e.kind}")
            elif e.kind == tars.FILE:
                if e.mode & (tars.SETUID | tars.SETGID):
                    self._found("archive.setuid", path, f"{e.mode:o}")
                self._slice(node, sha256, e.name, e.content)

    def _link(self, node: Node, name: str, target: str) -> None:
        """A link out of the archive's own tree: what is written through it lands elsewhere."""
        base = name.replace("\\", "/").split("/")[:-1]
        at = [] if target.startswith(("/", "\\")) else [p for p in base if p not in ("", ".")]
        out = target.startswith(("/", "\\")) or bool(_DRIVE.match(target))
        for part in target.replace("\\", "/").split("/"):
            if part == ".." and not at:
                out = True
            elif part == "..":
                at.pop()
            elif part not in ("", "."):
                at.append(part)
        if out and self.budget.profile.name != "image":  # a system's own tree is full of them
            self._found("archive.link", self._path(node, name), f"→ {target}")

    def _parts(self, node: Node, sha256: str, parts: Iterable[others.Part]) -> None:
        for name, mode, content in parts:
            self._named(node, name)
            kind = stat.S_IFMT(mode)
            if kind == stat.S_IFLNK:
                self._link(node, name, bytes(content[:4096]).decode("utf-8", "replace"))
            elif kind in (stat.S_IFCHR, stat.S_IFBLK):
                self._found("archive.device", self._path(node, name))
            elif kind != stat.S_IFDIR:
                self._slice(node, sha256, name, content)

    def ar(self, node: Node, sha256: str) -> None:
        self._parts(node, sha256, others.ar(node.content, self.budget))

    def cpio(self, node: Node, sha256: str) -> None:
        self._parts(node, sha256, others.cpio(node.content, self.budget))

    def rpm(self, node: Node, sha256: str) -> None:
        self._slice(node, sha256, "payload", others.rpm(node.content, self.budget))

    def foreign(self, node: Node, sha256: str) -> None:
        for m in foreign.members(node.content, node.format, self.budget):
            self._named(node, m.name)
            kind = stat.S_IFMT(m.mode)
            if m.link:
                self._link(node, m.name, m.link)
            elif kind in (stat.S_IFCHR, stat.S_IFBLK):
                self._found("archive.device", self._path(node, m.name))
            elif kind == stat.S_IFIFO:
                self._found("archive.fifo", self._path(node, m.name))
            elif kind != stat.S_IFDIR:
                self._member(node, sha256, m.name, m.content)

    def ole(self, node: Node, sha256: str) -> None:
        for name, content in ole.streams(node.content, self.budget):
            self._slice(node, sha256, name, content)

    def stream(self, node: Node, sha256: str) -> None:
        self.budget.member()
        parts = stream(node.content, node.format)
        self._member(node, sha256, _inner(node.name), parts)
        if parts.taken < len(node.content) and any(parts.rest) and not self.budget.limits:
            self._found("archive.trailing", node.path, f"{len(parts.rest)} bytes behind the end")


_OPEN: dict[str, Callable[[Unpacker, Node, str], None]] = {
    "zip": Unpacker.zip, "tar": Unpacker.tar, "ar": Unpacker.ar, "cpio": Unpacker.cpio, "rpm": Unpacker.rpm,
    "ole": Unpacker.ole, **dict.fromkeys(foreign.FORMATS, Unpacker.foreign),
    **dict.fromkeys(STREAMS, Unpacker.stream),
}  # fmt: skip


def _zipfile(content: memoryview) -> ZipFile | None:
    try:
        return ZipFile(BytesIO(bytes(content)))
    except (BadZipFile, ValueError, NotImplementedError, struct.error):
        return None


def _inner(name: str) -> str:
    """The name of what a compressed file holds: without its last suffix."""
    base = name.replace("\\", "/").rsplit("/", 1)[-1]
    stem, _, suffix = base.rpartition(".")
    if not stem:
        return base or "content"
    return f"{stem}.{_TAR_SUFFIX[suffix.lower()]}" if suffix.lower() in _TAR_SUFFIX else stem
