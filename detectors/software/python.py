"""What Python source does, from its syntax tree: calls by their full names, what flows into them, and when they run.

Capabilities (processes, network, decoding, …) are counted by the scope that they stand in; evidence is a combination of
them, or of one with a moment at which nobody expects it: at installation or at import.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from detectors.software.budget import Budget
from detectors.software.facts import Evidence, visible
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
               "cryptography.fernet.Fernet", "marshal.loads", "Crypto.Cipher.", "Cryptodome.Cipher."),
    "host": ("platform.", "getpass.getuser", "socket.gethostname", "socket.getfqdn", "uuid.getnode", "os.getlogin",
             "os.uname", "psutil.", "pwd.getpw"),
    "capture": ("PIL.ImageGrab.", "pyautogui.screenshot", "pynput.", "pyperclip.paste", "win32clipboard.", "mss.",
                "cv2.VideoCapture", "keyboard.on_"),
    "native": ("ctypes.windll.kernel32.VirtualAlloc", "ctypes.windll.kernel32.CreateThread", "ctypes.CDLL",
               "ctypes.windll.kernel32.WriteProcessMemory", "ctypes.windll.kernel32.RtlMoveMemory"),
    "registry": ("winreg.SetValue", "winreg.CreateKey", "_winreg.SetValue"),
}  # fmt: skip
"""Full names of calls, or what they begin with if it ends in a dot or in part of a name."""

STORES = re.compile(
    r"Login Data|Local Storage[\\/]+leveldb|[\\/]User Data|wallet\.dat|\.aws[\\/]+credentials|\.ssh[\\/]+id_|"
    r"\bid_rsa\b|\.npmrc|\.pypirc|cookies\.sqlite|logins\.json|\.git-credentials|\.kube[\\/]+config|Exodus|MetaMask|"
    r"nkbihfbeogaeaoehlefnkodbefgpgknn|discord(?:canary|ptb)?[\\/]|/etc/shadow|key4\.db", re.IGNORECASE)  # fmt: skip
"""Where secrets lie: browsers, wallets, keys of developers."""
DROPS = re.compile(
    r"discord(?:app)?\.com/api/webhooks|api\.telegram\.org/bot|webhook\.site|pipedream\.net|\.oast(?:ify)?\.|"
    r"burpcollaborator|interact\.sh|requestbin|transfer\.sh|anonfiles|gofile\.io|pastebin\.com/raw|ngrok(?:-free)?\.(?:io|app)|"
    r"cdn\.discordapp\.com/attachments|\.trycloudflare\.com|hastebin|paste\.ee|rentry\.co|dpaste|canarytokens",
    re.IGNORECASE)  # fmt: skip
"""Where stolen things are sent and second stages fetched: services that anybody may use without a name."""
SHELL = re.compile(
    r"powershell[^\n]{0,80}-(?:e|en|enc|encodedcommand|w|windowstyle)\b|(?:curl|wget)\s[^\n|]{0,200}\|\s*(?:ba)?sh\b|"
    r"bash\s+-i\s*>&\s*/dev/tcp|/dev/tcp/\d|IEX\s*\(|DownloadString|certutil\s+-urlcache|mshta\s+http|"
    r"schtasks\s+/create|CurrentVersion\\+Run\b|crontab\s+-|Start Menu\\+Programs\\+Startup",
    re.IGNORECASE)  # fmt: skip
BARE = re.compile(r"https?://\d{1,3}(?:\.\d{1,3}){3}")
PROGRAM = re.compile(r"https?://[^\s'\"]+\.(?:exe|scr|bat|ps1|vbs|dll|msi|sh|elf|bin|apk)\b", re.IGNORECASE)
_BLOB = re.compile(r"[A-Za-z0-9+/=_\-\s]+|(?:\\x[0-9a-fA-F]{2})+|[0-9a-fA-F]+")
_MANGLED = re.compile(rb"\b(?:_0x[0-9a-f]{4,}|[IlO1]{8,}|_{3,}[0-9a-zA-Z]{6,}_*|[oO0]{8,})\b")
_ASIDE = re.compile(rb"^[^\n#'\"]{0,200}?[ \t]{150,}[^\s#][^\n]*", re.MULTILINE)
_ENVIRONMENT = re.compile(rb"(?:dict|str|dumps|items)\(\s*os\.environ\b|os\.environ\.(?:items|copy)\(")
_HOOK = re.compile(rb"^import\s.*(?:exec|eval|os\.|subprocess|urllib)", re.MULTILINE)
_SETUP = re.compile(r"(?:^|[/!])setup\.py$")
_ENTRY = re.compile(r"(?:^|[/!])(?:__init__|__main__)\.py$|\.pth$")
_INSTALL = frozenset({"install", "develop", "egg_info", "build_py", "bdist_egg", "sdist", "build_ext", "install_lib",
                      "build", "_install", "_develop", "_egg_info"})  # fmt: skip

WEIGHTS = {
    "python.exec-fetched": 6.0, "python.exec-decoded": 4.0, "python.install-process": 2.0,
    "python.install-network": 3.0, "python.install-decoded": 2.5, "python.import-process": 1.2,
    "python.import-network": 1.5, "python.fetch-and-run": 2.5,
    "python.host-sent": 2.0, "python.environment-sent": 3.0, "python.stores": 2.5,
    "python.drop": 2.5, "python.shell": 2.5, "python.bare-address": 0.8, "python.program-url": 1.5, "python.blob": 0.7,
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
    import or later."""

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
    strings: list[tuple[int, str]] = field(default_factory=list)
    """Line and text of each literal."""
    tainted: dict[str, set[str]] = field(default_factory=dict)
    """Names that were given something decoded or fetched."""


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
    for node in found.get("call", ()):
        name = _dotted(node.child_by_field_name("function"), names, 0)
        capability = _capability(name)
        if capability:
            scope, when = _place(node, path)
            text = content[node.start_byte : min(node.end_byte, node.start_byte + 160)].decode("utf-8", "replace")
            at = node.start_byte, node.end_byte, node.start_point[0] + 1
            out.calls.append(Call(name, capability, *at, scope, when, text))
    for node in found.get("assign", ()):
        _taint(node, out)
    for node in found.get("string", ()):
        text = content[node.start_byte : node.end_byte].decode("utf-8", "replace")
        out.strings.append((node.start_point[0] + 1, text))
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


def _capability(name: str) -> str:
    if not name:
        return ""
    for capability, known in CAPABILITIES.items():
        for k in known:
            if name == k or (name.startswith(k) and (k[-1] in "._" or len(k) > 8)):
                return capability
    return ""


def _place(node: Any, path: str) -> tuple[int, str]:
    """The scope of a node, and when it runs."""
    scope, when, at = 0, "", node.parent
    while at is not None:
        if at.type in ("function_definition", "lambda") and not scope:
            scope = at.start_byte + 1
        if at.type == "class_definition" and _is_command(at):
            when = "install"
        at = at.parent
    if when:
        return scope, when
    if _SETUP.search(path):
        return scope, "install"  # a function of a setup script has no other reason than to be called there
    return scope, "import" if not scope and _ENTRY.search(path) else "later"


def _is_command(node: Any) -> bool:
    bases = node.child_by_field_name("superclasses")
    words = {_said(b).rsplit(".", 1)[-1] for b in bases.named_children} if bases is not None else set()
    return bool(words & _INSTALL)


def _taint(node: Any, out: Source) -> None:
    left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
    if left is None or right is None or left.type != "identifier":
        return
    inside = {c.capability for c in out.calls if right.start_byte <= c.start and c.end <= right.end_byte}
    marks = inside & {"decode", "network"}
    for name, known in out.tainted.items():
        if known and re.search(rf"\b{re.escape(name)}\b", _said(right)[:4000]):
            marks |= known
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
        if c.when in ("install", "import") and c.capability in ("process", "network"):
            yield told(f"python.{c.when}-{c.capability}", c.line, c.text)
        elif c.when == "install" and c.capability == "decode":
            yield told("python.install-decoded", c.line, c.text)
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
    marks = {x.capability for x in source.calls if c.start < x.start and x.end <= c.end}
    for name, known in source.tainted.items():
        if re.search(rf"\b{re.escape(name)}\b", c.text):
            marks |= known
    return marks & {"decode", "network"}


def _strings(source: Source, network: bool, told: Any) -> Iterator[Evidence]:
    for line, text in source.strings:
        inner = text.strip("rRbBfFuU").strip("'\"")
        if (m := DROPS.search(inner)) is not None:
            yield told("python.drop", line, m[0])
        if (m := SHELL.search(inner)) is not None:
            yield told("python.shell", line, m[0])
        if network and (m := STORES.search(inner)) is not None:
            yield told("python.stores", line, m[0])
        if (m := PROGRAM.search(inner)) is not None:
            yield told("python.program-url", line, m[0])
        elif (m := BARE.search(inner)) is not None and not m[0].endswith(("//127.0.0.1", "//0.0.0.0")):
            yield told("python.bare-address", line, m[0])
        if len(inner) >= LONG and _BLOB.fullmatch(inner[:4000]) and " " not in inner[:200].strip():
            yield told("python.blob", line, inner[:60])


def _text_evidence(path: str, content: bytes) -> Iterator[Evidence]:
    """What the look of the text says, whatever it parses to."""
    if (m := _ASIDE.search(content)) is not None:
        line = content.count(b"\n", 0, m.start()) + 1
        yield Evidence("python.aside", path, WEIGHTS["python.aside"], line, matched=visible(
            m[0].decode("utf-8", "replace").strip()[-120:]))  # fmt: skip
    mangled = set(_MANGLED.findall(content))
    if len(mangled) >= 5:
        yield Evidence("python.mangled", path, WEIGHTS["python.mangled"], matched=visible(
            ", ".join(sorted(x.decode() for x in mangled)[:4])))  # fmt: skip
    if path.endswith(".pth") and _HOOK.search(content):
        shown = visible(content[:120].decode("utf-8", "replace"))
        yield Evidence("python.pth", path, WEIGHTS["python.pth"], 1, matched=shown)
