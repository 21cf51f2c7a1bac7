"""The command line. Only what a command needs is loaded when it runs: ``--help`` loads neither numba nor chDB."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from fengsui import __version__
from fengsui.cli.text import LANGUAGES, language, text
from fengsui.errors import FengsuiError, UsageError


class _Parser(argparse.ArgumentParser):
    """argparse ends with 2 on a usage error; here 2 means that input could not be read, and usage is 3."""

    def error(self, message: str) -> None:  # type: ignore[override]  # never returns
        self.print_usage(sys.stderr)
        print(f"{self.prog}: {message}", file=sys.stderr)
        raise SystemExit(UsageError.exit_code)


def _positive(word: str) -> float:
    value = float(word)
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{word} is not above 0")
    return value


def _count(word: str) -> int:
    value = int(word)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{word} is not 1 or more")
    return value


def parser(lang: str) -> argparse.ArgumentParser:
    """Every command and its options, described in ``lang``."""

    def t(key: str) -> str:
        return text(key, lang)

    common = _Parser(add_help=False)
    common.add_argument("--lang", choices=LANGUAGES, default=lang, help=t("lang"))
    common.add_argument("--config", type=Path, help=t("config"))
    top = _Parser(prog="fengsui", description=t("about"), epilog=t("exits"))
    top.add_argument("--lang", choices=LANGUAGES, default=lang, help=t("lang"))
    top.add_argument("--version", action="version", version=f"fengsui {__version__}")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND", parser_class=_Parser)

    def command(name: str, run: str) -> argparse.ArgumentParser:
        p: argparse.ArgumentParser = commands.add_parser(name, help=t(name), description=t(name), parents=[common])
        p.set_defaults(run=run)
        return p

    analyze = command("analyze", "analyze:run")
    analyze.add_argument("paths", nargs="+", type=Path, metavar="PATH", help=t("paths"))
    analyze.add_argument("--json", action="store_true", help=t("json"))
    analyze.add_argument("--all", action="store_true", help=t("all"))
    analyze.add_argument("--data", type=Path, help=t("data"))
    analyze.add_argument("--again", action="store_true", help=t("again"))
    analyze.add_argument("--indicators", type=Path, action="append", metavar="FILE", help=t("indicators"))
    analyze.add_argument("--rules", type=Path, metavar="DIR", help=t("rulesdir"))
    analyze.add_argument("--org", help=t("org"))

    decode = command("decode", "decode:run")
    decode.add_argument("paths", nargs="+", type=Path, metavar="PATH", help=t("paths"))
    decode.add_argument("--kind", action="append", help=t("kind"))

    scan = command("scan", "scan:run")
    scan.add_argument("paths", nargs="+", type=Path, metavar="PATH", help=t("scan.paths"))
    form = scan.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help=t("scan.json"))
    form.add_argument("--sarif", action="store_true", help=t("scan.sarif"))
    scan.add_argument("--password", action="append", metavar="WORD", help=t("scan.password"))
    scan.add_argument("--profile", choices=("package", "archive", "image"), help=t("scan.profile"))
    scan.add_argument("--seconds", type=_positive, metavar="S", help=t("scan.seconds"))
    scan.add_argument("--jobs", type=_count, metavar="N", help=t("scan.jobs"))
    scan.add_argument("--previous", type=Path, metavar="FILE", help=t("scan.previous"))
    scan.add_argument("--report", type=Path, metavar="DIR", help=t("scan.report"))
    scan.add_argument("--offline", action="store_true", help=t("scan.offline"))
    scan.add_argument("--rules", type=Path, metavar="DIR", help=t("rulesdir"))

    report = command("report", "report:run")
    report.add_argument("what", choices=("verify", "key"), help=t("report.what"))
    report.add_argument("file", nargs="?", type=Path, metavar="FILE", help=t("report.file"))
    report.add_argument("--key", metavar="KEY", help=t("report.key"))
    report.add_argument("--json", action="store_true", help=t("json"))
    report.add_argument("--data", type=Path, help=t("serve.data"))

    bom = command("sbom", "sbom:run")
    bom.add_argument("path", type=Path, metavar="PATH", help=t("sbom.path"))
    bom.add_argument("--form", choices=("cyclonedx", "spdx", "sbomdf"), default="cyclonedx", help=t("sbom.form"))
    bom.add_argument("--convert", action="store_true", help=t("sbom.convert"))
    bom.add_argument("--out", type=Path, metavar="FILE", help=t("sbom.out"))

    found = command("match", "match:run")
    found.add_argument("sboms", nargs="+", type=Path, metavar="SBOM", help=t("match.sboms"))
    found.add_argument("--advisories", nargs="+", type=Path, required=True, metavar="PATH", help=t("match.advisories"))
    found.add_argument("--vex", nargs="+", type=Path, metavar="FILE", help=t("match.vex"))
    found.add_argument("--policy", type=Path, metavar="FILE", help=t("match.policy"))
    found.add_argument("--since", type=Path, metavar="SBOM", help=t("match.since"))
    found.add_argument("--allow-stale", action="store_true", help=t("match.allow"))
    found.add_argument("--json", action="store_true", help=t("json"))

    serve = command("serve", "serve:run")
    serve.add_argument("--watch", type=Path, action="append", metavar="DIR", help=t("watchdir"))
    serve.add_argument("--data", type=Path, help=t("serve.data"))
    serve.add_argument("--host", help=t("host"))
    serve.add_argument("--port", type=int, help=t("port"))
    serve.add_argument("--indicators", type=Path, action="append", metavar="FILE", help=t("indicators"))
    serve.add_argument("--rules", type=Path, metavar="DIR", help=t("rulesdir"))
    serve.add_argument("--org", help=t("org"))

    for name in ("collect", "pack", "detect", "sink", "hunt", "situation", "scan-worker"):
        role = command(name, "roles:run")
        role.add_argument("--instance", metavar="NAME", help=t("instance"))
        role.add_argument("--data", type=Path, help=t("serve.data"))
        if name == "collect":
            role.add_argument("folders", nargs="*", type=Path, metavar="DIR", help=t("watchdir"))

    status = command("status", "status:run")
    status.add_argument("--data", type=Path, help=t("serve.data"))
    status.add_argument("--json", action="store_true", help=t("json"))

    letters = command("letters", "letters:run")
    letters.add_argument("what", choices=("list", "show", "replay", "drop"), help=t("letters.what"))
    letters.add_argument("ids", nargs="*", metavar="ID", help=t("letters.ids"))
    letters.add_argument("--all", action="store_true", help=t("letters.all"))
    letters.add_argument("--raw", action="store_true", help=t("letters.raw"))
    letters.add_argument("--topic", default="", help=t("letters.topic"))
    letters.add_argument("--json", action="store_true", help=t("json"))
    letters.add_argument("--data", type=Path, help=t("serve.data"))

    for name, about in (("backup", t("backup.folder")), ("restore", t("restore.folder"))):
        files = command(name, f"backup:{name}")
        files.add_argument("folder", type=Path, metavar="FOLDER", help=about)
        files.add_argument("--data", type=Path, help=t("serve.data"))

    admin = command("admin", "admin:run")
    about = f"migrate: {t('admin.migrate')}; regress: {t('admin.regress')}"
    admin.add_argument("what", choices=("migrate", "regress"), help=about)
    admin.add_argument("--data", type=Path, help=t("serve.data"))

    size = command("size", "size:run")
    size.add_argument("--events-per-second", type=float, required=True, metavar="N", help=t("size.rate"))
    size.add_argument("--days", type=float, required=True, metavar="D", help=t("size.days"))
    size.add_argument("--peak", type=float, default=3.0, metavar="X", help=t("size.peak"))
    size.add_argument("--organisations", type=int, default=1, metavar="N", help=t("size.organisations"))
    size.add_argument("--json", action="store_true", help=t("json"))

    api = command("api", "serve:run_api")
    api.add_argument("--instance", metavar="NAME", help=t("instance"))
    api.add_argument("--data", type=Path, help=t("serve.data"))
    api.add_argument("--host", help=t("host"))
    api.add_argument("--port", type=int, help=t("port"))

    rules = command("rules", "rules:run")
    about = f"test: {t('rules.test')}; list: {t('rules.list')}; import: {t('rules.import')}"
    rules.add_argument("what", choices=("test", "list", "import"), help=about)
    rules.add_argument("sources", nargs="*", type=Path, metavar="SOURCE", help=t("rules.sources"))
    rules.add_argument("--rules", type=Path, metavar="DIR", help=t("rulesdir"))
    rules.add_argument("--json", action="store_true", help=t("json"))

    bench = command("bench", "bench:run")
    bench.add_argument("--packets", type=int, default=1_000_000, help=t("packets"))
    bench.add_argument("--json", action="store_true", help=t("json"))

    demo = command("demo", "demo:run")
    demo.add_argument("--once", action="store_true", help=t("demo.once"))
    demo.add_argument("--clean", action="store_true", help=t("demo.clean"))
    demo.add_argument("--port", type=int, help=t("port"))
    demo.add_argument("--organisations", type=int, default=30, metavar="N", help=t("demo.organisations"))
    demo.add_argument("--steps", type=int, default=6, metavar="N", help=t("demo.steps"))
    demo.add_argument("--folder", type=Path, default=Path("demo-data"), help=t("demo.folder"))
    demo.add_argument("--json", action="store_true", help=t("json"))
    demo.add_argument("--all", action="store_true", help=t("all"))

    command("warm", "warm:run")
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; its exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    lang = language(words)
    args = parser(lang).parse_args(words)
    module, function = args.run.split(":")
    try:
        code: int = getattr(importlib.import_module(f"fengsui.cli.{module}"), function)(args)
        sys.stdout.flush()
    except FengsuiError as e:
        return _failed(lang, e, e.exit_code)
    except BrokenPipeError:
        _leave_stdout()  # `fengsui decode … | head` ends in peace
        return 0
    except KeyboardInterrupt:
        return 130
    except OSError as e:
        _leave_stdout()
        return _failed(lang, f"{e.filename}: {e.strerror}" if e.filename else e.strerror or e)
    except Exception as e:
        if not type(e).__module__.startswith(("sqlite3", "sqlalchemy")):
            raise
        return _failed(lang, text("engine", lang, reason=getattr(e, "orig", e)))  # a full or broken disk
    return code


def _failed(lang: str, reason: object, code: int = 1) -> int:
    print(text("error", lang, text=reason), file=sys.stderr)
    return code


def _leave_stdout() -> None:
    """What is still to be written goes nowhere: nobody reads it, or it cannot be written."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    raise SystemExit(main())
