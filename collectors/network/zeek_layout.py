"""How a log's lines are laid out: what its header says, a log beside it, or Zeek's own order of columns."""

from __future__ import annotations

from pathlib import Path

from collectors.network.zeek_files import BLANK, ORDERS, Layout, Log, first_line, head, header, recognise
from fengsui.errors import BadInput


def first_layout(log: Log, final: bool) -> Layout:
    """JSON lines; tab-separated under a header that follows; or, without one, in a neighbour's order or Zeek's own."""
    text = head(log.path)
    line = first_line(text) or (text if final else b"")
    if line.lstrip().startswith(b"{"):
        return Layout(json=True)
    if text.lstrip(BLANK).startswith(b"#") or not line:
        return Layout()
    count = line.count(b"\t") + 1
    for near in sorted(log.path.parent.glob("*.log*")):
        other = recognise(near) if near.is_file() and near != log.path else None
        beside = _header_of(near) if other and other.log == log.log else Layout()
        if len(beside.fields) == count:
            return beside
    fields = ORDERS.get((log.log, count))
    if fields is None:
        raise BadInput(f"no header, and {count} fields are no order of {log.log} that is known", str(log.path), 1, line)
    return Layout(fields=fields)


def _header_of(path: Path) -> Layout:
    lines = [x for x in head(path).split(b"\n") if x.startswith(b"#")]
    try:
        return header(Layout(), lines)
    except BadInput:
        return Layout()


def comments(text: bytes, *, first: bool) -> list[bytes]:
    """The ``#`` lines of whole lines of text; ``first`` if the log begins here."""
    found, at = [], text.find(b"\n#") + 1
    if first and text[:16].lstrip(BLANK)[:1] == b"#":
        found.append(text[: text.index(b"\n")].lstrip(BLANK))
    elif text[:1] == b"#":
        found.append(text[: text.index(b"\n")])
    while at:
        found.append(text[at : text.index(b"\n", at)])
        at = text.find(b"\n#", at) + 1
    return found
