"""What a package says of itself: its name and version, in a wheel, a source distribution or a package of npm."""

from __future__ import annotations

import email.parser
import json
import re
from collections.abc import Iterator

from detectors.software.budget import Budget
from detectors.software.facts import Claim, visible
from detectors.software.unpack import Node

_WHEEL = re.compile(r"\.whl!/[^/!]+\.dist-info/METADATA$")
_SOURCE = re.compile(r"[!/][^/!]+/PKG-INFO$")
_NPM = re.compile(r"![/](?:\./)?[^/!]+/package\.json$")
MOST = 1 << 20


def look(node: Node, budget: Budget) -> Iterator[Claim]:
    """The claim of one file; of other files none. What cannot be read is no claim."""
    if len(node.content) > MOST:
        return
    if _WHEEL.search(node.path) or (_SOURCE.search(node.path) and ".egg-info/" not in node.path):
        said = email.parser.HeaderParser().parsestr(bytes(node.content).decode("utf-8", "replace"))
        yield from _claim("pypi", said.get("Name"), said.get("Version"), node.path)
    elif _NPM.search(node.path):
        try:
            found = json.loads(bytes(node.content))
        except (ValueError, RecursionError):
            return  # hooks.py says that it is damaged
        if isinstance(found, dict):
            yield from _claim("npm", found.get("name"), found.get("version"), node.path)


def _claim(ecosystem: str, name: object, version: object, path: str) -> Iterator[Claim]:
    if isinstance(name, str) and name.strip():
        number = version.strip() if isinstance(version, str) else ""
        yield Claim(ecosystem, visible(name.strip(), 214), visible(number, 100), path)
