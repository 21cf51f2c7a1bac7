"""What holds on every page: accessible to everybody, nothing from elsewhere, small."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.console import OPEN, panel, settled
from tests.browser.places import places

ROOT = Path(__file__).parent.parent.parent
BUILT = ROOT / "dashboards" / "console" / "dist"
AXE = ROOT / "dashboards" / "console" / "node_modules" / "axe-core" / "axe.min.js"
PICTURES = ROOT / ".out" / "browser"
FIRST_PAGE_BYTES = 420_000
_RULES = """async () => {
    const found = await axe.run(document);
    const broken = found.violations.flatMap(
        v => v.nodes.map(n => `${v.id} (${v.impact}): ${n.target.join(' ')}: ${n.failureSummary}`));
    return {kept: found.passes.length, broken};
}"""

_HIDDEN = """() => Math.min(3000, Math.max(0, ...[...document.querySelectorAll('#content, .detail, .q-frame')]
    .map(e => e.scrollHeight - e.clientHeight)))"""
"""How many points of the page are below the window."""


def _photograph(page, name):
    """The page as high as what is on it: its parts scroll by themselves."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    before = page.viewport_size
    page.set_viewport_size({"width": before["width"], "height": before["height"] + page.evaluate(_HIDDEN)})
    page.screenshot(path=PICTURES / f"{name}.png")
    page.set_viewport_size(before)


def _broken(page):
    page.evaluate(AXE.read_text())
    found = page.evaluate(_RULES)
    assert found["kept"] > 15, found
    return found["broken"]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_no_page_breaks_a_rule_of_accessibility(console, server, lang, theme):
    page = console.open("/overview", lang=lang, theme=theme)
    broken = {}
    for name, path in places(server).items():
        console.visit(page, path)
        page.wait_for_function("() => ![...document.querySelectorAll('.chart-box')].some(b => !b.firstChild)")
        _photograph(page, f"{name}-{lang}-{theme}")
        broken[name] = _broken(page)
    assert not any(broken.values()), json.dumps({k: v for k, v in broken.items() if v}, indent=1, ensure_ascii=False)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_nor_do_the_sign_in_page_the_filters_and_the_keys(console, lang, theme):
    console.allow("status of 401")
    page = console.open("/overview", lang=lang, theme=theme, signed_in=False)
    _photograph(page, f"sign-in-{lang}-{theme}")
    assert not _broken(page)
    page = console.open(f"/alerts?{OPEN}", lang=lang, theme=theme)
    page.locator(".toolbar button[aria-haspopup]").first.click()
    expect(page.locator(".filter-menu")).to_be_visible()
    _photograph(page, f"filters-{lang}-{theme}")
    assert not _broken(page)
    page.keyboard.press("Escape")
    page.locator("h1").click()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    _photograph(page, f"keys-{lang}-{theme}")
    assert not _broken(page)


def _charts():
    """Names of the built files that draw."""
    manifest = json.loads((BUILT / ".vite" / "manifest.json").read_text())
    found = {v["file"] for k, v in manifest.items() if k.startswith("src/charts/") or "look" in k}
    assert len(found) >= 3, sorted(manifest)
    return found


def test_the_first_page_is_small_and_pictures_are_loaded_with_the_first_alert(console, server):
    page = console.context().new_page()
    console.visit(page, f"/alerts?{OPEN}")
    files = [r for r in console.requests if "/api/" not in r.url]
    sizes = {r.url.removeprefix(server.url): r.sizes()["responseBodySize"] for r in files}
    packed = {r.response().headers.get("content-encoding") for r in files if r.url.endswith((".js", ".css"))}
    print(f"first page: {len(sizes)} files, {sum(sizes.values()):,} bytes")
    assert packed == {"br"}
    assert 100_000 < sum(sizes.values()) < FIRST_PAGE_BYTES, sizes
    loaded = {name.lstrip("/") for name in sizes}
    assert not loaded & _charts()
    page.locator(".q-line a").first.click()
    expect(panel(page).locator("canvas").first).to_be_attached()
    assert {r.url.removeprefix(server.url).lstrip("/") for r in console.requests} & _charts()


def test_every_answer_forbids_what_the_console_does_not_need(console):
    page = console.context().new_page()
    answer = page.goto(console.visit(page, "/overview").url)
    policy = answer.headers["content-security-policy"]
    assert "default-src 'self'" in policy and "frame-ancestors 'none'" in policy and "unsafe-eval" not in policy
    assert "'unsafe-inline'" not in policy.partition("script-src")[2].partition(";")[0]
    settled(page)
