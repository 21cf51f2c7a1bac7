"""What Python source does, from its syntax tree: calls by their full names, what flows into them, and when they run.

Capabilities (processes, network, decoding, …) are counted by the scope that they stand in; evidence is a combination of
them, or of one with a moment at which nobody expects it: at installation or at import.
"""

from __future__ import annotations

import re
import time
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache, lru_cache
from typing import Any

from detectors.software.budget import Budget
from detectors.software.facts import Evidence, visible
from detectors.software.signs import (
    ASIDE,
    BARE,
    BLOB,
    CODE,
    DROPS,
    FOREIGN,
    LOCAL,
    MANGLED,
    PROGRAM,
    SHELL,
    STORES,
)
from detectors.software.unpack import Node

MOST = 2 << 20
"""Bytes of a file that is parsed."""
SECONDS = 1.0
CHUNK = 1 << 16
LONG = 800
"""Characters of a literal that is a blob and not text."""
DEEP = 40
"""Links of a chain of names that is followed."""

CAPABILITIES: dict[str, tuple[str, ...]] = {
    "process": ("os.system", "os.popen", "os.startfile", "os.exec", "os.spawn", "os.posix_spawn", "subprocess.",
                "pty.spawn", "commands.getoutput", "ctypes.windll.shell32.ShellExecute",
                "asyncio.create_subprocess_", "win32api.WinExec"),
    "network": ("urllib.request.", "urllib.urlopen", "urllib2.", "requests.", "httpx.", "aiohttp.", "http.client.",
                "socket.socket", "socket.create_connection", "ftplib.", "smtplib.", "urllib3.", "websocket.",
                "httplib.", "socket.gethostbyname", "dns.resolver."),
    "run": ("exec", "eval", "builtins.exec", "builtins.eval", "marshal.loads", "types.FunctionType",
            "__builtins__.exec", "__builtins__.eval"),
    "decode": ("base64.", "binascii.unhexlify", "binascii.a2b_", "zlib.decompress", "lzma.decompress",
               "gzip.decompress", "bz2.decompress", "codecs.decode", "bytes.fromhex", "bytearray.fromhex",
               "cryptography.fernet.Fernet", "fernet.Fernet", "marshal.loads", "Crypto.Cipher.", "Cryptodome.Cipher."),
    "host": ("platform.", "getpass.getuser", "socket.gethostname", "socket.getfqdn", "uuid.getnode", "os.getlogin",
             "os.uname", "psutil.", "pwd.getpw"),
    "capture": ("PIL.ImageGrab.", "pyautogui.screenshot", "pynput.", "pyperclip.paste", "win32clipboard.", "mss.",
                "cv2.VideoCapture", "keyboard.on_"),
    "native": ("ctypes.windll.kernel32.VirtualAlloc", "ctypes.windll.kernel32.CreateThread", "ctypes.CDLL",
               "ctypes.windll.kernel32.WriteProcessMemory", "ctypes.windll.kernel32.RtlMoveMemory"),
    "registry": ("winreg.SetValue", "winreg.CreateKey", "_winreg.SetValue"),
}  # fmt: skip
"""Full names of calls, or what they begin with if it ends in a dot or in part of a name."""

_ENVIRONMENT = re.compile(rb"(?:dict|str|dumps|items)\(\s*os\.environ\b|os\.environ\.(?:items|copy)\(")
_WORD = re.compile(r"\w+")
_LITERAL = re.compile(r"['\"][^\s'\"]{60,}")
_TEXTS = re.compile(r"\"\"\".*?\"\"\"|\'\'\'.*?\'\'\'|#[^\n]*|\"[^\"\n]*\"|'[^'\n]*'", re.DOTALL)
_HOOK = re.compile(rb"^import\s.*(?:exec|eval|os\.|subprocess|urllib)", re.MULTILINE)
_SETUP = re.compile(r"(?:^|[/!])setup\.py$")
_ENTRY = re.compile(r"(?:^|[/!])(?:__init__|__main__)\.py$|\.pth$")
_INSTALL = frozenset({"install", "develop", "egg_info", "build_py", "bdist_egg", "sdist", "build_ext", "install_lib",
                      "build", "_install", "_develop", "_egg_info"})  # fmt: skip

WEIGHTS = {
    "python.exec-fetched": 6.0, "python.exec-decoded": 4.0, "python.install-process": 2.0,
    "python.install-network": 3.0, "python.install-decoded": 2.5, "python.import-process": 1.2,
    "python.import-network": 1.5, "python.module-process": 0.8, "python.module-network": 0.8,
    "python.fetch-and-run": 2.0, "python.host-sent": 2.0, "python.environment-sent": 0.8, "python.stores": 2.5,
    "python.hidden-name": 3.0, "python.code-in-text": 3.5, "python.drop": 2.5, "python.shell": 3.5,
    "python.bare-address": 0.8, "python.program-url": 1.5, "python.blob": 0.7,
    "python.mangled": 2.0, "python.aside": 4.0, "python.native-code": 2.0, "python.capture-sent": 2.5,
    "python.startup": 1.5, "python.reverse-shell": 4.0, "python.pth": 2.5,
}  # fmt: skip

_QUERY = "(call) @call (import_statement) @import (import_from_statement) @import (string) @string (assignment) @assign"


@cache
def _grammar() -> tuple[Any, Any]:
    import tree_sitter
    import tree_sitter_python

    language = tree_sitter.Language(tree_sitter_python.language())
    return tree_sitter.Parser(language), tree_sitter.Query(language, _QUERY)


def warm() -> None:
    """Load the grammar: a worker that is shut in must have it."""
    _grammar()


@dataclass(frozen=True)
class Call:
    """A call with a capability. ``scope``: 0 is the module, otherwise the function's first byte; ``when``: install,
    import (of the package), module (when that module is imported) or later."""

    name: str
    capability: str
    start: int
    end: int
    line: int
    scope: int
    when: str
    text: str


@dataclass
class Source:
    """What was read of one file."""

    path: str
    calls: list[Call] = field(default_factory=list)
    strings: list[tuple[int, str, bool]] = field(default_factory=list)
    """Line and text of each literal, and whether it stands alone, as documentation does."""
    tainted: dict[str, set[str]] = field(default_factory=dict)
    """Names that were given something decoded or fetched."""
    hidden: list[tuple[int, str]] = field(default_factory=list)
    """Lines and text of built-in functions that are asked for by a made name."""


def look(node: Node, budget: Budget) -> Iterable[Evidence]:
    """Evidence in one file; other formats have none."""
    if node.format != "python":
        return
    if len(node.content) > MOST:
        budget.hit("slow", node.path, f"{MOST >> 20} MB of Python")
        return
    content = bytes(node.content)
    tree = _parsed(content)
    if tree is None:
        budget.hit("slow", node.path, f"{SECONDS:g} s of Python")
        return
    yield from _text_evidence(node.path, content)
    yield from evidence(read(node.path, content, tree), content)


def _parsed(content: bytes) -> Any:
    """A syntax tree, or None if it takes too long. Only with a reader does the library ask whether to go on."""
    parser, _ = _grammar()
    end = time.monotonic() + SECONDS

    def more(at: int, _: Any) -> bytes:
        return content[at : at + CHUNK]

    def over(*_: Any) -> bool:
        return time.monotonic() > end

    try:
        tree = parser.parse(more, progress_callback=over)
    except ValueError:
        tree = None
    if tree is None:
        parser.reset()
    return tree


def read(path: str, content: bytes, tree: Any) -> Source:
    import tree_sitter

    _, query = _grammar()
    found = tree_sitter.QueryCursor(query).captures(tree.root_node)
    names = _imports(found.get("import", ()))
    out = Source(path)
    begun = _begun(found.get("call", ()))
    for node in found.get("call", ()):
        name = _dotted(node.child_by_field_name("function"), names, 0)
        capability = _capability(name)
        if capability:
            scope, when = _place(node, path, begun)
            text = content[node.start_byte : min(node.end_byte, node.start_byte + 160)].decode("utf-8", "replace")
            at = node.start_byte, node.end_byte, node.start_point[0] + 1
            out.calls.append(Call(name, capability, *at, scope, when, text))
        elif name == "getattr" and _hidden(node):
            out.hidden.append((node.start_point[0] + 1, _said(node)[:160]))
    out.calls.sort(key=_start)
    for node in found.get("assign", ()):
        _taint(node, out)
    for node in found.get("string", ()):
        text = content[node.start_byte : node.end_byte].decode("utf-8", "replace")
        alone = node.parent is not None and node.parent.type == "expression_statement"
        out.strings.append((node.start_point[0] + 1, text, alone))
    return out


def _imports(nodes: Iterable[Any]) -> dict[str, str]:
    """Local name to full name."""
    out: dict[str, str] = {}
    for node in nodes:
        module = node.child_by_field_name("module_name")
        base = f"{_said(module)}." if module is not None else ""
        for child in node.children_by_field_name("name"):
            if child.type == "aliased_import":
                out[_said(child.child_by_field_name("alias"))] = base + _said(child.child_by_field_name("name"))
            elif base:
                out[_said(child)] = base + _said(child)
    return out


def _said(node: Any) -> str:
    return "" if node is None else str(node.text.decode("utf-8", "replace"))


def _dotted(node: Any, names: dict[str, str], depth: int) -> str:
    """The full name of what is called; "" where it cannot be told."""
    if node is None or depth > DEEP:
        return ""
    if node.type == "identifier":
        name = _said(node)
        return names.get(name, name)
    if node.type == "attribute":
        base = _dotted(node.child_by_field_name("object"), names, depth + 1)
        return f"{base}.{_said(node.child_by_field_name('attribute'))}" if base else ""
    if node.type == "parenthesized_expression" and node.named_child_count == 1:
        return _dotted(node.named_children[0], names, depth + 1)
    if node.type == "string":
        return "str"
    if node.type != "call":
        return ""
    callee = _dotted(node.child_by_field_name("function"), names, depth + 1)
    given = node.child_by_field_name("arguments")
    words = list(given.named_children) if given is not None else []
    if callee in ("__import__", "importlib.import_module", "builtins.__import__") and words:
        return _literal(words[0])
    if callee == "getattr" and len(words) >= 2:
        base, member = _dotted(words[0], names, depth + 1), _literal(words[1])
        return f"{base}.{member}" if base and member else ""
    return f"{callee}()" if callee else ""


def _literal(node: Any) -> str:
    return _said(node).lstrip("rRbBfFuU").strip("'\"") if node.type == "string" else ""


@lru_cache(maxsize=20_000)
def _capability(name: str) -> str:
    if not name:
        return ""
    for capability, known in CAPABILITIES.items():
        for k in known:
            if name == k or (name.startswith(k) and (k[-1] in "._" or len(k) > 8)):
                return capability
    return ""


def _begun(nodes: Iterable[Any]) -> set[str]:
    """Functions of a module that it calls itself, by name."""
    out: set[str] = set()
    for node in nodes:
        callee, at = node.child_by_field_name("function"), node.parent
        if callee is None or callee.type != "identifier":
            continue
        while at is not None and at.type not in ("function_definition", "lambda", "if_statement"):
            at = at.parent
        if at is None:
            out.add(_said(callee))
    return out


def _hidden(node: Any) -> bool:
    """``getattr(__builtins__, …)`` with anything but a word."""
    given = node.child_by_field_name("arguments")
    words = list(given.named_children) if given is not None else []
    return len(words) == 2 and _said(words[0]) in ("__builtins__", "builtins") and words[1].type != "string"


def _place(node: Any, path: str, begun: set[str]) -> tuple[int, str]:
    """The scope of a node, and when it runs. ``begun``: functions that the module calls when it is imported."""
    scope, when, at, inner = 0, "", node.parent, True
    while at is not None:
        if at.type in ("function_definition", "lambda") and not scope:
            scope = at.start_byte + 1
            inner = _said(at.child_by_field_name("name")) in begun
        if at.type == "if_statement" and not scope and "__name__" in _said(at.child_by_field_name("condition")):
            inner = False
        if at.type == "class_definition" and _is_command(at):
            when = "install"
        at = at.parent
    if when:
        return scope, when
    if _SETUP.search(path):
        return scope, "install"  # a function of a setup script has no other reason than to be called there
    return scope, ("import" if _ENTRY.search(path) else "module") if inner else "later"


def _is_command(node: Any) -> bool:
    bases = node.child_by_field_name("superclasses")
    words = {_said(b).rsplit(".", 1)[-1] for b in bases.named_children} if bases is not None else set()
    return bool(words & _INSTALL)


def _taint(node: Any, out: Source) -> None:
    left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
    if left is None or right is None or left.type != "identifier":
        return
    first = bisect_left(out.calls, right.start_byte, key=_start)
    inside = out.calls[first : bisect_left(out.calls, right.end_byte, key=_start)]
    marks = {c.capability for c in inside} & {"decode", "network"} | _marks(out, _said(right)[:4000])
    if marks:
        out.tainted.setdefault(_said(left), set()).update(marks)


def evidence(source: Source, content: bytes) -> Iterator[Evidence]:
    """What the calls of a file mean together."""

    def told(rule: str, line: int, matched: str) -> Evidence:
        return Evidence(rule, source.path, WEIGHTS[rule], line, matched=visible(matched.strip("'\" \n")))

    by_scope: dict[int, dict[str, Call]] = {}
    for c in source.calls:
        by_scope.setdefault(c.scope, {}).setdefault(c.capability, c)
        flows = _flows(c, source) if c.capability == "run" else set()
        if "network" in flows:
            yield told("python.exec-fetched", c.line, c.text)
        elif "decode" in flows:
            yield told("python.exec-decoded", c.line, c.text)
        if c.when in ("install", "import", "module") and c.capability in ("process", "network"):
            yield told(f"python.{c.when}-{c.capability}", c.line, c.text)
        elif c.when == "install" and c.capability == "decode":
            yield told("python.install-decoded", c.line, c.text)
    for line, text in source.hidden:
        yield told("python.hidden-name", line, text)
    every = {c.capability: c for c in reversed(source.calls)}
    for found in by_scope.values():
        if {"network", "process"} <= set(found):
            yield told("python.fetch-and-run", found["process"].line, found["process"].text)
        if {"network", "host"} <= set(found):
            yield told("python.host-sent", found["host"].line, found["host"].text)
    if {"network", "capture"} <= set(every):
        yield told("python.capture-sent", every["capture"].line, every["capture"].text)
    if "native" in every and every["native"].name != "ctypes.CDLL":
        yield told("python.native-code", every["native"].line, every["native"].text)
    if "registry" in every:
        yield told("python.startup", every["registry"].line, every["registry"].text)
    if "network" in every and b"dup2" in content and b"/bin/" in content:
        yield told("python.reverse-shell", every["network"].line, every["network"].text)
    if "network" in every and _ENVIRONMENT.search(content):
        yield told("python.environment-sent", every["network"].line, every["network"].text)
    yield from _strings(source, "network" in every, told)


def _flows(c: Call, source: Source) -> set[str]:
    """What goes into a call: capabilities of calls in its arguments, and marks of names there."""
    first = bisect_left(source.calls, c.start + 1, key=_start)
    inside = source.calls[first : bisect_left(source.calls, c.end, key=_start)]
    marks = {x.capability for x in inside} | _marks(source, c.text)
    if _LITERAL.search(c.text):
        marks.add("decode")
    return marks & {"decode", "network"}


def _start(c: Call) -> int:
    return c.start


def _marks(source: Source, text: str) -> set[str]:
    """What the names in a text were given."""
    if not source.tainted:
        return set()
    return {m for name in source.tainted.keys() & set(_WORD.findall(text)) for m in source.tainted[name]}


def _strings(source: Source, network: bool, told: Any) -> Iterator[Evidence]:
    for line, text, alone in source.strings:
        inner = text.strip("rRbBfFuU").strip("'\"")
        if (m := DROPS.search(inner)) is not None:
            yield told("python.drop", line, m[0])
        if (m := SHELL.search(inner)) is not None:
            yield told("python.shell", line, m[0])
        if network and (m := STORES.search(inner)) is not None:
            yield told("python.stores", line, m[0])
        if not alone and (m := CODE.search(inner)) is not None:
            yield told("python.code-in-text", line, m[0])
        if (m := PROGRAM.search(inner)) is not None:
            yield told("python.program-url", line, m[0])
        elif (m := BARE.search(inner)) is not None and not LOCAL.search(m[0]):
            yield told("python.bare-address", line, m[0])
        if len(inner) >= LONG and BLOB.fullmatch(inner[:4000]) and " " not in inner[:200].strip():
            yield told("python.blob", line, inner[:60])


def _code(content: bytes) -> str:
    """The text without literals and remarks, where foreign words are at home; nothing if all of it is ASCII."""
    return "" if content.isascii() else _TEXTS.sub("", content.decode("utf-8", "replace"))


def _text_evidence(path: str, content: bytes) -> Iterator[Evidence]:
    """What the look of the text says, whatever it parses to."""
    if (m := ASIDE.search(content)) is not None:
        line = content.count(b"\n", 0, m.start()) + 1
        yield Evidence("python.aside", path, WEIGHTS["python.aside"], line, matched=visible(
            m[0].decode("utf-8", "replace").strip()[-120:]))  # fmt: skip
    mangled = {*MANGLED.findall(content), *(x.encode() for x in FOREIGN.findall(_code(content)))}
    if len(mangled) >= 5:
        yield Evidence("python.mangled", path, WEIGHTS["python.mangled"], matched=visible(
            ", ".join(sorted(x.decode() for x in mangled)[:4])))  # fmt: skip
    if path.endswith(".pth") and _HOOK.search(content):
        shown = visible(content[:120].decode("utf-8", "replace"))
        yield Evidence("python.pth", path, WEIGHTS["python.pth"], 1, matched=shown)
