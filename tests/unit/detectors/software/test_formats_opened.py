"""Archives of others: 7z, RAR, cabinets, ISO images, compound files, each made here, cut, locked and bombed."""

from __future__ import annotations

import struct
import time
import zlib
from pathlib import Path

import pytest

from detectors.software import foreign, ole
from detectors.software.analysis import load
from detectors.software.budget import MB, PROFILES, scaled
from detectors.software.streams import CHUNK

SHELL = b"<?php eval(base64_decode($_POST['x'])); ?>"
ANALYSIS = load(Path("rules/yara"))
PACKAGE = PROFILES["package"]


def facts(content: bytes, profile=PACKAGE):
    return ANALYSIS.facts(memoryview(content), "x", profile)


def by_libarchive(form: str, **files: bytes) -> bytes:
    assert foreign.library() is not None
    import libarchive

    out = bytearray()

    def take(part: bytes) -> int:
        out.extend(part)
        return len(part)

    with libarchive.custom_writer(take, form) as archive:
        for name, content in files.items():
            archive.add_file_from_memory(name, len(content), content)
    return bytes(out)


def rar(name: bytes, content: bytes) -> bytes:
    """RAR 4, stored."""

    def block(kind: int, flags: int, rest: bytes) -> bytes:
        head = struct.pack("<BHH", kind, flags, 7 + len(rest)) + rest
        return struct.pack("<H", zlib.crc32(head) & 0xFFFF) + head

    crc = zlib.crc32(content)
    fields = struct.pack("<IIBIIBBHI", len(content), len(content), 3, crc, 0, 20, 0x30, len(name), 0o100644) + name
    return b"Rar!\x1a\x07\x00" + block(0x73, 0, bytes(6)) + block(0x74, 0x8000, fields) + content + block(0x7B, 0, b"")


def cab(name: bytes, content: bytes) -> bytes:
    """One folder, stored."""
    file = struct.pack("<IIHHHH", len(content), 0, 0, 0, 0, 0x20) + name + b"\0"
    data = struct.pack("<IHH", 0, len(content), len(content)) + content
    files_at = 36 + 8
    data_at = files_at + len(file)
    folder = struct.pack("<IHH", data_at, 1, 0)
    size = data_at + len(data)
    head = b"MSCF" + struct.pack("<IIIIIBBHHHHH", 0, size, 0, files_at, 0, 3, 1, 1, 1, 0, 0, 0)
    return head + folder + file + data


MADE = {
    "7z": lambda: by_libarchive("7zip", **{"a.php": SHELL}), "iso": lambda: by_libarchive("iso9660",
                                                                                          **{"a.php": SHELL}),
    "rar": lambda: rar(b"a.php", SHELL), "cab": lambda: cab(b"a.php", SHELL),
}  # fmt: skip


@pytest.mark.parametrize("form", MADE)
def test_what_lies_in_it_is_looked_at(form):
    found = facts(MADE[form]())
    assert found.format == form
    assert [f.path for f in found.files if f.depth] == ["x!/a.php"]
    assert "yara.PHP_Runs_What_Is_Sent" in {e.rule for e in found.evidence}
    assert not found.limits


@pytest.mark.parametrize("form", MADE)
def test_one_that_is_cut_off_is_damaged(form):
    content = MADE[form]()
    found = facts(content[: -len(content) // 3])
    assert {x.name for x in found.limits} == {"damaged"}


@pytest.mark.parametrize("form", ["7zip"])
def test_a_bomb_gives_at_most_the_limit_and_a_chunk(form):
    bomb = by_libarchive(form, zeros=bytes(40 * MB), **{"a.php": SHELL})
    assert len(bomb) < MB
    found = facts(bomb, scaled(PACKAGE, out=8 * MB))
    assert found.bytes_out <= 8 * MB + CHUNK
    assert {x.name for x in found.limits} == {"bytes"}
    assert any(x.name == "ratio" for x in facts(bomb).limits)  # 40 MB of a few kB


def test_a_name_that_leads_out_is_evidence():
    found = facts(by_libarchive("7zip", **{"../../etc/cron.d/x": b"* * * * * root id"}))
    assert "archive.traversal" in {e.rule for e in found.evidence}


def test_a_method_that_is_not_read_is_a_limit():
    content = bytearray(rar(b"a.php", SHELL))
    at = content.index(b"\x30", 30)
    content[at] = 0x39  # a method that nobody has
    head = bytes(content[22 : 22 + 5 + 25 + 5])
    struct.pack_into("<H", content, 20, zlib.crc32(head) & 0xFFFF)
    assert facts(bytes(content)).limits


# compound files


def literal(text: bytes) -> bytes:
    """Text in the compression of macros, all of it literal ([MS-OVBA] 2.4.1)."""
    out = bytearray(b"\x01")
    for first in range(0, len(text), 3600):
        part = text[first : first + 3600]
        body = b"".join(b"\0" + part[i : i + 8] for i in range(0, len(part), 8))
        out += struct.pack("<H", 0xB000 | (len(body) - 1)) + body
    return bytes(out)


def compound(name: str, content: bytes) -> bytes:
    """A compound file of one stream ([MS-CFB]): header, table, directory, content."""
    content = content.ljust(4096, b"\0")
    content += bytes(-len(content) % 512)
    sectors = len(content) // 512
    table = [0xFFFFFFFD, 0xFFFFFFFE, *range(3, 2 + sectors), 0xFFFFFFFE]
    table += [0xFFFFFFFF] * (128 - len(table))
    head = struct.pack("<8s16sHHHHH6xIIIIIIIIII", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"", 0x3E, 3, 0xFFFE, 9, 6, 0,
                       1, 1,
                       0, 4096, 0xFFFFFFFE, 0, 0xFFFFFFFE, 0, 0)  # fmt: skip
    head = head[:76] + struct.pack("<109I", 0, *[0xFFFFFFFF] * 108)

    def entry(label: str, kind: int, child: int, start: int, size: int) -> bytes:
        raw = (label + "\0").encode("utf-16-le")
        return struct.pack("<64sHBBIII16sIQQIQ", raw, len(raw), kind, 1, 0xFFFFFFFF, 0xFFFFFFFF, child, b"", 0, 0, 0,
                           start,
                           size)  # fmt: skip

    directory = entry("Root Entry", 5, 1, 0xFFFFFFFE, 0) + entry(name, 2, 0xFFFFFFFF, 2, len(content)) + bytes(256)
    return head + struct.pack("<128I", *table) + directory + content


MACRO = b"""Attribute VB_Name = "Module1"\r
Sub AutoOpen()\r
  CreateObject("WScript.Shell").Run "cmd /c calc"\r
End Sub\r
"""


def test_a_macro_is_read_out_of_a_document_and_judged():
    found = facts(compound("Module1", b"\x00" * 40 + literal(MACRO)))
    assert found.format == "ole"
    assert [f.path for f in found.files] == ["x", "x!/Module1", "x!/Module1.bas"]
    (e,) = [e for e in found.evidence if e.rule == "macro.starts"]
    assert (e.path, e.line) == ("x!/Module1.bas", 3)


def test_the_examples_of_the_specification_come_out():
    plain = "0119B000616263646566676800696A6B6C6D6E6F70007172737475762E"
    assert ole.macro(bytes.fromhex(plain)) == b"abcdefghijklmnopqrstuv."
    assert ole.macro(bytes.fromhex("0103B002614500")) == b"a" * 73


@pytest.mark.parametrize("cut", range(0, 29, 4))
def test_a_macro_that_is_cut_or_lies_gives_what_it_can(cut):
    whole = bytes.fromhex("0119B000616263646566676800696A6B6C6D6E6F70007172737475762E")
    assert b"abcdefghijklmnopqrstuv.".startswith(ole.macro(whole[:cut]) if cut else b"")
    assert ole.macro(b"\x01\x02\xb0\x01\xff\xff") == b""  # copies from before its beginning


def test_names_in_an_installer_are_read():
    assert ole.plain("".join(chr(0x3800 + a + 64 * b) for a, b in ((10, 11), (12, 13)))) == "ABCD"
    assert ole.plain("䡀Tables") == "!Tables"
    assert ole.plain("Binary.x") == "Binary.x"


@pytest.mark.parametrize("spoiled", [slice(30, 34), slice(44, 80), slice(512, 1024), slice(1024, 1200)])
def test_a_compound_file_that_lies_ends_and_is_told(spoiled):
    content = bytearray(compound("Module1", literal(MACRO)))
    for value in (b"\0", b"\x01", b"\xff"):
        content[spoiled] = value * (spoiled.stop - spoiled.start)
        began = time.monotonic()
        found = facts(bytes(content))
        assert time.monotonic() - began < 5
        assert found.limits or len(found.files) > 1 or found.format != "ole"
