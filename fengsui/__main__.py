"""``python -m fengsui``."""

from fengsui.cli import main

raise SystemExit(main())
