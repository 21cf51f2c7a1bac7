"""What Office macros and scripts of Visual Basic do, from their text: there is no grammar worth its weight.

A macro that runs by itself when a document is opened, and then starts something, is what documents are sent for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from detectors.software.budget import Budget
from detectors.software.facts import Evidence, visible
from detectors.software.signs import BARE, DROPS, LOCAL, PROGRAM, SHELL
from detectors.software.unpack import Node

MOST = 2 << 20
WEIGHTS = {"macro.starts": 3.5, "macro.fetches": 2.0, "macro.fetches-and-starts": 3.0, "macro.code": 3.5,
           "macro.hidden": 1.5,
           "macro.shell": 3.0, "macro.drop": 2.5, "macro.program-url": 1.5, "macro.bare-address": 0.8}  # fmt: skip
_FLAGS = re.IGNORECASE | re.MULTILINE
_AUTO = re.compile(r"^\s*(?:private\s+|public\s+)?sub\s+(auto_?(?:open|exec|close|new)|document_(?:open|close|new)|"
                   r"workbook_(?:open|activate|beforeclose)|\w+_(?:layout|painting|progresschange))\b",
                   _FLAGS)  # fmt: skip
_STARTS = re.compile(r"\bshell\s*[(\"]|\bshell\s+\w|wscript\.shell|shell\.application|shellexecute|winmgmts:|"
                     r"win32_process|"
                     r"\bcreateprocess|\.run\s*[(\"]|powershell", _FLAGS)  # fmt: skip
_FETCHES = re.compile(r"urldownloadtofile|msxml2\.\w*xmlhttp|winhttp\.winhttprequest|microsoft\.xmlhttp|"
                      r"internetexplorer\."
                      r"application|adodb\.stream|internetopenurl", _FLAGS)  # fmt: skip
_CODE = re.compile(r"virtualalloc|rtlmovememory|createthread|writeprocessmemory|ntallocatevirtualmemory|"
                   r"enumsystemlocales",
                   _FLAGS)  # fmt: skip
_HIDDEN = re.compile(r"\bchrw?\$?\s*\(|strreverse|\bxor\b|base64|callbyname", _FLAGS)
_COMMENT = re.compile(r"^\s*(?:'|rem\s).*$", _FLAGS)
OFTEN = 15
"""Places of a text that is put together so that nobody reads it."""


def look(node: Node, budget: Budget) -> Iterator[Evidence]:
    """Evidence in one macro or script; in other files none."""
    if node.format != "vba":
        return
    if len(node.content) > MOST:
        budget.hit("slow", node.path, f"{MOST >> 20} MB of Visual Basic")
    text = _COMMENT.sub("", bytes(node.content[:MOST]).decode("utf-8", "replace"))

    def told(rule: str, m: re.Match[str]) -> Evidence:
        return Evidence(
            rule, node.path, WEIGHTS[rule], text.count("\n", 0, m.start()) + 1, matched=visible(m[0].strip())
        )

    auto = _AUTO.search(text) or (not node.path.endswith(".bas") or None)
    starts, fetches, code = _STARTS.search(text), _FETCHES.search(text), _CODE.search(text)
    if starts and fetches:
        yield told("macro.fetches-and-starts", starts)
    if auto and starts and node.path.endswith(".bas"):
        yield told("macro.starts", starts)
    elif auto and fetches and node.path.endswith(".bas"):
        yield told("macro.fetches", fetches)
    if code:
        yield told("macro.code", code)
    hidden = list(_HIDDEN.finditer(text))
    if len(hidden) >= OFTEN and (starts or fetches or code or auto):
        yield told("macro.hidden", hidden[0])
    for rule, pattern in (("macro.shell", SHELL), ("macro.drop", DROPS), ("macro.program-url", PROGRAM)):
        if (m := pattern.search(text)) is not None:
            yield told(rule, m)
    if (m := BARE.search(text)) is not None and not LOCAL.search(m[0]):
        yield told("macro.bare-address", m)
