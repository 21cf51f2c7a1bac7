"""A real server, a real browser, and pages that are watched while a test works with them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.browser.console import Console
from tests.browser.server import Server, demo
from tests.support.engines import engine

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(scope="session")
def chromium() -> str:
    """The browser's program; without it these tests are skipped before anything is started."""
    return engine("chromium")


@pytest.fixture(scope="session")
def built(chromium: str) -> None:
    """The console as it is in this checkout."""
    subprocess.run([sys.executable, str(ROOT / "dashboards" / "build.py"), "--if-changed"], check=True)


@pytest.fixture(scope="session")
def server(built: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The demo after its day, with what was planted in the queue."""
    with demo(tmp_path_factory.mktemp("demo")) as running:
        found = running.alerts()
        assert len(found) >= 8, found
        yield running


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    """One browser a module: playwright's event loop must not be there for the tests of others."""
    sandbox = [] if os.geteuid() else ["--no-sandbox"]
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium, args=[*sandbox, "--force-color-profile=srgb"])
        yield running
        running.close()


@pytest.fixture
def console(browser: Browser, server: Server) -> Iterator[Console]:
    """Opens pages; what went wrong on any of them fails the test at its end."""
    opened = Console(browser, server)
    yield opened
    opened.close()
    assert not opened.faults, opened.faults


@pytest.fixture(params=["en", "zh"])
def lang(request: pytest.FixtureRequest) -> str:
    """Both languages, one after the other."""
    return request.param
