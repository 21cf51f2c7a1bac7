"""The font of printed pages: Noto Sans SC (SIL Open Font Licence 1.1, beside it), the signs of GB 2312, Latin, and
some of
personal names. Made with pyftsubset from the regular weight; what it lacks is shown by its number.
"""

from __future__ import annotations

import struct
from functools import cache
from importlib import resources


@cache
def characters() -> frozenset[str]:
    """Every character that the font has a sign for (its ``cmap``; OpenType, formats 4 and 12)."""
    data = (resources.files(__name__) / "NotoSansSC.ttf").read_bytes()
    (count,) = struct.unpack_from(">H", data, 4)
    tables = (struct.unpack_from(">4sIII", data, 12 + 16 * i) for i in range(count))
    at = next(offset for tag, _, offset, _ in tables if tag == b"cmap")
    (subtables,) = struct.unpack_from(">H", data, at + 2)
    found: set[int] = set()
    for i in range(subtables):
        start = at + struct.unpack_from(">HHI", data, at + 4 + 8 * i)[2]
        (form,) = struct.unpack_from(">H", data, start)
        if form == 4:
            (twice,) = struct.unpack_from(">H", data, start + 6)
            ends = struct.unpack_from(f">{twice // 2}H", data, start + 14)
            begins = struct.unpack_from(f">{twice // 2}H", data, start + 16 + twice)
            for first, last in zip(begins, ends, strict=True):
                found.update(range(first, min(last, 0xFFFE) + 1))
        elif form == 12:
            (groups,) = struct.unpack_from(">I", data, start + 12)
            for g in range(groups):
                first, last, _ = struct.unpack_from(">III", data, start + 16 + 12 * g)
                found.update(range(first, last + 1))
    return frozenset(map(chr, found))
