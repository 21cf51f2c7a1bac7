"""Write ``requirements.lock``: every package that the image installs, in the version that is installed and tested here.

``python deploy/lock.py`` in an environment with the extras. Names and versions alone: where they come from is the
installer's configuration.
"""

from __future__ import annotations

import sys
from importlib.metadata import PackageNotFoundError, distribution, requires
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

EXTRAS = ("large", "traces")
LOCK = Path(__file__).parent / "requirements.lock"


def closure(name: str, extras: tuple[str, ...], found: dict[str, str]) -> dict[str, str]:
    """Versions of what ``name`` needs with these extras, all the way down."""
    for line in requires(name) or []:
        need = Requirement(line)
        if need.marker is not None and not any(need.marker.evaluate({"extra": e}) for e in (*extras, "")):
            continue
        key = canonicalize_name(need.name)
        try:
            version = distribution(need.name).version
        except PackageNotFoundError:
            sys.exit(f"{need.name} is not installed here: pip install -e '.[{','.join(EXTRAS)}]' first")
        if key not in found or need.extras:
            found[key] = version
            closure(need.name, tuple(need.extras), found)
    return found


def main() -> None:
    found = closure("fengsui", EXTRAS, {})
    lines = [f"{name}=={version}" for name, version in sorted(found.items())]
    LOCK.write_text("# Made by deploy/lock.py: what the image installs.\n" + "\n".join(lines) + "\n")
    sys.stdout.write(f"{LOCK.name}: {len(lines)} packages\n")


if __name__ == "__main__":
    main()
