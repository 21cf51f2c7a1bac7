"""From a critical alert to an issued warning, and on to its end."""

from __future__ import annotations

import time

from playwright.sync_api import expect

from tests.browser.console import panel

QUICK_CLICKS, QUICK_S = 6, 60.0


class Hand:
    """Counts what a person clicks."""

    def __init__(self, page):
        self.page, self.clicks, self.began = page, 0, time.monotonic()

    def button(self, name):
        self.clicks += 1
        self.page.get_by_role("button", name=name, exact=True).last.click()

    def check(self, name):
        self.clicks += 1
        self.page.get_by_role("checkbox", name=name).check()

    def announce(self, name):
        """From the words to the notice, read and confirmed."""
        self.button("Preview")
        self.check("I have read it")
        self.button(name)


def _draft(server, trigger):
    return next(w for w in server.ask("/warnings", state="draft")["items"] if w["trigger"] == trigger)


def _state(page):
    return page.locator(".warning-head .tag")


def test_a_critical_alert_becomes_a_warning_that_is_issued_adjusted_and_lifted(console, server):
    draft = _draft(server, "critical_alert")
    alert = server.ask(f"/warnings/{draft['id']}")["basis"][0]
    assert alert["severity"] == 5
    page = console.open(f"/alerts?alert={alert['id']}")
    expect(panel(page).get_by_role("link", name=draft["title"]["en"])).to_be_visible()
    hand = Hand(page)
    hand.clicks += 1
    panel(page).get_by_role("link", name=draft["title"]["en"]).click()
    expect(_state(page)).to_have_text("Draft")
    hand.button("Issue")
    hand.announce("Issue")
    expect(_state(page)).to_have_text("Issued")
    took = time.monotonic() - hand.began
    print(f"from a critical alert to an issued warning: {hand.clicks} clicks, {took:.1f} s")
    assert hand.clicks <= QUICK_CLICKS and took < QUICK_S
    expect(page.locator(".timeline li").first).to_contain_text("issued it")
    issued = server.ask(f"/warnings/{draft['id']}")
    assert issued["state"] == "issued" and issued["record"][0]["actor"] == "admin"
    assert all(issued["notice"][lang][field] for lang in ("en", "zh") for field in issued["notice"][lang])
    _adjust(page, hand, server, draft)
    _lift(page, hand, server, draft)


def _adjust(page, hand, server, draft):
    hand.button("Adjust")
    page.get_by_role("radio", name="Orange").check()
    expect(page.get_by_role("button", name="Preview")).to_be_disabled()
    page.get_by_label("Reason").fill("two more hosts do the same")
    hand.announce("Adjust")
    expect(_state(page)).to_have_text("Adjusted")
    expect(page.locator(".timeline li").first).to_contain_text("two more hosts do the same")
    assert server.ask(f"/warnings/{draft['id']}")["level"] == "orange"


def _lift(page, hand, server, draft):
    hand.button("Lift")
    page.get_by_label("Reason").fill("the tunnel is closed")
    hand.button("Lift")
    expect(_state(page)).to_have_text("Lifted")
    expect(page.locator(".warning-head").get_by_role("button")).to_have_count(0)
    assert [r["act"] for r in server.ask(f"/warnings/{draft['id']}")["record"]][:3] == ["lifted", "adjusted", "issued"]


def test_who_acts_upon_what_somebody_else_has_changed_meanwhile_is_told(console, server, lang):
    console.allow("status of 409")
    draft = _draft(server, "shared_subject")
    words = {"en": ("Edit draft", "Save", "Not done"), "zh": ("编辑草稿", "保存", "未能完成")}[lang]
    page = console.open(f"/warnings/{draft['id']}", lang=lang)
    page.get_by_role("button", name=words[0]).click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    _edit(server, draft["id"], f"Somebody else's words ({lang})")
    dialog.locator("textarea").first.fill("my words")
    dialog.get_by_role("button", name=words[1]).click()
    expect(dialog.get_by_role("alert")).to_contain_text(words[2])
    matters = server.ask(f"/warnings/{draft['id']}")["notice"]["en"]["matters"]
    assert matters == f"Somebody else's words ({lang})"


def _edit(server, warning, words):
    seen = server.ask(f"/warnings/{warning}")["changed"]
    text = {"en": words, "zh": words}
    server.ask(f"/warnings/{warning}", method="PATCH", body={"matters": text, "changed": seen})


def test_a_notice_has_its_seven_fields_in_both_languages_whatever_the_console_speaks(console, server, lang):
    draft = server.ask("/warnings", state="draft")["items"][0]
    page = console.open(f"/warnings/{draft['id']}", lang=lang)
    sheets = page.locator("dl.sheet")
    expect(sheets).to_have_count(2)
    assert sheets.evaluate_all("all => all.map(s => s.lang)") == ["zh-CN", "en"]
    for i in range(2):
        assert sheets.nth(i).locator("dt").count() == 7
        filled = [text for text in sheets.nth(i).locator("dd").all_inner_texts() if text.strip("– ")]
        assert len(filled) >= 6, filled
