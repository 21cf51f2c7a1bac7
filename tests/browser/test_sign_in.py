"""Coming in and going out."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.console import panel, settled

WORDS = {"en": {"title": "Sign in", "token": "Token", "go": "Sign in", "wrong": "does not know this token",
                "ended": "session has ended", "leave": "Sign out"},
         "zh": {"title": "登录", "token": "令牌", "go": "登录", "wrong": "令牌无效", "ended": "会话已结束",
                "leave": "退出登录"}}  # fmt: skip


def _enter(page, words, token):
    page.get_by_label(words["token"], exact=True).fill(token)
    page.get_by_role("button", name=words["go"], exact=True).click()


def test_the_printed_link_signs_in_and_its_token_leaves_the_address_bar(console, server):
    page = console.context(signed_in=False).new_page()
    page.goto(server.link)
    page.wait_for_url("**/overview")
    settled(page)
    assert server.token not in page.url and page.url == f"{server.url}/overview"
    assert server.token not in page.evaluate("JSON.stringify([history.state, {...localStorage}, document.cookie])")
    page.go_back()
    assert server.token not in page.url


def test_a_link_with_a_token_leads_where_it_points(console, server):
    page = console.context(signed_in=False).new_page()
    page.goto(f"{server.url}/alerts?severity=5&token={server.token}")
    settled(page)
    assert page.url == f"{server.url}/alerts?severity=5"


def test_without_a_token_there_is_a_page_to_give_it(console, server, lang):
    console.allow("status of 401")
    words = WORDS[lang]
    page = console.open("/alerts", lang=lang, signed_in=False)
    expect(page.get_by_role("heading", name=words["title"])).to_be_visible()
    _enter(page, words, "this-token-is-not-the-right-one")
    expect(page.get_by_role("alert")).to_contain_text(words["wrong"])
    _enter(page, words, server.token)
    expect(page.get_by_role("navigation").first).to_be_visible()
    assert page.url == f"{server.url}/alerts"


def test_signing_out_ends_the_session_for_good(console, server, lang):
    console.allow("status of 401")
    words = WORDS[lang]
    page = console.open("/overview", lang=lang)
    kept = page.context.cookies()
    page.get_by_role("button", name=words["leave"]).click()
    expect(page.get_by_role("heading", name=words["title"])).to_be_visible()
    page.context.add_cookies(kept)
    console.visit(page, "/overview")
    expect(page.get_by_role("heading", name=words["title"])).to_be_visible()


def test_a_session_that_ends_leads_to_sign_in_and_back_to_the_same_place(console, server, lang):
    console.allow("status of 401")
    words, alert = WORDS[lang], server.alerts()[0]
    page = console.open(f"/alerts?severity=5&severity=4&alert={alert['id']}", lang=lang)
    page.context.clear_cookies()
    page.locator("[aria-sort] button:visible").first.click()
    expect(page.get_by_text(words["ended"])).to_be_visible()
    _enter(page, words, server.token)
    expect(panel(page)).to_be_visible()
    where = f"/alerts?severity=5&severity=4&sort=severity&alert={alert['id']}"
    assert page.url == server.url + where
