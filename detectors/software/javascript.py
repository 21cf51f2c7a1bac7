"""What JavaScript does, from its syntax tree: calls by their full names, and when they run.

Of a file larger than MOST bytes only what stands around words that matter is parsed: a bundle of megabytes is mostly
other people's code, and a tree of all of it takes seconds.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache, lru_cache
from typing import Any

from detectors.software.budget import Budget
from detectors.software.code import (
    Call,
    Grammar,
    Source,
    capability,
    follows,
    grammar,
    made,
    parsed,
    said,
    start,
    taint,
    told,
    used,
)
from detectors.software.facts import Evidence, Use
from detectors.software.unpack import Node

MOST = 1 << 20
SECONDS = 1.5
AROUND = 1 << 15
"""Bytes before and behind a word that matters which are parsed in a large file."""
DEEP = 40
TOLD_APART = 3
"""Letters of a name that is followed: shorter ones stand for another thing in every function of a minified file."""

CAPABILITIES: dict[str, tuple[str, ...]] = {
    "process": ("child_process.", "execa", "shelljs.exec", "cross-spawn", "Deno.run", "Deno.Command", "Bun.spawn"),
    "network": ("http.request", "http.get", "https.request", "https.get", "http2.connect", "net.connect", "net.Socket",
                "net.createConnection", "tls.connect", "dns.lookup", "dns.resolve", "dgram.createSocket", "fetch",
                "axios", "axios.", "node-fetch", "got", "got.", "request", "request.", "needle", "needle.",
                "superagent.", "undici.", "ws", "XMLHttpRequest", "navigator.sendBeacon", "WebSocket", "nodemailer."),
    "run": ("eval", "Function", "vm.runIn", "vm.Script", "vm.compileFunction", "constructor.constructor"),
    "decode": ("atob", "Buffer.from", "zlib.inflate", "zlib.gunzip", "zlib.unzip", "zlib.brotliDecompress",
               "crypto.createDecipher", "crypto-js.AES.decrypt", "CryptoJS.AES.decrypt", "String.fromCharCode",
               "unescape"),
    "host": ("os.hostname", "os.userInfo", "os.networkInterfaces", "os.homedir", "dns.getServers"),
    "capture": ("clipboardy.", "screenshot-desktop", "iohook.", "node-global-key-listener.",
                "desktopCapturer.getSources"),
    "native": ("ffi-napi.", "ffi.Library", "koffi.load"),
    "registry": ("winreg", "regedit.putValue", "auto-launch"),
}  # fmt: skip
ENCODINGS = ("base64", "hex")
"""With one of these ``Buffer.from`` decodes; without it only copies."""

_QUERY = """(call_expression) @call (new_expression) @call (import_statement) @import (variable_declarator) @assign
(assignment_expression) @assign (string) @string (template_string) @string"""
_MATTERS = re.compile(
    rb"child_process|\beval\s*\(|\bFunction\s*\(|\batob\s*\(|\bexecSync\b|process\.env\b|os\.hostname|"
    rb"/dev/tcp|createDecipher|api/webhooks|constructor\.constructor|\bvm\.runIn")  # fmt: skip
_ENVIRONMENT = re.compile(rb"JSON\.stringify\(\s*process\.env\s*[,)]|Object\.(?:entries|keys)\(\s*process\.env\s*\)|"
                          rb"\.\.\.\s*process\.env\b")  # fmt: skip
_JOINED = re.compile(rb"[\"'`](?:/bin/(?:ba|z)?sh|cmd\.exe|/bin/sh|cmd)[\"'`]")
_ONLY_SIGNS = re.compile(rb"[\[\]()!+]{400,}")
"""A program of six signs alone, as a well-known encoder writes it."""
_INSTALL = re.compile(r"(?:^|[/!])(?:(?:pre|post)?install|setup)[^/!]*\.[cm]?js$", re.IGNORECASE)
_ENTRY = re.compile(r"(?:^|[/!])(?:index|main)\.[cm]?js$", re.IGNORECASE)
_FUNCTIONS = frozenset({"function_declaration", "function_expression", "arrow_function", "method_definition",
                        "generator_function", "generator_function_declaration"})  # fmt: skip
_SOON = frozenset({"then", "catch", "finally", "setTimeout", "setImmediate", "nextTick", "forEach", "map", "all"})
"""What calls back at once or a little later: a function that is given to one of these is no other moment."""
_GLOBALS = ("globalThis.", "global.", "window.", "self.", "process.mainModule.", "module.")
BUILTINS = frozenset({"eval", "Function", "atob", "btoa", "fetch", "unescape", "setInterval", "XMLHttpRequest"})


@cache
def _grammar() -> Grammar:
    import tree_sitter_javascript

    return grammar(tree_sitter_javascript.language(), _QUERY)


def warm() -> None:
    """Load the grammar: a worker that is shut in must have it."""
    _grammar()


def look(node: Node, budget: Budget) -> Iterable[Evidence | Use]:
    """Evidence in one file; other formats have none."""
    if node.format != "javascript":
        return
    content = bytes(node.content)
    for first, part in parts(content):
        tree = parsed(_grammar(), part, SECONDS)
        if tree is None:
            budget.hit("slow", node.path, f"{SECONDS:g} s of JavaScript")
            return
        yield from told(read(node.path, part, tree, content.count(b"\n", 0, first)), part)
    if (m := _ONLY_SIGNS.search(content)) is not None:
        yield made("javascript", "mangled", node.path, content.count(b"\n", 0, m.start()) + 1, m[0][:60].decode())


def parts(content: bytes) -> Iterator[tuple[int, bytes]]:
    """What is parsed, with its offset: all of it, or of a large file what stands around words that matter, MOST bytes
    together."""
    if len(content) <= MOST:
        yield 0, content
        return
    spans: list[tuple[int, int]] = []
    for m in _MATTERS.finditer(content):
        first, end = max(0, m.start() - AROUND), min(len(content), m.end() + AROUND)
        if spans and first <= spans[-1][1]:
            spans[-1] = (spans[-1][0], end)
        else:
            spans.append((first, end))
    left = MOST
    for first, end in spans:
        yield first, content[first : min(end, first + left)]
        left -= end - first
        if left <= 0:
            return


def read(path: str, content: bytes, tree: Any, line: int = 0) -> Source:
    """``line``: how many lines stand before ``content``."""
    import tree_sitter

    found = tree_sitter.QueryCursor(_grammar().query).captures(tree.root_node)
    assigned = sorted(found.get("assign", ()), key=_at)
    names = _imports(found.get("import", ())) | _required(assigned)
    known = {name.split(".", 1)[0] for name in names.values()}
    joined = _JOINED.search(content) is not None and b".pipe(" in content
    out = Source(path, "javascript", before=line, joined=joined, environment=_ENVIRONMENT.search(content) is not None)
    calls = sorted(found.get("call", ()), key=_at)
    begun = _begun(calls)
    for node in calls:
        callee = node.child_by_field_name("function" if node.type == "call_expression" else "constructor")
        name = _dotted(callee, names, 0)
        able, at_line = _able(name, node), line + node.start_point[0] + 1
        called = used(name, known, BUILTINS)
        if able or called:
            scope, when = _place(node, path, begun)
        if called:
            out.uses.setdefault((when, called), at_line)
        if able:
            text = content[node.start_byte : min(node.end_byte, node.start_byte + 160)].decode("utf-8", "replace")
            out.calls.append(Call(name, able, node.start_byte, node.end_byte, at_line, scope, when, text))
        if _hidden(callee):
            out.hidden.append((at_line, said(node)[:160]))
    out.calls.sort(key=start)
    for node in assigned if follows(out) else ():
        _taint(node, out)
    out.strings = found.get("string", ())
    return out


def _at(node: Any) -> int:
    return int(node.start_byte)


def _imports(nodes: Iterable[Any]) -> dict[str, str]:
    """Local name to full name, of ``import``."""
    out: dict[str, str] = {}
    for node in nodes:
        module = _module(_literal(node.child_by_field_name("source")))
        clause = next((c for c in node.named_children if c.type == "import_clause"), None)
        for child in clause.named_children if clause is not None else ():
            if child.type == "identifier":
                out[said(child)] = module
            elif child.type == "namespace_import":
                out[said(child.named_children[-1])] = module
            elif child.type == "named_imports":
                for one in child.named_children:
                    name = said(one.child_by_field_name("name"))
                    out[said(one.child_by_field_name("alias")) or name] = f"{module}.{name}"
    return out


def _required(assigned: Sequence[Any]) -> dict[str, str]:
    """Local name to full name, of ``require``, in the order of the text: what was named may be named again."""
    out: dict[str, str] = {}
    for node in assigned:
        left, right = _sides(node)
        if left is None or right is None:
            continue
        if right.type not in ("call_expression", "member_expression", "await_expression", "identifier"):
            continue
        full = _dotted(right, out, 0)
        if not full or "()" in full:
            continue
        if left.type == "identifier":
            if right.type != "identifier" or full != said(right):
                out[said(left)] = full
        elif left.type == "object_pattern" and right.type in ("call_expression", "identifier"):
            for one in left.named_children:
                if one.type == "shorthand_property_identifier_pattern":
                    out[said(one)] = f"{full}.{said(one)}"
                elif one.type == "pair_pattern":
                    out[said(one.child_by_field_name("value"))] = f"{full}.{said(one.child_by_field_name('key'))}"
    return out


def _sides(node: Any) -> tuple[Any, Any]:
    if node.type == "variable_declarator":
        return node.child_by_field_name("name"), node.child_by_field_name("value")
    return node.child_by_field_name("left"), node.child_by_field_name("right")


def _module(name: str) -> str:
    return name.removeprefix("node:")


def _literal(node: Any) -> str:
    """The text of a literal, and of literals that are added up; "" for everything else."""
    if node is None:
        return ""
    if node.type == "string" or (node.type == "template_string" and node.named_child_count <= 1):
        return said(node)[1:-1]
    if node.type == "binary_expression" and said(node.child_by_field_name("operator")) == "+":
        sides = [_literal(node.child_by_field_name(s)) for s in ("left", "right")]
        return "".join(sides) if all(sides) else ""
    return ""


def _dotted(node: Any, names: dict[str, str], depth: int) -> str:
    """The full name of what is called; "" where it cannot be told."""
    if node is None or depth > DEEP:
        return ""
    if node.type == "identifier":
        name = said(node)
        return names.get(name, name)
    if node.type in ("member_expression", "subscript_expression"):
        base = _dotted(node.child_by_field_name("object"), names, depth + 1)
        member = (said(node.child_by_field_name("property")) if node.type == "member_expression"
                  else _literal(node.child_by_field_name("index")))  # fmt: skip
        if member == "constructor" and base.endswith("constructor"):
            return "constructor.constructor"
        return _plain(f"{base}.{member}") if base and member else member if member == "constructor" else ""
    if node.type in ("parenthesized_expression", "await_expression", "sequence_expression") and node.named_children:
        return _dotted(node.named_children[-1], names, depth + 1)
    if node.type == "new_expression":
        callee = _dotted(node.child_by_field_name("constructor"), names, depth + 1)
        return f"{callee}()" if callee else ""
    if node.type in ("string", "template_string"):
        return "String()"
    if node.type == "import":
        return "import"
    if node.type != "call_expression":
        return ""
    callee = _dotted(node.child_by_field_name("function"), names, depth + 1)
    given = node.child_by_field_name("arguments")
    if callee in ("require", "import") or callee.endswith(".require"):
        first = given.named_children[0] if given is not None and given.named_children else None
        return _module(_literal(first))
    return f"{callee}()" if callee else ""


def _plain(name: str) -> str:
    for head in _GLOBALS:
        name = name.removeprefix(head)
    return name


@lru_cache(maxsize=20_000)
def _capability(name: str) -> str:
    return capability(name, CAPABILITIES)


def _able(name: str, node: Any) -> str:
    able = _capability(name)
    if name == "Buffer.from":
        given = node.child_by_field_name("arguments")
        last = _literal(given.named_children[-1]) if given is not None and given.named_child_count > 1 else ""
        return able if last in ENCODINGS else ""
    return able


def _hidden(callee: Any) -> bool:
    """A member of the global object by anything but a word: ``globalThis['ev' + 'al']``."""
    if callee is None or callee.type != "subscript_expression":
        return False
    return (said(callee.child_by_field_name("object")) in ("globalThis", "global", "window", "this")
            and callee.child_by_field_name("index").type not in ("string", "number", "identifier"))  # fmt: skip


def _begun(calls: Iterable[Any]) -> set[str]:
    """Functions of a module that it calls itself, by name."""
    out: set[str] = set()
    for node in calls:
        callee = node.child_by_field_name("function")
        if callee is None or callee.type != "identifier":
            continue
        at = node.parent
        while at is not None and (at.type not in _FUNCTIONS or _at_once(at)):
            at = at.parent
        if at is None:
            out.add(said(callee))
    return out


def _at_once(function: Any) -> bool:
    """Whether a function is called where it stands, or given to what calls it soon."""
    at = function.parent
    while at is not None and at.type in ("parenthesized_expression", "unary_expression", "await_expression"):
        at = at.parent
    if at is None:
        return False
    if at.type == "call_expression":
        return True
    if at.type == "member_expression":  # (function () { … }).call(this)
        return at.parent is not None and at.parent.type == "call_expression"
    if at.type == "arguments" and at.parent is not None:
        callee = at.parent.child_by_field_name("function")
        word = said(callee.child_by_field_name("property") or callee)[:40] if callee is not None else ""
        return word in _SOON
    return False


def _place(node: Any, path: str, begun: set[str]) -> tuple[int, str]:
    """The scope of a node, and when it runs. ``begun``: functions that the module calls when it is loaded."""
    scope, inner, at = 0, True, node.parent
    while at is not None:
        if at.type in _FUNCTIONS:
            if not scope:
                scope = at.start_byte + 1
            if not _at_once(at) and _name(at) not in begun:
                inner = False
        at = at.parent
    if _INSTALL.search(path):
        return scope, "install"
    return scope, ("import" if _ENTRY.search(path) else "module") if inner else "later"


def _name(function: Any) -> str:
    """Of a function: its own, or that of the variable it is given to."""
    own = said(function.child_by_field_name("name"))
    parent = function.parent
    if not own and parent is not None and parent.type == "variable_declarator":
        return said(parent.child_by_field_name("name"))
    return own


def _taint(node: Any, out: Source) -> None:
    left, right = _sides(node)
    if left is None or right is None or left.type != "identifier":
        return
    name = said(left)
    if len(name) >= TOLD_APART:
        taint(name, right.start_byte, right.end_byte, said(right), out)
