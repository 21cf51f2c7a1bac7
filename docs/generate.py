"""``python -m docs.generate``: the reference pages, from the code. ``make docs`` leaves git clean; a test checks."""

from __future__ import annotations

import argparse
import ast
import inspect
import json
from pathlib import Path

import msgspec

from detectors.catalogue import rules_folder
from detectors.ruletest import list_rules
from fengsui import __version__, config
from fengsui.cli import parser
from fengsui.schema import KINDS, PLACE

FOLDER = Path(__file__).parent / "generated"
HEAD = "<!-- made by `make docs`; do not edit -->\n"


def events() -> str:
    """Every kind with its columns."""
    out = [HEAD, "# Event kinds\n", "Every row also has these columns in the store: "
           + ", ".join(f"`{c.name}`" for c in PLACE) + ".\n"]  # fmt: skip
    for kind in KINDS.values():
        out += [f"\n## {kind.name}\n", f"{kind.doc}. OCSF class {kind.ocsf}, version {kind.version}.\n",
                "| column | type | meaning |", "|---|---|---|"]  # fmt: skip
        for c in kind.columns:
            cap = f" (at most {c.cap})" if c.cap else ""
            out.append(f"| `{c.name}` | {c.clickhouse} | {c.doc}{cap} |")
        out.append("")
    return "\n".join(out)


def settings() -> str:
    """Every setting with its default and the text below it in ``fengsui/config.py``."""
    (cls,) = ast.parse(inspect.getsource(config.Settings)).body
    assert isinstance(cls, ast.ClassDef)
    texts = {}
    for field, text in zip(cls.body, cls.body[1:], strict=False):
        if isinstance(field, ast.AnnAssign) and isinstance(text, ast.Expr):
            texts[ast.unparse(field.target)] = ast.literal_eval(text.value)
    out = [HEAD, "# Settings\n", "From a TOML file (`--config`), then `FENGSUI_<NAME>`, then flags. An unknown key is "
           "an error that names it.\n", "| name | default | meaning |", "|---|---|---|"]  # fmt: skip
    for f in msgspec.structs.fields(config.Settings):
        default = ", ".join(map(str, f.default)) if isinstance(f.default, tuple) else str(f.default)
        out.append(f"| `{f.name}` | {default or '–'} | {texts[f.name]} |")
    return "\n".join([*out, ""])


def rules() -> str:
    """Every rule shipped."""
    out = [HEAD, "# Rules\n", "| rule | type | title | 名称 | techniques |", "|---|---|---|---|---|"]
    for r in list_rules(rules_folder(None)):
        t = r.rule.title
        techniques = ", ".join(r.rule.techniques)
        out.append(f"| `{r.rule.id}` | {r.type} | {t.get('en', '')} | {t.get('zh', '')} | {techniques} |")
    return "\n".join([*out, ""])


def commands() -> str:
    """The command line's help."""
    top = parser("en")
    subs: dict[str, argparse.ArgumentParser] = next(
        a.choices for a in top._actions if isinstance(a, argparse._SubParsersAction))  # fmt: skip
    out = [HEAD, "# Commands\n", "```text", _plain(top.format_help()), "```\n"]
    for name, p in subs.items():
        out += [f"## fengsui {name}\n", "```text", _plain(p.format_help()), "```\n"]
    return "\n".join(out)


def _plain(text: str) -> str:
    return text.rstrip()


def openapi() -> str:
    """The API's document; the console's types are made from it."""
    from api.app import document

    return json.dumps(document(__version__), indent=1, ensure_ascii=False) + "\n"


PAGES = {"events.md": events, "settings.md": settings, "rules.md": rules, "commands.md": commands,
         "openapi.json": openapi}  # fmt: skip


def main() -> None:
    import os

    os.environ["COLUMNS"] = "100"
    FOLDER.mkdir(exist_ok=True)
    for name, page in PAGES.items():
        (FOLDER / name).write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
