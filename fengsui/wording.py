"""What a rule says of an alert or finding, in every language: its title, and the story in a sentence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from fengsui.finding import Rule

LANGUAGES = ("en", "zh")
Text = dict[str, str]
"""A text by language."""


def title(rules: Mapping[str, Rule], rule: str) -> Text:
    """The rule's title; its id where the rule is no longer there."""
    titles = rules[rule].title if rule in rules else {}
    return {lang: titles.get(lang) or titles.get("en") or rule for lang in LANGUAGES}


def summary(rules: Mapping[str, Rule], raw: str) -> Text:
    """The story of a finding's or alert's ``summary`` (JSON: [rule, arguments])."""
    rule, arguments = msgspec.json.decode(raw)
    templates = rules[rule].text if rule in rules else {}
    return {lang: _filled(templates.get(lang) or templates.get("en") or "", arguments) for lang in LANGUAGES}


def _filled(template: str, arguments: Mapping[str, Any]) -> str:
    if not template:
        return " ".join(f"{k}={v}" for k, v in arguments.items())
    try:
        return template.format(**arguments)
    except (KeyError, IndexError, ValueError):
        return f"{template} {arguments}"  # a rule's text that asks for what its finding lacks: show both
