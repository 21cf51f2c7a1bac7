"""Programs and libraries of Linux, Windows and macOS: imports, layout, hardening, and what is odd in them.

Read by LIEF, which is C++ and reads hostile bytes: in the worker only.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator
from typing import Any

from detectors.software.budget import Budget
from detectors.software.facts import Binary, Evidence, visible
from detectors.software.unpack import Node

FORMATS = ("elf", "pe", "macho")
MOST = 256 << 20
"""Bytes of one that is read."""
LISTED = 40
"""Libraries that are told."""
DENSE = 7.2
"""Bits a byte of code from which it is packed or encrypted: compiled code has five to six and a half."""
LARGE = 1 << 16
PACKERS = {"UPX0": "UPX", "UPX1": "UPX", "UPX!": "UPX", ".aspack": "ASPack", ".adata": "ASPack", ".MPRESS1": "MPRESS",
           ".themida": "Themida", ".vmp0": "VMProtect", ".vmp1": "VMProtect", ".petite": "Petite", "pec1": "PECompact",
           ".enigma1": "Enigma", ".nsp0": "NsPack", ".yP": "Y0da"}  # fmt: skip
WEIGHTS = {"binary.packed": 1.0, "binary.inject": 3.0, "binary.keys": 1.5, "binary.fetches": 2.5,
           "binary.writable-code": 0.6,
           "binary.signature": 2.0, "binary.preload": 1.5, "binary.broken": 0.0}  # fmt: skip
_INJECT = ({"VirtualAllocEx", "NtAllocateVirtualMemory"}, {"WriteProcessMemory", "NtWriteVirtualMemory"},
           {"CreateRemoteThread", "CreateRemoteThreadEx", "NtCreateThreadEx", "QueueUserAPC", "SetThreadContext",
            "RtlCreateUserThread"})  # fmt: skip
_KEYS = (
    {"SetWindowsHookExA", "SetWindowsHookExW", "GetAsyncKeyState"},
    {"InternetOpenA", "InternetOpenW", "WinHttpOpen", "WSAStartup", "HttpSendRequestA", "HttpSendRequestW"},
)
_FETCHES = (
    {"URLDownloadToFileA", "URLDownloadToFileW"},
    {"WinExec", "ShellExecuteA", "ShellExecuteW", "ShellExecuteExW", "CreateProcessA", "CreateProcessW"},
)
_COMBINED = (("binary.inject", _INJECT), ("binary.keys", _KEYS), ("binary.fetches", _FETCHES))
_STOOD_IN = frozenset({"readdir", "readdir64", "execve", "accept", "getaddrinfo", "fopen", "fopen64",
                       "pam_authenticate",
                       "pcap_loop", "unlink", "unlinkat", "lstat", "__xstat", "fdopendir", "getpwnam"})  # fmt: skip
"""Functions of the C library that a library which hides files, users or connections puts itself before."""


def warm() -> None:
    """Load the library: a worker that is shut in must have it."""
    import lief

    lief.logging.disable()


def look(node: Node, budget: Budget) -> Iterable[Evidence | Binary]:
    """What one binary is, and what is odd in it; of other files nothing."""
    if node.format not in FORMATS:
        return
    if len(node.content) > MOST:
        budget.hit("slow", node.path, f"{MOST >> 20} MB of a binary")
        return
    import lief

    read = {"elf": _elf, "pe": _pe, "macho": _macho}[node.format]
    try:
        with warnings.catch_warnings():  # it warns of numbers that its lists lack: hostile files are full of them
            warnings.simplefilter("ignore", RuntimeWarning)
            found = read(lief, bytes(node.content))
    except (ValueError, RuntimeError, MemoryError, OverflowError) as e:
        found, why = None, f"{type(e).__name__}: {e}"
    else:
        why = "no structure of its kind"
    if found is None:
        yield _told("binary.broken", node.path, why)
        return
    for one in found:
        yield from one.told(node)


class _Read:
    """One binary as it is told, whatever its format."""

    def __init__(self, format: str, machine: object, imports: set[str], libraries: list[str],
                 sections: list[tuple[str, int, float, bool, bool]], hardening: dict[str, str],
                 signed: str = "") -> None:  # fmt: skip
        self.format, self.machine = format, str(machine).rsplit(".", 1)[-1]
        self.imports, self.libraries, self.sections = imports, libraries, sections
        self.hardening, self.signed = hardening, signed
        self.exports: set[str] = set()

    def told(self, node: Node) -> Iterator[Evidence | Binary]:
        packed = next((PACKERS[n] for n, *_ in self.sections if n in PACKERS), "")
        dense = next(
            (n for n, size, entropy, _, run in self.sections if run and size >= LARGE and entropy > DENSE), None
        )
        if packed or dense is not None:
            yield _told(
                "binary.packed", node.path, packed or f"{dense or 'code'}: {self._entropy(dense):.1f} bits a byte"
            )
        both = next((n for n, _, _, write, run in self.sections if write and run), None)
        if both is not None and not packed:
            yield _told("binary.writable-code", node.path, both or "a segment")
        for rule, needed in _COMBINED:
            hits = [sorted(self.imports & some) for some in needed]
            if all(hits):
                yield _told(rule, node.path, ", ".join(h[0] for h in hits))
        if self.signed == "broken":
            yield _told("binary.signature", node.path, "Authenticode")
        stood = sorted(self.exports & _STOOD_IN)
        if len(stood) >= 3 and "dlsym" in self.imports:
            yield _told("binary.preload", node.path, ", ".join(stood[:5]))
        libraries = tuple(visible(x, 100) for x in self.libraries[:LISTED])
        yield Binary(node.path, self.format, self.machine, len(self.imports), libraries,
                     packed or ("dense" if dense is not None else ""), self.signed, self.hardening)  # fmt: skip

    def _entropy(self, name: str | None) -> float:
        return max(e for n, _, e, _, _ in self.sections if n == name)


def _elf(lief: Any, content: bytes) -> list[_Read] | None:
    how = lief.ELF.ParserConfig()
    how.parse_relocations = how.parse_symtab_symbols = how.parse_symbol_versions = how.parse_notes = (
        how.parse_overlay
    ) = False
    b = lief.ELF.parse(content, how)
    if b is None:
        return None
    flag = lief.ELF.Section.FLAGS
    sections = [(_text(s.name), s.size, s.entropy if s.has(flag.EXECINSTR) else 0.0, s.has(flag.WRITE),
                 s.has(flag.EXECINSTR))
                for s in b.sections]  # fmt: skip
    load = lief.ELF.Segment.TYPE.LOAD
    segment = lief.ELF.Segment.FLAGS
    sections += [("", s.physical_size, 0.0, True, True) for s in b.segments
                 if s.type == load and s.has(segment.W) and s.has(segment.X)]  # fmt: skip
    if not any(n in PACKERS for n, *_ in sections) and b"UPX!" in content[:4096]:
        sections.append(("UPX!", 0, 0.0, False, False))
    imports = {_text(s.name) for s in b.imported_symbols}
    now = any(e.tag == lief.ELF.DynamicEntry.TAG.BIND_NOW or
              (e.tag == lief.ELF.DynamicEntry.TAG.FLAGS and e.value & 8) or
              (e.tag == lief.ELF.DynamicEntry.TAG.FLAGS_1 and e.value & 1) for e in b.dynamic_entries)  # fmt: skip
    relro = any(s.type == lief.ELF.Segment.TYPE.GNU_RELRO for s in b.segments)
    hardening = {"nx": _yes(b.has_nx), "pie": _yes(b.is_pie),
                 "relro": "full" if relro and now else "partial" if relro else "no",
                 "canary": _yes("__stack_chk_fail" in imports),
                 "fortify": _yes(any(i.endswith("_chk") and i != "__stack_chk_fail" for i in imports))}  # fmt: skip
    out = _Read("elf", b.header.machine_type, imports, [_text(x) for x in b.libraries], sections, hardening)
    out.exports = {_text(s.name) for s in b.exported_symbols}
    return [out]


def _pe(lief: Any, content: bytes) -> list[_Read] | None:
    how = lief.PE.ParserConfig()
    how.parse_rsrc = how.parse_reloc = how.parse_exceptions = False
    b = lief.PE.parse(content, how)
    if b is None:
        return None
    flag = lief.PE.Section.CHARACTERISTICS
    sections = [(_text(s.name), s.size, s.entropy, s.has_characteristic(flag.MEM_WRITE),
                 s.has_characteristic(flag.MEM_EXECUTE)) for s in b.sections]  # fmt: skip
    imports = {_text(e.name) for i in b.imports for e in i.entries if e.name}
    bits = b.optional_header.dll_characteristics
    hardening = {"aslr": _yes(bits & 0x40), "nx": _yes(bits & 0x100), "cfg": _yes(bits & 0x4000),
                 "high-entropy": _yes(bits & 0x20)}  # fmt: skip
    signed = ""
    if b.has_signatures:
        flags = lief.PE.Signature.VERIFICATION_FLAGS
        result = b.verify_signature()
        signed = "broken" if result & (flags.BAD_DIGEST | flags.BAD_SIGNATURE) else "signed"
    return [_Read("pe", b.header.machine, imports, [_text(i.name) for i in b.imports], sections, hardening, signed)]


def _macho(lief: Any, content: bytes) -> list[_Read] | None:
    found = lief.MachO.parse(content, lief.MachO.ParserConfig.quick)
    if found is None:
        return None
    out = []
    for b in found:
        sections = [(_text(s.name), s.size, 0.0, False, False) for s in b.sections]
        sections += [(_text(s.name), s.file_size, 0.0, bool(s.init_protection & 2), bool(s.init_protection & 4))
                     for s in b.segments if s.file_size]  # fmt: skip
        imports = {_text(s.name).removeprefix("_") for s in b.imported_symbols}
        hardening = {"pie": _yes(b.is_pie), "nx": _yes(b.has_nx), "canary": _yes("__stack_chk_fail" in imports)}
        out.append(_Read("macho", b.header.cpu_type, imports, [_text(x.name) for x in b.libraries], sections, hardening,
                         "signed" if b.has_code_signature else ""))  # fmt: skip
    return out


def _text(name: object) -> str:
    return name.decode("utf-8", "replace") if isinstance(name, bytes) else str(name)


def _yes(holds: object) -> str:
    return "yes" if holds else "no"


def _told(rule: str, path: str, matched: str) -> Evidence:
    return Evidence(rule, path, WEIGHTS[rule], matched=visible(matched))
