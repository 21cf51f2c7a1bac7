"""What a PDF does when it is opened: programs it starts, scripts it runs, files it carries.

Names are read as a reader reads them (``#4a`` is ``J``), also within compressed objects (ISO 32000-1, 7.3.5 and 7.5.7).
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator

from detectors.software.budget import Budget
from detectors.software.facts import Evidence, visible
from detectors.software.unpack import Node

MOST = 64 << 20
STREAM, ALL = 1 << 20, 32 << 20
"""Bytes that come out of a compressed object, and out of all of them."""
WEIGHTS = {"pdf.launch": 3.5, "pdf.script-at-open": 2.0, "pdf.script": 0.5, "pdf.carries-program": 3.0}
_OBJECTS = re.compile(
    rb"/ObjStm\b[^>]*>>\s*stream\r?\n|/FlateDecode\b[^>]*/(?:JavaScript|JS)\b[^>]*>>\s*stream\r?\n", re.DOTALL
)
_ESCAPED = re.compile(rb"#([0-9A-Fa-f]{2})")
_LAUNCH = re.compile(rb"/S\s*/Launch\b.{0,300}", re.DOTALL)
_SCRIPT = re.compile(rb"/S\s*/JavaScript\b|/JS\s*[(<\d]")
_OPEN = re.compile(rb"/OpenAction\b|/AA\s*<<")
_PROGRAM = re.compile(rb"/(?:F|UF)\s*\([^)]{1,200}\.(?:exe|scr|js|vbs|hta|bat|cmd|ps1|lnk|jar|iso)\)", re.IGNORECASE)


def look(node: Node, budget: Budget) -> Iterator[Evidence]:
    """Evidence in one document; in other files none."""
    if node.format != "pdf":
        return
    if len(node.content) > MOST:
        budget.hit("slow", node.path, f"{MOST >> 20} MB of PDF")
    raw = bytes(node.content[:MOST])
    text = _ESCAPED.sub(lambda m: bytes([int(m[1], 16)]), raw + b"\n".join(_inflated(node.path, raw, budget)))
    launch, script = _LAUNCH.search(text), _SCRIPT.search(text)
    if launch is not None:
        yield _told("pdf.launch", node, launch[0])
    if script is not None:
        yield _told(
            "pdf.script-at-open" if _OPEN.search(text) else "pdf.script",
            node,
            text[script.start() : script.start() + 100],
        )
    if b"/EmbeddedFile" in text and (m := _PROGRAM.search(text)) is not None:
        yield _told("pdf.carries-program", node, m[0])


def _inflated(path: str, raw: bytes, budget: Budget) -> Iterator[bytes]:
    left = ALL
    for m in _OBJECTS.finditer(raw):
        try:
            out = zlib.decompressobj().decompress(raw[m.end() : m.end() + STREAM], min(STREAM, left))
        except zlib.error:
            continue  # another filter, or damage: the plain text around it is looked at all the same
        budget.give(len(out), len(out), len(out))
        left -= len(out)
        yield out
        if left <= 0:
            budget.hit("bytes", path, f"{ALL:,} bytes of objects of a PDF")
            return


def _told(rule: str, node: Node, matched: bytes) -> Evidence:
    return Evidence(rule, node.path, WEIGHTS[rule], matched=visible(matched.decode("latin-1").strip()))
