"""What Python source does, from its syntax tree: calls by their full names, and when they run.

Of a file larger than THICK bytes only the statements around words that matter are parsed: what a program wrote has
megabytes
of the same, and a tree of all of it takes seconds.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache, lru_cache
from typing import Any

from detectors.software.budget import Budget
from detectors.software.code import (
    WEIGHTS,
    Call,
    Grammar,
    Source,
    capability,
    follows,
    grammar,
    parsed,
    said,
    taint,
    told,
    used,
)
from detectors.software.facts import Evidence, Use, visible
from detectors.software.unpack import Node

MOST = 2 << 20
"""Bytes that are parsed of a file."""
THICK = 1 << 19
AROUND = 1 << 13
"""Bytes before and behind a word that matters which are parsed in a large file, and to the ends of the statements
there."""
SECONDS = 4.0
"""Of a processor. Some honest files of 200 kB take three: tests that are strings of programs."""
DEEP = 40
"""Links of a chain of names that is followed."""

BUILTINS = frozenset({"open", "exec", "eval", "compile", "getattr", "setattr", "globals", "locals", "vars", "chr",
                      "ord", "bytes", "bytearray", "memoryview", "input", "__import__", "print"})  # fmt: skip

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
_MATTERS = re.compile(
    rb"\b(?:exec|eval|compile|__import__)\s*\(|\bsubprocess\b|\bos\.(?:system|popen|startfile|exec|spawn|dup2)|\bmarshal\b|"
    rb"b64decode|decompress\(|unhexlify|fromhex|\burlopen\b|\burlretrieve\b|\brequests\.(?:get|post)|\bsocket\.|\bctypes\.|\bwinreg\b|"
    rb"/dev/tcp|api/webhooks|__builtins__|\bpty\.|cmdclass|os\.environ|"
    rb"api\.telegram|webhook\.site|powershell|discord(?:app)?\.com|\bcurl |\bwget |pastebin|ngrok")  # fmt: skip
_STATEMENT = re.compile(rb"\n(?=[^\s)\]}#])")
"""The end of a line before one that begins at the margin."""
_HOOK = re.compile(rb"^import\s.*(?:exec|eval|os\.|subprocess|urllib)", re.MULTILINE)
_SETUP = re.compile(r"(?:^|[/!])setup\.py$")
_ENTRY = re.compile(r"(?:^|[/!])(?:__init__|__main__)\.py$|\.pth$")
_INSTALL = frozenset({"install", "develop", "egg_info", "build_py", "bdist_egg", "sdist", "build_ext", "install_lib",
                      "build", "_install", "_develop", "_egg_info"})  # fmt: skip

_QUERY = "(call) @call (import_statement) @import (import_from_statement) @import (string) @string (assignment) @assign"


@cache
def _grammar() -> Grammar:
    import tree_sitter_python

    return grammar(tree_sitter_python.language(), _QUERY)


def warm() -> None:
    """Load the grammar: a worker that is shut in must have it."""
    _grammar()


def thinned(content: bytes) -> bytes:
    """The beginning, and the statements around words that matter; of the rest only the ends of lines, so that each line
    keeps its number."""
    kept: list[tuple[int, int]] = [(0, _end(content, AROUND))]
    for m in _MATTERS.finditer(content):
        if m.end() <= kept[-1][1]:
            continue
        first = max(kept[-1][1], content.rfind(b"\n", 0, max(0, m.start() - AROUND)) + 1)
        begins = _STATEMENT.search(content, first, m.start())
        kept.append((begins.start() + 1 if begins else first, _end(content, m.end() + AROUND)))
    out, at = [], 0
    for first, end in kept:
        out += [b"\n" * content.count(b"\n", at, first), content[first:end]]
        at = end
    return b"".join([*out, b"\n" * content.count(b"\n", at)])


def _end(content: bytes, at: int) -> int:
    """Where the statement ends that stands there; of one that goes on for long, the line."""
    found = _STATEMENT.search(content, at, at + AROUND)
    if found:
        return found.start() + 1
    line = content.find(b"\n", at)
    return line + 1 if line >= 0 else len(content)


def look(node: Node, budget: Budget) -> Iterable[Evidence | Use]:
    """Evidence in one file; other formats have none."""
    if node.format != "python":
        return
    whole = content = bytes(node.content)
    if len(content) > THICK:
        content = thinned(content)
    if len(content) - content.count(b"\n") > MOST:
        budget.hit("slow", node.path, f"{MOST >> 20} MB of Python")
        return
    tree = parsed(_grammar(), content, SECONDS)
    if tree is None:
        budget.hit("slow", node.path, f"{SECONDS:g} s of Python")
        return
    yield from told(read(node.path, content, tree), content, whole)
    if node.path.endswith(".pth") and _HOOK.search(content):
        shown = visible(content[:120].decode("utf-8", "replace"))
        yield Evidence("python.pth", node.path, WEIGHTS["pth"], 1, matched=shown)


def read(path: str, content: bytes, tree: Any) -> Source:
    import tree_sitter

    found = tree_sitter.QueryCursor(_grammar().query).captures(tree.root_node)
    names = _imports(found.get("import", ()))
    known = {name.split(".", 1)[0] for name in names.values()} | _plain(found.get("import", ()))
    out = Source(path, "python", joined=b"dup2" in content and b"/bin/" in content,
                 environment=b"os.environ" in content and _ENVIRONMENT.search(content) is not None)  # fmt: skip
    begun = _begun(found.get("call", ()))
    for node in sorted(found.get("call", ()), key=lambda n: n.start_byte):
        name = _dotted(node.child_by_field_name("function"), names, 0)
        able = _capability(name)
        called = used(name, known, BUILTINS)
        if able or called:
            scope, when = _place(node, path, begun)
        if called:
            out.uses.setdefault((when, called), node.start_point[0] + 1)
        if able:
            text = content[node.start_byte : min(node.end_byte, node.start_byte + 160)].decode("utf-8", "replace")
            at = node.start_byte, node.end_byte, node.start_point[0] + 1
            out.calls.append(Call(name, able, *at, scope, when, text))
        elif name == "getattr" and _hidden(node):
            out.hidden.append((node.start_point[0] + 1, said(node)[:160]))
    for node in found.get("assign", ()) if follows(out) else ():
        _taint(node, out)
    out.strings = found.get("string", ())
    return out


def _imports(nodes: Iterable[Any]) -> dict[str, str]:
    """Local name to full name."""
    out: dict[str, str] = {}
    for node in nodes:
        module = node.child_by_field_name("module_name")
        base = f"{said(module)}." if module is not None else ""
        for child in node.children_by_field_name("name"):
            if child.type == "aliased_import":
                out[said(child.child_by_field_name("alias"))] = base + said(child.child_by_field_name("name"))
            elif base:
                out[said(child)] = base + said(child)
    return out


def _plain(nodes: Iterable[Any]) -> set[str]:
    """What ``import`` names without another name: the first word of each."""
    return {said(child).split(".", 1)[0] for node in nodes if node.child_by_field_name("module_name") is None
            for child in node.children_by_field_name("name") if child.type == "dotted_name"}  # fmt: skip


def _dotted(node: Any, names: dict[str, str], depth: int) -> str:
    """The full name of what is called; "" where it cannot be told."""
    if node is None or depth > DEEP:
        return ""
    if node.type == "identifier":
        name = said(node)
        return names.get(name, name)
    if node.type == "attribute":
        base = _dotted(node.child_by_field_name("object"), names, depth + 1)
        return f"{base}.{said(node.child_by_field_name('attribute'))}" if base else ""
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
    return said(node).lstrip("rRbBfFuU").strip("'\"") if node.type == "string" else ""


@lru_cache(maxsize=20_000)
def _capability(name: str) -> str:
    return capability(name, CAPABILITIES)


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
            out.add(said(callee))
    return out


def _hidden(node: Any) -> bool:
    """``getattr(__builtins__, …)`` with anything but a word."""
    given = node.child_by_field_name("arguments")
    words = list(given.named_children) if given is not None else []
    return len(words) == 2 and said(words[0]) in ("__builtins__", "builtins") and words[1].type != "string"


def _place(node: Any, path: str, begun: set[str]) -> tuple[int, str]:
    """The scope of a node, and when it runs. ``begun``: functions that the module calls when it is imported."""
    scope, when, at, inner = 0, "", node.parent, True
    while at is not None:
        if at.type in ("function_definition", "lambda") and not scope:
            scope = at.start_byte + 1
            inner = said(at.child_by_field_name("name")) in begun
        if at.type == "if_statement" and not scope and "__name__" in said(at.child_by_field_name("condition")):
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
    words = {said(b).rsplit(".", 1)[-1] for b in bases.named_children} if bases is not None else set()
    return bool(words & _INSTALL)


def _taint(node: Any, out: Source) -> None:
    left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
    if left is not None and right is not None and left.type == "identifier":
        taint(said(left), right.start_byte, right.end_byte, said(right), out)
