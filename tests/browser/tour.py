"""A walk through every page, and what was seen on each."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page

from tests.browser.console import Console
from tests.browser.places import places
from tests.browser.server import Server

ROOT = Path(__file__).parent.parent.parent
CONSOLE = ROOT / "dashboards" / "console"
AXE = CONSOLE / "node_modules" / "axe-core" / "axe.min.js"
PICTURES = ROOT / ".out" / "browser"
_RULES = """async () => {
    const found = await axe.run(document);
    const broken = found.violations.flatMap(
        v => v.nodes.map(n => `${v.id} (${v.impact}): ${n.target.join(' ')}: ${n.failureSummary}`));
    return {kept: found.passes.length, broken};
}"""
_HIDDEN = """() => Math.min(3000, Math.max(0, ...[...document.querySelectorAll('#content, .detail, .q-frame')]
    .map(e => e.scrollHeight - e.clientHeight)))"""
"""How many points of the page are below the window."""
_STILL = """() => document.getAnimations().every(
    a => a.playState !== 'running' || a.effect.getTiming().iterations === Infinity)"""
_DRAWN = "() => [...document.querySelectorAll('.chart-box')].every(box => box.firstChild)"
_LABELS = """() => [...document.querySelectorAll('nav, header, h1, h2, h3, th, button, label, legend, dt, caption')]
    .filter(e => e.checkVisibility() && !e.matches('.mono, .mono *, bdi *'))
    .map(e => {
        const copy = e.cloneNode(true);
        copy.querySelectorAll('.mono, bdi, time, code, kbd, [lang], .who, .ant-select').forEach(x => x.remove());
        return e.closest('[lang]') === document.documentElement ? copy.textContent.trim() : '';
    })"""
"""What the console itself calls things, without what is shown in a language of its own or is data."""


@dataclass(frozen=True)
class Seen:
    """One page: all of its text, its labels, the language it claims, and the rules of accessibility it breaks."""

    text: str
    labels: list[str]
    lang: str
    broken: list[str]


@dataclass
class Tour:
    """Pages by name; ``faults`` is what went wrong on the way."""

    lang: str
    pages: dict[str, Seen] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)

    def each(self, look: Any) -> dict[str, Any]:
        """What ``look`` finds, by page, where it finds anything."""
        return {name: found for name, seen in self.pages.items() if (found := look(seen))}


def tour(browser: Browser, server: Server, lang: str, theme: str) -> Tour:
    """Visit every page in one language and theme; pictures of them are kept."""
    console, made = Console(browser, server), Tour(lang)
    page = console.open("/overview", lang=lang, theme=theme)
    for name, path in places(server).items():
        console.visit(page, path)
        page.wait_for_function(_DRAWN)
        photograph(page, f"{name}-{lang}-{theme}")
        html = page.locator("html").get_attribute("lang") or ""
        made.pages[name] = Seen(page.locator("body").inner_text(), page.evaluate(_LABELS), html, broken(page))
    console.close()
    made.faults = console.faults
    return made


def photograph(page: Page, name: str) -> None:
    """The page as high as what is on it: its parts scroll by themselves."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    page.wait_for_function(_STILL)
    before = page.viewport_size
    assert before is not None
    page.set_viewport_size({"width": before["width"], "height": before["height"] + page.evaluate(_HIDDEN)})
    page.screenshot(path=PICTURES / f"{name}.png")
    page.set_viewport_size(before)


def broken(page: Page) -> list[str]:
    """Rules of accessibility that the page breaks, with the place and the reason."""
    page.evaluate(AXE.read_text())
    found = page.evaluate(_RULES)
    assert found["kept"] > 15, found
    return found["broken"]


def names_of_texts() -> set[str]:
    """What texts are called in the console's source: nobody is to read these."""
    files = (CONSOLE / "src" / "i18n" / "en").glob("*.ts")
    found = {k for f in files for k in re.findall(r'^\s*"([\w.-]+\.[\w.-]+)":', f.read_text(), re.MULTILINE)}
    assert len(found) > 300, found
    return found
