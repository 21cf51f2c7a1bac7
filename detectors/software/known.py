"""Lists of hashes of malicious files: one SHA-256 a line, what it is behind it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from fengsui.errors import BadRule

_LINE = re.compile(r"([0-9a-fA-F]{64})(?:[\s,;]+(.*))?")


def read_hashes(paths: Sequence[Path]) -> dict[str, str]:
    """What each hash is, or the list that it stands in. Lines that begin with # are about it. Raises BadRule."""
    out: dict[str, str] = {}
    for path in paths:
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as e:
            raise BadRule(path, f"cannot be read: {e}") from e
        for number, line in enumerate(lines, 1):
            text = line.strip()
            if not text or text.startswith("#"):
                continue
            found = _LINE.fullmatch(text)
            if found is None:
                raise BadRule(path, f"line {number} is no SHA-256: {text[:80]!r}", number)
            out[found[1].lower()] = (found[2] or "").strip() or path.name
    return out
