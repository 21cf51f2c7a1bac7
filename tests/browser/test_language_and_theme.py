"""Two languages and two themes, chosen once."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.console import settled


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
