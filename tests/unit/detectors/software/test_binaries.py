"""Programs: this Python's own, and made ones of Windows."""

from __future__ import annotations

import struct
import sys
from pathlib import Path

import pytest

from detectors.software.analysis import load
from detectors.software.budget import PROFILES

ANALYSIS = load(Path("rules/yara"))


def facts(content: bytes, name: str = "x"):
    return ANALYSIS.facts(memoryview(content), name, PROFILES["package"])


def pe(imports: dict[str, list[str]], sections: tuple[tuple[bytes, int, bytes], ...] = ()) -> bytes:
    """A PE32+ program: one section of imports, and others of (name, characteristics, content)."""
    at, names = 0x1000, b""
    table = 20 * (len(imports) + 1)
    thunks = {}
    for dll, functions in imports.items():
        thunks[dll] = table
        table += 8 * (len(functions) + 1)
    body = bytearray(table)
    for i, (dll, functions) in enumerate(imports.items()):
        dll_at = table + len(names)
        names += dll.encode() + b"\0"
        for j, f in enumerate(functions):
            struct.pack_into("<Q", body, thunks[dll] + 8 * j, at + table + len(names))
            names += b"\0\0" + f.encode() + b"\0"
        struct.pack_into("<IIIII", body, 20 * i, at + thunks[dll], 0, 0, at + dll_at, at + thunks[dll])
    raw = [(b".idata", 0x40000040, bytes(body) + names), *sections]
    head = b"MZ" + bytes(58) + struct.pack("<I", 64)
    coff = b"PE\0\0" + struct.pack("<HHIIIHH", 0x8664, len(raw), 0, 0, 0, 240, 0x22)
    optional = struct.pack("<HBBIIIIIQIIHHHHHHIIIIHHQQQQII", 0x20B, 14, 0, 0, 0, 0, 0x1000, 0x1000, 0x140000000,
                           0x1000, 0x200,
                           6, 0, 0, 0, 6, 0, 0, 0x1000 * (len(raw) + 20), 0x400, 0, 3, 0x160, 0x100000, 0x1000,
                           0x100000,
                           0x1000, 0, 16)  # fmt: skip
    directories = bytearray(128)
    struct.pack_into("<II", directories, 8, at, len(body))
    out, headers, file_at, rva = b"", b"", 0x400, 0x1000
    for name, flags, content in raw:
        padded = content + bytes(-len(content) % 0x200)
        headers += struct.pack("<8sIIIIIIHHI", name, len(content), rva, len(padded), file_at, 0, 0, 0, 0, flags)
        file_at += len(padded)
        rva += (len(padded) + 0xFFF) & ~0xFFF
        out += padded
    return (head + coff + optional + bytes(directories) + headers).ljust(0x400, b"\0") + out


@pytest.mark.skipif(sys.platform != "linux", reason="a program of Linux")
def test_what_a_library_of_ours_is():
    import numpy._core._multiarray_umath as library

    found = facts(Path(library.__file__).read_bytes(), "library.so")
    (b,) = found.binaries
    assert (b.format, b.packed) == ("elf", "")
    assert b.imports > 100
    assert any(x.startswith("libc.") for x in b.libraries)
    assert b.hardening["nx"] == "yes"
    assert not [e for e in found.evidence if e.rule.startswith("binary.")]


def test_functions_that_mean_something_together_are_told():
    found = facts(pe({"KERNEL32.dll": ["VirtualAllocEx", "WriteProcessMemory", "CreateRemoteThread", "ExitProcess"]}))
    (b,) = found.binaries
    assert (b.format, b.machine, b.imports, b.libraries) == ("pe", "AMD64", 4, ("KERNEL32.dll",))
    assert b.hardening == {"aslr": "yes", "nx": "yes", "cfg": "no", "high-entropy": "yes"}
    assert "binary.inject" in {e.rule for e in found.evidence}
    plain = facts(pe({"KERNEL32.dll": ["VirtualAllocEx", "ExitProcess"]}))
    assert "binary.inject" not in {e.rule for e in plain.evidence}


def test_a_packed_program_and_code_that_can_be_changed_are_told():
    import random

    noise = random.Random(1).randbytes(1 << 17)
    found = facts(pe({"KERNEL32.dll": ["LoadLibraryA"]}, ((b".text", 0xE0000020, noise),)))
    assert {e.rule for e in found.evidence if e.rule.startswith("binary")} == {"binary.packed", "binary.writable-code"}
    assert found.binaries[0].packed == "dense"
    upx = facts(pe({"KERNEL32.dll": ["LoadLibraryA"]}, ((b"UPX0", 0xE0000020, b"x" * 512),)))
    assert upx.binaries[0].packed == "UPX"


def test_one_that_cannot_be_read_is_told_and_weighs_nothing():
    for content in (b"\x7fELF" + b"\xff" * 60, b"MZ" + b"\xff" * 500, b"\xcf\xfa\xed\xfe" + b"\xff" * 60):
        (e,) = [e for e in facts(content).evidence if e.rule.startswith("binary.")]
        assert (e.rule, e.weight) == ("binary.broken", 0.0)
