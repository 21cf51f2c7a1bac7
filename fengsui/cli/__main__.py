"""``python -m fengsui.cli``: the command line, where no script is installed."""

from __future__ import annotations

from fengsui.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
