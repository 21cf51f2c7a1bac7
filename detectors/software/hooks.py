"""What runs by itself when a package is installed: npm's scripts, a Debian package's maintainer scripts."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from detectors.software.budget import Budget
from detectors.software.facts import Evidence, visible
from detectors.software.signs import BARE, DROPS, LOCAL, PROGRAM, SHELL, STORES
from detectors.software.unpack import Node

NPM = ("preinstall", "install", "postinstall", "preuninstall", "uninstall", "prepare", "prepublish")
NATIVE = re.compile(
    r"^\s*(?:node-gyp(?:-build)?|prebuild-install|node-pre-gyp|cmake-js|husky|patch-package|"
    r"opencollective)\b")  # fmt: skip
"""What honest packages do there: build, choose a build, thank."""
EVAL = re.compile(
    r"\bnode\s+-e\b|\bpython3?\s+-c\b|\beval\b|base64\s+(?:-d|--decode)|\bcurl\b|\bwget\b|\bnc\s+-|"
    r"\bInvoke-WebRequest\b")  # fmt: skip
_MAINTAINER = re.compile(r"control\.tar!/(?:\./)?(?:preinst|postinst|prerm|postrm)$")
MOST = 4 << 20

WEIGHTS = {"hook.install": 0.6, "hook.fetches": 3.0, "hook.drop": 3.0, "hook.stores": 3.0, "hook.shell": 3.0}


def look(node: Node, budget: Budget) -> Iterator[Evidence]:
    """Evidence in a manifest or a script that is run at installation."""
    if node.name.rsplit("/", 1)[-1] == "package.json" and node.name.count("/") <= 1:
        yield from _npm(node, budget)
    elif _MAINTAINER.search(node.path):
        yield from _command(node, "", bytes(node.content[:MOST]).decode("utf-8", "replace"))


def _npm(node: Node, budget: Budget) -> Iterator[Evidence]:
    if len(node.content) > MOST:
        budget.hit("slow", node.path, f"{MOST >> 20} MB of package.json")
        return
    try:
        said: Any = json.loads(bytes(node.content))
    except (ValueError, RecursionError):
        budget.hit("damaged", node.path, "package.json is no JSON")
        return
    scripts = said.get("scripts") if isinstance(said, dict) else None
    if not isinstance(scripts, dict):
        return
    for name in NPM:
        command = scripts.get(name)
        if isinstance(command, str) and not NATIVE.search(command):
            if name in NPM[:3]:
                yield _told("hook.install", node, f"{name}: {command}")
            yield from _command(node, f"{name}: ", command)


def _command(node: Node, head: str, text: str) -> Iterator[Evidence]:
    for rule, pattern in (("hook.shell", SHELL), ("hook.drop", DROPS), ("hook.stores", STORES)):
        if (m := pattern.search(text)) is not None:
            yield _told(rule, node, head + m[0], text, m.start())
    address = BARE.search(text)
    if PROGRAM.search(text) or (address and not LOCAL.search(address[0])) or (head and EVAL.search(text)):
        yield _told("hook.fetches", node, head + text[:200])


def _told(rule: str, node: Node, matched: str, text: str = "", at: int = 0) -> Evidence:
    return Evidence(rule, node.path, WEIGHTS[rule], text.count("\n", 0, at) + 1 if text.count("\n") else -1,
                    matched=visible(matched))  # fmt: skip
