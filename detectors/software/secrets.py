"""Keys and tokens left in what is handed in: no sign of malice, and shown with most of them hidden."""

from __future__ import annotations

import re
from collections.abc import Iterator

from detectors.software.budget import Budget
from detectors.software.facts import Evidence
from detectors.software.unpack import Node

MOST = 2 << 20
SHOWN = 6
"""Characters of a secret that are shown."""
KINDS: dict[str, tuple[bytes, re.Pattern[bytes]]] = {
    "private-key": (b"PRIVATE KEY-----",
                    re.compile(rb"-----BEGIN (?:(?:RSA|EC|DSA|OPENSSH|"
                               rb"ENCRYPTED) )?PRIVATE KEY-----\s+[A-Za-z0-9+/]{40}")),
    "aws": (b"AKIA", re.compile(rb"\bAKIA[0-9A-Z]{16}\b")),
    "aliyun": (b"LTAI", re.compile(rb"\bLTAI[0-9A-Za-z]{20}\b")),
    "tencent": (b"AKID", re.compile(rb"\bAKID[0-9A-Za-z]{32}\b")),
    "github": (b"gh", re.compile(rb"\b(?:gh[pousr]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9_]{60,})\b")),
    "gitlab": (b"glpat-", re.compile(rb"\bglpat-[A-Za-z0-9_-]{20}\b")),
    "slack": (b"xox", re.compile(rb"\bxox[abeoprs]-[0-9]{8,}-[0-9A-Za-z-]{16,}\b")),
    "pypi": (b"pypi-AgEI", re.compile(rb"\bpypi-AgEI[A-Za-z0-9_-]{50,}")),
    "npm": (b"npm_", re.compile(rb"\bnpm_[A-Za-z0-9]{36}\b")),
    "stripe": (b"sk_live_", re.compile(rb"\bsk_live_[0-9A-Za-z]{24,}\b")),
    "google": (b"AIza", re.compile(rb"\bAIza[0-9A-Za-z_-]{35}\b")),
}  # fmt: skip
"""What must be there at all, and the form. Each is the issuer's own prefix: a text that only looks random is no
secret."""
_NOT = ("elf", "pe", "macho", "class", "png", "jpeg", "gif", "font", "wasm", "dex")


def look(node: Node, budget: Budget) -> Iterator[Evidence]:
    """The first of each kind in one file."""
    if node.format in _NOT:
        return
    content = bytes(node.content[:MOST])
    for kind, (hint, form) in KINDS.items():
        if hint in content and (m := form.search(content)) is not None:
            found = m[0].decode("ascii", "replace")
            shown = found.split("-----")[1] if kind == "private-key" else f"{found[:SHOWN]}…"
            line = content.count(b"\n", 0, m.start()) + 1
            yield Evidence(f"secret.{kind}", node.path, 0.0, line, m.start(), shown)
