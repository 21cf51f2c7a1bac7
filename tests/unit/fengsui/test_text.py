"""What people read: every text in both languages, asking for the same arguments."""

from __future__ import annotations

import ast
import string
from pathlib import Path

import pytest

import fengsui.cli
from fengsui.cli.console import printable
from fengsui.cli.text import LANGUAGES, TEXT, language, text


def arguments(template: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(template) if name is not None}


@pytest.mark.parametrize("key", TEXT)
def test_a_text_is_there_in_every_language_and_asks_for_the_same_arguments(key: str):
    each = TEXT[key]
    assert len(each) == len(LANGUAGES)
    assert all(t.strip() for t in each)
    assert len({frozenset(arguments(t)) for t in each}) == 1


@pytest.mark.parametrize("key", TEXT)
def test_chinese_is_chinese(key: str):
    words = TEXT[key][LANGUAGES.index("zh")]
    plain = "".join(t for t, *_ in string.Formatter().parse(words)).replace("fengsui", "")
    assert not any(c.isalpha() for c in plain) or any("\u4e00" <= c <= "\u9fff" for c in plain)


def test_every_text_that_the_commands_ask_for_is_there_and_every_text_is_asked_for():
    folder = Path(fengsui.cli.__file__).parent
    used: set[str] = set()
    for path in folder.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and path.name != "text.py":
                used.add(node.value)
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("text", "t") and node.args and (
                    isinstance(node.args[0], ast.Constant)):  # fmt: skip
                assert node.args[0].value in TEXT, f"{path.name}:{node.lineno}"
    assert {k for k in TEXT if not k.startswith("sev.")} - used == set()


@pytest.mark.parametrize(("argv", "environment", "want"), [
    (["--lang", "zh", "analyze"], {"FENGSUI_LANG": "en"}, "zh"), (["analyze", "--lang=zh"], {}, "zh"),
    ([], {"FENGSUI_LANG": "zh", "LANG": "en_US.UTF-8"}, "zh"), ([], {"LANG": "zh_CN.UTF-8"}, "zh"),
    ([], {"LC_ALL": "C", "LANG": "zh_CN.UTF-8"}, "en"), ([], {}, "en"), (["--lang", "xx"], {"LANG": "zh_CN"}, "zh"),
    (["--lang"], {}, "en"), ([], {"LANG": "de_DE"}, "en"),
])  # fmt: skip
def test_the_language_is_the_flags_then_the_variables_then_the_locales(argv, environment, want):
    assert language(argv, environment) == want


def test_arguments_are_put_in_and_braces_in_them_stay():
    assert text("fault", "en", fault="a{b}") == "could not be read: a{b}"
    assert text("fault", "zh", fault="a{b}").endswith("a{b}")


def test_what_would_steer_a_terminal_is_shown_as_an_escape():
    assert printable("a\x1b[31m\u202eb好\n") == "a\\x1b[31m\\u202eb好\\n"
