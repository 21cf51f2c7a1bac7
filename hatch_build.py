"""Build hook: the console is built into the wheel. An editable install leaves it where ``make console`` puts it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class ConsoleHook(BuildHookInterface[Any]):
    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if self.target_name != "wheel" or version == "editable":
            return
        root = Path(self.root)
        subprocess.run([sys.executable, str(root / "dashboards" / "build.py"), "--if-changed"], check=True)  # noqa: S603 our own script
        build_data["force_include"][str(root / "dashboards" / "console" / "dist")] = "fengsui/data/console"
