"""Two languages and two themes, chosen once."""

from __future__ import annotations

import re
from pathlib import Path

from playwright.sync_api import expect

from tests.browser.console import HTML_LANG, settled
from tests.browser.places import places

WORDS = Path(__file__).parent.parent.parent / "dashboards" / "console" / "src" / "i18n" / "en"
KEYS = {k for f in WORDS.glob("*.ts") for k in re.findall(r'^\s*"([\w.-]+\.[\w.-]+)":', f.read_text(), re.MULTILINE)}
NAMES = re.compile(
    r"DNS|HTTP|TLS|ATT&CK|Zeek|pcapng|pcap|conn|dns|http|ssl|files|gz|zst|EN|UTC|English|MB|kB|GB|SYN|IP"
)
"""What is called the same in Chinese."""
_HEADINGS = """() => [...document.querySelectorAll('nav, header, h1, h2, h3, th, button, label, legend, dt, caption')]
    .filter(e => e.checkVisibility() && !e.closest('[lang=en]'))
    .map(e => { const c = e.cloneNode(true);
        c.querySelectorAll('.mono, bdi, time, code, kbd, [lang=en], .who, .ant-select').forEach(x => x.remove());
        return e.matches('.mono, .mono *, bdi *') ? '' : c.textContent.trim(); })"""


def test_the_language_is_switched_told_to_the_browser_and_remembered(console):
    page = console.open("/overview", lang="en")
    assert page.locator("html").get_attribute("lang") == "en"
    page.get_by_role("button", name="中文").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("总览")
    assert page.locator("html").get_attribute("lang") == "zh-CN"
    page.reload()
    expect(page.get_by_role("heading", level=1)).to_have_text("总览")
    assert "总览" in page.title()
    page.get_by_role("button", name="EN", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Overview")


def test_the_theme_follows_the_system_is_switched_and_remembered(console):
    page = console.open("/overview", theme="dark")
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.get_by_role("button", name="Light theme").click()
    light = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert dark != light
    settled(page.reload() and page)
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == light
    expect(page.get_by_role("button", name="Dark theme")).to_be_visible()


def test_no_page_shows_the_name_of_a_text_instead_of_the_text(console, server, lang):
    assert len(KEYS) > 300
    page = console.open("/overview", lang=lang)
    for name, path in places(server).items():
        console.visit(page, path)
        assert page.locator("html").get_attribute("lang") == HTML_LANG[lang]
        shown = set(re.findall(r"[\w-]+(?:\.[\w-]+)+", page.locator("body").inner_text()))
        assert not shown & KEYS, name
        assert not re.search(r"\{\w+\}|\bundefined\b|\bNaN\b|\[object", page.locator("body").inner_text()), name


def test_chinese_pages_speak_chinese(console, server):
    page = console.open("/overview", lang="zh")
    for name, path in places(server).items():
        console.visit(page, path)
        texts = {t for t in page.evaluate(_HEADINGS) if re.search(r"[A-Za-z]{2,}", NAMES.sub("", t))}
        assert not texts, f"{name}: {sorted(texts)}"
