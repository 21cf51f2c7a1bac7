"""Foreign YARA rules: what of them can be used here, file by file, and why the rest cannot."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import yara

from detectors.batch.yara_rules import SUFFIXES
from fengsui.errors import BadInput

MOST = 16 << 20
"""Bytes of one file of rules."""
_INCLUDE = re.compile(r'^\s*include\s+"', re.MULTILINE)
_LINE = re.compile(r"line (\d+): (.*)", re.DOTALL)


@dataclass(frozen=True)
class Foreign:
    """A file of rules. ``rules``: names of those that compile, in their order; ``reason``: why it cannot be used, ""
    if it
    can; ``line`` where, 0 if nowhere."""

    name: str
    text: str
    rules: tuple[str, ...]
    reason: str = ""
    line: int = 0


def read(path: Path) -> Iterator[tuple[str, bytes]]:
    """Files of rules in a ZIP, a folder or a file, with their names in it. Raises BadInput."""
    if path.is_dir():
        for file in sorted(p for p in path.rglob("*") if p.suffix in SUFFIXES and p.is_file()):
            yield file.relative_to(path).as_posix(), file.read_bytes()
    elif zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as z:
            for member in z.infolist():
                if not member.filename.endswith(SUFFIXES):
                    continue
                if member.file_size > MOST:
                    raise BadInput(f"more than {MOST >> 20} MB", place=f"{path}!/{member.filename}")
                yield member.filename, z.read(member)
    else:
        yield path.name, path.read_bytes()


def examine(files: Iterable[tuple[str, bytes]]) -> Iterator[Foreign]:
    """Each file alone: whether it compiles, and whether a rule of its names was in one before it."""
    seen: dict[str, str] = {}
    for name, raw in files:
        found = _one(name, raw)
        twice = next((r for r in found.rules if r in seen), None)
        if twice is not None:
            found = Foreign(name, found.text, (), f"rule {twice} is also in {seen[twice]}")
        seen.update(dict.fromkeys(found.rules, name))
        yield found


def _one(name: str, raw: bytes) -> Foreign:
    try:
        text = raw.decode()
    except UnicodeDecodeError as e:
        return Foreign(name, "", (), "not UTF-8", raw.count(b"\n", 0, e.start) + 1)
    if _INCLUDE.search(text):
        return Foreign(name, text, (), "it includes other files")
    try:
        compiled = yara.compile(source=text, includes=False, error_on_warning=False)
    except yara.Error as e:
        m = _LINE.search(str(e))
        return Foreign(name, text, (), m[2] if m else str(e), int(m[1]) if m else 0)
    rules = tuple(r.identifier for r in compiled)
    return Foreign(name, text, rules, "" if rules else "it holds no rule")


def put(found: Foreign, folder: Path) -> Path:
    """Write a file that can be used below a folder, under its own name; none leads out of it."""
    parts = [re.sub(r"[^A-Za-z0-9._-]", "_", p) for p in found.name.split("/") if p not in ("", ".", "..")]
    path = folder.joinpath(*parts)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(found.text, encoding="utf-8")
    return path
