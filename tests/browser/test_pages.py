"""What holds on every page: in one language, accessible to everybody, nothing from elsewhere, small."""

from __future__ import annotations

import json
import re

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.console import HTML_LANG, OPEN, panel, settled
from tests.browser.server import Server
from tests.browser.tour import CONSOLE, Tour, broken, names_of_texts, photograph, tour

FIRST_PAGE_BYTES = 420_000
SAME_IN_CHINESE = re.compile(r"DNS|HTTP|TLS|ATT&CK|Zeek|pcapng|pcap|Host|English|[kMG]B|[\w.-]+\.example")
NO_TEXT = re.compile(r"\{\w+\}|\bundefined\b|\bNaN\b|\[object|\bnull\b")


@pytest.fixture(scope="module")
def tours() -> dict[tuple[str, str], Tour]:
    """Each walk is made once."""
    return {}


@pytest.fixture(params=["light", "dark"])
def theme(request: pytest.FixtureRequest) -> str:
    """Both themes, one after the other."""
    return request.param


@pytest.fixture
def seen(tours: dict[tuple[str, str], Tour], browser: Browser, server: Server, lang: str, theme: str) -> Tour:
    """Every page in one language and one theme."""
    if (lang, theme) not in tours:
        tours[lang, theme] = tour(browser, server, lang, theme)
    assert len(tours[lang, theme].pages) > 10
    return tours[lang, theme]


def test_no_page_breaks_a_rule_of_accessibility(seen):
    found = seen.each(lambda page: page.broken)
    assert not found, json.dumps(found, indent=1, ensure_ascii=False)


def test_no_page_has_errors_or_asks_another_server(seen):
    assert not seen.faults


def test_no_page_shows_the_name_of_a_text_instead_of_the_text(seen):
    names = names_of_texts()
    assert not seen.each(lambda page: set(re.findall(r"[\w-]+(?:\.[\w-]+)+", page.text)) & names)
    assert not seen.each(lambda page: NO_TEXT.findall(page.text))


def test_every_page_says_its_language_and_speaks_it(seen):
    assert not seen.each(lambda page: page.lang != HTML_LANG[seen.lang])
    assert not seen.each(lambda page: [t for t in page.labels if _foreign(t, seen.lang)])
    assert not seen.each(lambda page: not any(page.labels))


def _foreign(label, lang):
    if lang == "en":
        return re.search("[一-鿿]", label)
    return re.search(r"[A-Za-z]{2,}", SAME_IN_CHINESE.sub("", label))


def test_nor_do_the_sign_in_page_the_filters_and_the_keys_break_one(console, lang, theme):
    console.allow("status of 401")
    page = console.open("/overview", lang=lang, theme=theme, signed_in=False)
    photograph(page, f"sign-in-{lang}-{theme}")
    assert not broken(page)
    page = console.open(f"/alerts?{OPEN}", lang=lang, theme=theme)
    page.locator(".toolbar button[aria-haspopup]").first.click()
    expect(page.locator(".filter-menu")).to_be_visible()
    photograph(page, f"filters-{lang}-{theme}")
    assert not broken(page)
    page.keyboard.press("Escape")
    page.locator("h1").click()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    photograph(page, f"keys-{lang}-{theme}")
    assert not broken(page)


def _charts():
    """Names of the built files that draw."""
    manifest = json.loads((CONSOLE / "dist" / ".vite" / "manifest.json").read_text())
    found = {v["file"] for k, v in manifest.items() if k.startswith("src/charts/") or "look" in k}
    assert len(found) >= 3, sorted(manifest)
    return found


def test_the_first_page_is_small_and_pictures_are_loaded_with_the_first_alert(console, server):
    page = console.open(f"/alerts?{OPEN}")
    files = [r for r in console.requests if "/api/" not in r.url]
    sizes = {r.url.removeprefix(f"{server.url}/"): r.sizes()["responseBodySize"] for r in files}
    packed = {r.response().headers.get("content-encoding") for r in files if r.url.endswith((".js", ".css"))}
    print(f"first page: {len(sizes)} files, {sum(sizes.values()):,} bytes")
    assert packed == {"br"}
    assert 100_000 < sum(sizes.values()) < FIRST_PAGE_BYTES, sizes
    assert not set(sizes) & _charts()
    page.locator(".q-line a").first.click()
    expect(panel(page).locator("canvas").first).to_be_attached()
    assert {r.url.removeprefix(f"{server.url}/") for r in console.requests} & _charts()


def test_every_answer_forbids_what_the_console_does_not_need(console, server):
    page = console.open("/overview")
    answer = page.reload()
    policy = answer.headers["content-security-policy"]
    assert "default-src 'self'" in policy and "frame-ancestors 'none'" in policy and "unsafe-eval" not in policy
    assert "'unsafe-inline'" not in policy.partition("script-src")[2].partition(";")[0]
    settled(page)
