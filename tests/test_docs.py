"""The pages say what is: generated ones as the code has it, written ones only what exists."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from pathlib import Path

import msgspec
import pytest

from docs import generate
from fengsui.cli import parser
from fengsui.config import Settings
from fengsui.schema import KINDS

ROOT = Path(__file__).parent.parent
GENERATED = ROOT / "docs" / "generated"


def tracked() -> list[Path]:
    try:
        out = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True).stdout
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a checkout")
    return [ROOT / name.decode() for name in out.split(b"\0") if name and (ROOT / name.decode()).is_file()]


def shape(document: str) -> dict[str, object]:
    """What must not drift: operations with their parameters and answers, schemas with their properties. The rest is the
    wording of the framework's version."""
    found = json.loads(document)
    operations = {
        f"{method} {path}": (o["operationId"], sorted(p["name"] for p in o.get("parameters", [])),
                             sorted(o["responses"]))
        for path, methods in found["paths"].items() for method, o in methods.items()
    }  # fmt: skip
    schemas = {n: sorted(s.get("properties", s.get("enum", []))) for n, s in found["components"]["schemas"].items()}
    return {"operations": operations, "schemas": schemas}


def test_the_openapi_document_is_what_the_api_has():
    want = shape(generate.openapi())
    assert len(want["operations"]) > 20
    assert shape((GENERATED / "openapi.json").read_text(encoding="utf-8")) == want, "run `make docs`"


@pytest.mark.parametrize("name", [n for n in generate.PAGES if n.endswith(".md")])
def test_a_generated_page_is_what_the_code_says(name: str, monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    want, got = generate.PAGES[name](), (GENERATED / name).read_text(encoding="utf-8")
    assert want
    assert got == want, f"docs/generated/{name} is not what the code says: run `make docs`"


def test_no_generated_page_is_left_over():
    assert {p.name for p in GENERATED.iterdir()} == set(generate.PAGES)


def test_every_setting_command_option_and_kind_is_documented(monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    settings, commands = ((GENERATED / n).read_text(encoding="utf-8") for n in ("settings.md", "commands.md"))
    names = [f.name for f in msgspec.structs.fields(Settings)]
    assert names
    assert [n for n in names if f"| `{n}` |" not in settings] == []
    assert re.findall(r"\| `\w+` \| [^|]* \| *\|", settings) == []
    subs = next(a.choices for a in parser("en")._actions if a.dest == "command")
    assert [n for n in subs if f"## fengsui {n}\n" not in commands] == []
    options = {o for p in subs.values() for a in p._actions for o in a.option_strings if o.startswith("--")}
    assert [o for o in options if o not in commands] == []
    events = (GENERATED / "events.md").read_text(encoding="utf-8")
    assert [k for k in KINDS if f"## {k}\n" not in events] == []


def test_every_option_has_a_text(monkeypatch):
    for lang in ("en", "zh"):
        subs = next(a.choices for a in parser(lang)._actions if a.dest == "command")
        bare = {(n, a.dest) for n, p in subs.items() for a in p._actions if not a.help and a.dest != "help"}
        assert bare == set(), lang


def commands_in(text: str) -> list[str]:
    """Command lines of code blocks and in backticks that begin with fengsui."""
    text = text.replace("\\\n", " ")
    blocks = "\n".join(re.findall(r"```\w*\n(.*?)```", text, re.DOTALL))
    lines = [line.strip().removeprefix("$ ") for line in blocks.splitlines()] + re.findall(r"`([^`\n]+)`", text)
    found = [m[1] for line in lines if (m := re.match(r"(?:[\w./]*/)?fengsui(?: |$)(.*)", line))]
    return [f.split("#")[0].split("|")[0].split(">")[0].strip() for f in found]


def test_every_command_of_the_written_pages_is_taken_by_the_parser():
    pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md"),
             *(ROOT / "docs" / "decisions").glob("*.md")]  # fmt: skip
    seen = 0
    for page in pages:
        for line in commands_in(page.read_text(encoding="utf-8")):
            words = [w for w in shlex.split(line) if w != "…"]
            if not words or "…" in line:
                continue
            seen += 1
            if words == ["--help"]:
                continue
            try:
                parser("en").parse_args(words)
            except SystemExit:
                bare = len([w for w in words if not w.startswith("-")]) == 1 and "--help" not in words
                known = next(a.choices for a in parser("en")._actions if a.dest == "command")
                assert bare, f"{page.name}: fengsui {line}"
                assert words[0] in known, f"{page.name}: fengsui {line}"
    assert seen >= 3


def test_every_make_target_of_the_written_pages_is_there():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = set()
    for page in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")):
        text = page.read_text(encoding="utf-8")
        named |= set(re.findall(r"(?:^\$? ?|`)make ([a-z-]+)", text, re.MULTILINE))
    assert named
    assert named <= targets


MACHINE = re.compile("/" + r"(?:work/|home/[a-z]|Users/[A-Za-z]|root/|tmp/[a-z]+\d)")


def test_no_tracked_file_names_a_path_of_somebodys_machine():
    files = tracked()
    assert len(files) > 100
    found = []
    for path in files:
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        lines = enumerate(text.splitlines(), 1)
        found += [f"{path.relative_to(ROOT)}:{i}" for i, line in lines if MACHINE.search(line)]
    assert found == []
