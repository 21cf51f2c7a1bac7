"""What scripts of shell, PowerShell and PHP do, from their syntax trees.

A script runs when somebody calls it, so there is no moment to look at: what counts is what goes into what. Fetching and
running is what installers are for, so in a shell it says little (``code.SOFTER``).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from detectors.software.budget import Budget
from detectors.software.code import Call, Grammar, Source, follows, grammar, made, parsed, said, taint, told
from detectors.software.facts import Evidence, Use
from detectors.software.unpack import Node

MOST = 1 << 20
SECONDS = 1.0

SHELL: dict[str, tuple[str, ...]] = {
    "network": ("curl", "wget", "nc", "ncat", "netcat", "ftp", "tftp", "aria2c", "socat", "lwp-download"),
    "decode": ("base64", "base32", "xxd", "openssl", "uudecode"),
    "run": ("eval",),
}
_INTERPRETERS = frozenset(
    {"sh", "bash", "zsh", "dash", "ksh", "python", "python2", "python3", "perl", "ruby", "node", "php"}
)
POWERSHELL: dict[str, tuple[str, ...]] = {
    "network": ("invoke-webrequest", "iwr", "invoke-restmethod", "irm", "start-bitstransfer", "curl", "wget",
                "downloadstring", "downloadfile", "downloaddata", "openread", "getstringasync", "tcpclient"),
    "run": ("invoke-expression", "iex", "invoke-command"),
    "process": ("start-process", "saps", "cmd", "cmd.exe", "powershell", "powershell.exe", "rundll32", "regsvr32",
                "mshta",
                "certutil", "wscript", "cscript", "bitsadmin"),
    "decode": ("frombase64string", "gzipstream", "deflatestream", "memorystream"),
    "registry": ("new-scheduledtask", "register-scheduledtask", "set-itemproperty", "new-itemproperty", "schtasks",
                 "reg"),
    "native": ("virtualalloc", "createthread", "getdelegateforfunctionpointer", "writeprocessmemory"),
}  # fmt: skip
PHP: dict[str, tuple[str, ...]] = {
    "network": ("curl_exec", "fsockopen", "stream_socket_client", "pfsockopen", "socket_connect", "mail"),
    "run": ("eval", "assert", "create_function"),
    "process": ("system", "exec", "shell_exec", "passthru", "popen", "proc_open", "pcntl_exec"),
    "decode": ("base64_decode", "gzinflate", "gzuncompress", "gzdecode", "str_rot13", "hex2bin", "convert_uudecode",
               "openssl_decrypt"),
    "host": ("php_uname", "gethostname", "get_current_user", "phpinfo"),
}  # fmt: skip
_INPUT = re.compile(r"^\$_(?:GET|POST|REQUEST|COOKIE|FILES|SERVER)$")
_REVERSE = re.compile(rb"/dev/(?:tcp|udp)/[\w$.{]|\bn(?:c|cat|etcat)\b[^\n|;]{0,80}\s-(?:e|c)\s|"
                      rb"\bmkfifo\b[^\n]{0,200}\bn(?:c|cat|etcat)\b|"
                      rb"\bsocat\b[^\n]{0,200}\bexec:", re.IGNORECASE)  # fmt: skip
_STARTED = re.compile(rb"(?:^|[;&|\s])\./?([\w.$-]+)|\bchmod\s+(?:\+x|0?7[0-7]{2})\s", re.MULTILINE)


@dataclass(frozen=True)
class Language:
    """How one is read: its grammar, the query, and what fills a Source."""

    name: str
    load: Callable[[], Any]
    query: str
    read: Callable[[Source, dict[str, list[Any]], bytes], None]


def _add(out: Source, node: Any, name: str, able: str, span: Any = None) -> None:
    at = span or node
    first = at.start_byte - (span is not None)  # what a pipeline begins with goes into its end
    text = said(at)[:160]
    out.calls.append(Call(name, able, first, at.end_byte, node.start_point[0] + 1, _scope(node), "later", text))


def _scope(node: Any) -> int:
    """The first byte of the function that holds it, or 0."""
    at = node.parent
    while at is not None:
        if at.type in ("function_definition", "function_statement", "method_declaration"):
            return int(at.start_byte) + 1
        at = at.parent
    return 0


def _read_shell(out: Source, found: dict[str, list[Any]], content: bytes) -> None:
    for node in found.get("call", ()):
        name = said(node.child_by_field_name("name")).rsplit("/", 1)[-1]
        able = SHELL_OF.get(name, "")
        if name in ("openssl", "base64", "base32", "xxd") and not re.search(
            r"\s-(?:\w*[dDr]\b|-decode)", said(node)[:200]
        ):
            able = ""
        if able:
            _add(out, node, name, able)
        elif name in _INTERPRETERS:
            _interpreter(out, node, name)
    if _REVERSE.search(content):
        out.joined = True
    out.strings = found.get("call", ())


def _interpreter(out: Source, node: Any, name: str) -> None:
    """A shell that is fed by a pipeline, or given a command that was fetched or decoded."""
    pipe = node.parent
    while pipe is not None and pipe.type in ("redirected_statement",):
        pipe = pipe.parent
    if pipe is not None and pipe.type == "pipeline" and pipe.named_children[0].start_byte != node.start_byte:
        _add(out, node, name, "run", pipe)
    elif "$(" in said(node)[:400] or "`" in said(node)[:400] or "<(" in said(node)[:400]:
        _add(out, node, name, "run")


def _read_powershell(out: Source, found: dict[str, list[Any]], content: bytes) -> None:
    for node in found.get("call", ()):
        name = said(node.child_by_field_name("command_name")).lower()
        pipe = node.parent
        first = pipe is None or pipe.type != "pipeline_chain" or pipe.named_children[0].start_byte == node.start_byte
        if able := POWERSHELL_OF.get(name, ""):
            _add(out, node, name, able, None if able != "run" or first else pipe)
        elif name == "new-object" and re.search(r"webclient|httpclient|tcpclient|xmlhttp", said(node), re.IGNORECASE):
            _add(out, node, name, "network")
    for node in found.get("member", ()):
        name = said(node).lower()
        if able := POWERSHELL_OF.get(name, ""):
            _add(out, node, name, able)
    out.calls.sort(key=lambda c: c.start)
    for node in found.get("assign", ()):
        left, _, right = said(node).partition("=")
        if left.strip().startswith("$") and right:
            taint(left.strip().lstrip("$"), node.start_byte + len(left), node.end_byte, right, out)
    if b"TcpClient" in content and re.search(rb"\biex\b|Invoke-Expression", content, re.IGNORECASE):
        out.joined = True
    out.strings = found.get("string", ())


def _read_php(out: Source, found: dict[str, list[Any]], content: bytes) -> None:
    for node in found.get("call", ()):
        function = node.child_by_field_name("function")
        name = said(function).lstrip("\\@").lower()
        able = PHP_OF.get(name, "")
        if (
            not able
            and name in ("file_get_contents", "fopen", "readfile")
            and (m := re.search(r"(https?|php)://", said(node)[:300]))
        ):
            able = "network" if m[1] != "php" else "input" if "php://input" in said(node) else ""
        if (
            not able
            and function is not None
            and function.type in ("variable_name", "subscript_expression", "encapsed_string")
        ):
            able = "run"  # a function that is named by a value
        if able:
            _add(out, node, name, able)
    for node in found.get("shell", ()):
        _add(out, node, "`", "process")
    for node in found.get("include", ()):
        _add(out, node, "include", "run")
    for node in found.get("variable", ()):
        if _INPUT.match(said(node)):
            _add(out, node, said(node), "input")
    out.calls.sort(key=lambda c: c.start)
    if follows(out):
        for node in found.get("assign", ()):
            left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
            if left is not None and right is not None and left.type == "variable_name":
                taint(said(left).lstrip("$"), right.start_byte, right.end_byte, said(right), out)
    out.strings = found.get("string", ())


def _flat(known: dict[str, tuple[str, ...]]) -> dict[str, str]:
    return {name: able for able, names in known.items() for name in names}


SHELL_OF, POWERSHELL_OF, PHP_OF = _flat(SHELL), _flat(POWERSHELL), _flat(PHP)


def _bash() -> Any:
    import tree_sitter_bash

    return tree_sitter_bash.language()


def _pwsh() -> Any:
    import tree_sitter_powershell

    return tree_sitter_powershell.language()


def _php() -> Any:
    import tree_sitter_php

    return tree_sitter_php.language_php()


LANGUAGES = {
    x.name: x for x in (
        Language("shell", _bash, "(command) @call", _read_shell),
        Language("powershell", _pwsh, "(command) @call (member_name) @member (string_literal) @string "
                 "(assignment_expression) @assign", _read_powershell),
        Language("php", _php,
                 "(function_call_expression) @call (shell_command_expression) @shell (variable_name) @variable "
                 "(include_expression) @include (require_expression) @include (assignment_expression) @assign "
                 "(string) @string (encapsed_string) @string", _read_php),
    )
}  # fmt: skip


@cache
def _grammar(language: str) -> Grammar:
    known = LANGUAGES[language]
    return grammar(known.load(), known.query)


def warm() -> None:
    """Load the grammars: a worker that is shut in must have them."""
    for name in LANGUAGES:
        _grammar(name)


def look(node: Node, budget: Budget) -> Iterable[Evidence | Use]:
    """Evidence in one file; of other languages none."""
    language = LANGUAGES.get(node.format)
    if language is None:
        return
    content = bytes(node.content[:MOST])
    if len(node.content) > MOST:
        budget.hit("slow", node.path, f"{MOST >> 20} MB of {language.name}")
    tree = parsed(_grammar(language.name), content, SECONDS)
    if tree is None:
        budget.hit("slow", node.path, f"{SECONDS:g} s of {language.name}")
        return
    yield from told(read(node.path, language, content, tree), content)
    if language.name == "shell":
        yield from _shell(node.path, content)


def read(path: str, language: Language, content: bytes, tree: Any) -> Source:
    import tree_sitter

    found = tree_sitter.QueryCursor(_grammar(language.name).query).captures(tree.root_node)
    out = Source(path, language.name)
    language.read(out, {k: sorted(v, key=lambda n: n.start_byte) for k, v in found.items()}, content)
    out.calls.sort(key=lambda c: c.start)
    return out


def _shell(path: str, content: bytes) -> Iterator[Evidence]:
    """What only the text of a shell script says."""
    m = _REVERSE.search(content)
    if m is not None:
        line = content.count(b"\n", 0, m.start()) + 1
        yield made("shell", "reverse-shell", path, line, m[0].decode("utf-8", "replace"))
    fetched = re.search(rb"\b(?:wget|curl|tftp)\b[^\n]*https?://\d{1,3}(?:\.\d{1,3}){3}", content)
    if fetched is not None and _STARTED.search(content, fetched.end()):
        line = content.count(b"\n", 0, fetched.start()) + 1
        yield made("shell", "fetch-and-run", path, line, fetched[0].decode("utf-8", "replace"))
