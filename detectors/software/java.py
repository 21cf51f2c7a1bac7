"""What a Java class can do, from its constant pool: the methods that it names and its texts.

Source of the format: The Java Virtual Machine Specification, chapter 4.4.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from detectors.software.budget import Budget
from detectors.software.code import made
from detectors.software.facts import Evidence
from detectors.software.signs import BARE, CODE, DROPS, LOCAL, PROGRAM, SHELL, STORES, hinted
from detectors.software.unpack import Node

MOST = 4 << 20
_SIZES = {3: 5, 4: 5, 5: 9, 6: 9, 7: 3, 8: 3, 9: 5, 10: 5, 11: 5, 12: 5, 15: 4, 16: 3, 17: 5, 18: 5, 19: 3, 20: 3}
"""Bytes of an entry of the pool by its tag; 1 is text."""
_METHODS = (10, 11)
CAPABILITIES: dict[str, tuple[str, ...]] = {
    "network": ("java/net/URL.openStream", "java/net/URL.openConnection", "java/net/Socket.<init>",
                "java/net/http/HttpClient.", "java/net/HttpURLConnection.", "javax/net/ssl/HttpsURLConnection."),
    "process": ("java/lang/Runtime.exec", "java/lang/ProcessBuilder."),
    "run": ("java/lang/ClassLoader.defineClass", "javax/script/ScriptEngine.eval", "java/net/URLClassLoader.<init>",
            "java/lang/invoke/MethodHandles$Lookup.define", "sun/misc/Unsafe.define"),
    "decode": ("java/util/Base64$Decoder.decode", "javax/crypto/Cipher.doFinal", "sun/misc/BASE64Decoder."),
    "capture": ("java/awt/Robot.createScreenCapture",),
}  # fmt: skip
_TEXTS = (("drop", DROPS), ("shell", SHELL), ("code-in-text", CODE), ("program-url", PROGRAM))


def look(node: Node, budget: Budget) -> Iterator[Evidence]:
    """Evidence in one class; in other files none. A pool that cannot be read is damage."""
    if node.format != "class":
        return
    content = bytes(node.content[:MOST])
    try:
        texts, methods = pool(content)
    except (struct.error, IndexError, KeyError):
        budget.hit("damaged", node.path, "the constant pool of a class")
        return
    able: dict[str, str] = {}
    for method in methods:
        for word, names in CAPABILITIES.items():
            if any(method == n or (n.endswith((".", "define")) and method.startswith(n)) for n in names):
                able.setdefault(word, method)
    for rule, first, second in (("exec-fetched", "run", "network"), ("exec-decoded", "run", "decode"),
                                ("fetch-and-run", "process", "network"),
                                ("capture-sent", "capture", "network")):  # fmt: skip
        if first in able and second in able:
            yield made("java", rule, node.path, -1, f"{able[first]}, {able[second]}")
    lower = content.lower()
    for rule, pattern in _TEXTS:
        if hinted(pattern, lower) and (m := next(filter(None, map(pattern.search, texts)), None)) is not None:
            yield made("java", rule, node.path, -1, m[0])
    if "network" in able and hinted(STORES, lower):
        m = next(filter(None, map(STORES.search, texts)), None)
        if m is not None:
            yield made("java", "stores", node.path, -1, m[0])
    if hinted(BARE, lower):
        m = next((m for m in map(BARE.search, texts) if m is not None and not LOCAL.search(m[0])), None)
        if m is not None:
            yield made("java", "bare-address", node.path, -1, m[0])


def pool(content: bytes) -> tuple[list[str], set[str]]:
    """Texts, and the methods that are named as ``package/Class.method``. Raises struct.error, IndexError, KeyError."""
    (count,) = struct.unpack_from(">H", content, 8)
    texts: dict[int, str] = {}
    pairs: dict[int, tuple[int, int, int]] = {}
    at, i = 10, 1
    while i < count:
        tag = content[at]
        if tag == 1:
            (size,) = struct.unpack_from(">H", content, at + 1)
            texts[i] = content[at + 3 : at + 3 + size].decode("utf-8", "replace")
            at += 3 + size
        else:
            if tag in (7, 9, 10, 11, 12):
                first = struct.unpack_from(">H", content, at + 1)[0]
                second = struct.unpack_from(">H", content, at + 3)[0] if tag != 7 else 0
                pairs[i] = (tag, first, second)
            at += _SIZES[tag]
            i += tag in (5, 6)  # a long and a double take two places
        i += 1
    methods = set()
    for tag, owner, named in pairs.values():
        if tag in _METHODS and owner in pairs and named in pairs:
            methods.add(f"{texts.get(pairs[owner][1], '')}.{texts.get(pairs[named][1], '')}")
    return list(texts.values()), methods
