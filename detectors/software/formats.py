"""What content is, told from the content. A name is a hint only where content cannot tell: for text."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable

MAGIC: tuple[tuple[int, bytes, str], ...] = (
    (0, b"PK\x03\x04", "zip"), (0, b"PK\x05\x06", "zip"), (0, b"PK\x07\x08", "zip"),
    (0, b"\x1f\x8b", "gzip"), (0, b"BZh", "bzip2"), (0, b"\xfd7zXZ\x00", "xz"), (0, b"\x28\xb5\x2f\xfd", "zstd"),
    (0, b"\x5d\x00\x00", "lzma"), (257, b"ustar", "tar"), (0, b"!<arch>\n", "ar"), (0, b"7z\xbc\xaf\x27\x1c", "7z"),
    (0, b"Rar!\x1a\x07", "rar"), (0, b"MSCF", "cab"), (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "ole"),
    (32769, b"CD001", "iso"), (0, b"070701", "cpio"), (0, b"070702", "cpio"), (0, b"070707", "cpio"),
    (0, b"\xed\xab\xee\xdb", "rpm"), (0, b"\x7fELF", "elf"), (0, b"MZ", "pe"), (0, b"\xca\xfe\xba\xbe", "class"),
    (0, b"\xfe\xed\xfa\xce", "macho"), (0, b"\xfe\xed\xfa\xcf", "macho"), (0, b"\xce\xfa\xed\xfe", "macho"),
    (0, b"\xcf\xfa\xed\xfe", "macho"), (0, b"%PDF-", "pdf"), (0, b"dex\n", "dex"), (0, b"\x00asm", "wasm"),
    (0, b"\x89PNG\r\n\x1a\n", "png"), (0, b"\xff\xd8\xff", "jpeg"), (0, b"GIF8", "gif"), (0, b"OTTO", "font"),
    (0, b"\x00\x01\x00\x00\x00", "font"), (0, b"wOFF", "font"), (0, b"wOF2", "font"),
    (0, b"SQLite format 3\0", "sqlite"),
)  # fmt: skip

SUFFIXES = {
    ".py": "python", ".pyw": "python", ".pth": "python", ".pyi": "python", ".js": "javascript", ".mjs": "javascript",
    ".cjs": "javascript", ".ts": "javascript", ".jsx": "javascript", ".sh": "shell", ".bash": "shell",
    ".ps1": "powershell", ".psm1": "powershell", ".php": "php", ".rb": "ruby", ".pl": "perl", ".bat": "batch",
    ".cmd": "batch", ".vbs": "vba", ".bas": "vba", ".vba": "vba", ".json": "json", ".toml": "toml", ".yaml": "yaml",
    ".yml": "yaml",
    ".cfg": "ini", ".ini": "ini", ".md": "text", ".rst": "text", ".txt": "text", ".html": "html", ".htm": "html",
    ".xml": "xml", ".css": "css", ".svg": "xml",
}  # fmt: skip
"""What text is by its name."""

_SHEBANG = re.compile(rb"#!.{0,80}?\b(python|node|bash|sh|zsh|pwsh|php|perl|ruby)")
_BY_SHEBANG = {b"python": "python", b"node": "javascript", b"bash": "shell", b"sh": "shell", b"zsh": "shell",
               b"pwsh": "powershell", b"php": "php", b"perl": "perl", b"ruby": "ruby"}  # fmt: skip
_PYTHON = re.compile(rb"^\s*(?:import \w|from [\w.]+ import |def \w+\(|class \w+)", re.MULTILINE)
_FAT = range(1, 20)
"""Architectures of a fat Mach-O; a class file has its version there, which is higher."""


def _tar_header(head: memoryview) -> bool:
    """Whether a block is a tar header by its checksum: old tars have no magic."""
    if len(head) < 512:
        return False
    block = bytes(head[:512])
    field = block[148:156].strip(b"\0 ")
    if not field or not all(c in b"01234567" for c in field) or not block[0]:
        return False
    return int(field, 8) == sum(block) - sum(block[148:156]) + 8 * 32


def _class_or_macho(head: memoryview) -> str:
    return "macho" if len(head) >= 8 and struct.unpack(">I", head[4:8])[0] in _FAT else "class"


_MORE: dict[str, Callable[[memoryview], str]] = {"class": _class_or_macho}


def tell(content: memoryview, name: str = "") -> str:
    """The format: a word of MAGIC or SUFFIXES, ``text`` or ``data``; ``empty`` without a byte."""
    if not content:
        return "empty"
    for at, magic, word in MAGIC:
        if content[at : at + len(magic)] == magic:
            return _MORE[word](content) if word in _MORE else word
    if _tar_header(content):
        return "tar"
    head = bytes(content[:4096])
    if b"\0" in head:
        return "data"
    suffix = name[name.rfind(".") :].lower() if "." in name else ""
    if suffix in SUFFIXES:
        return SUFFIXES[suffix]
    found = _SHEBANG.match(head)
    if found:
        return _BY_SHEBANG[found[1]]
    if head.lstrip().startswith(b"<?php"):
        return "php"
    if _PYTHON.search(head) and not suffix:
        return "python"
    return "text" if _texty(head) else "data"


def _texty(head: bytes) -> bool:
    """Few control characters: text in some encoding."""
    controls = sum(c < 9 or 13 < c < 32 for c in head)
    return controls * 50 < len(head)
