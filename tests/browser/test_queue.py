"""The alert queue by keyboard, by filters and by its address."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.console import OPEN, focused, ids, number, panel, row, rows, settled

WORDS = {
    "en": {
        "undo": "Undo", "undone": "Undone", "search": "Search address, name or rule", "keys": "Keys",
        "filter": "Add a filter", "severity": "Severity", "high": "High", "remove": "Remove filter",
        "order": "Most events first", "count": "Events", "empty": "No alert fits these filters",
        "selected": "2 selected", "table": "Alerts",
    },
    "zh": {
        "undo": "撤销", "undone": "已撤销", "search": "搜索地址、名称或规则", "keys": "快捷键", "filter": "添加筛选",
        "severity": "严重程度", "high": "高", "remove": "移除筛选", "order": "事件最多在前", "count": "事件数",
        "empty": "没有符合筛选条件的告警", "selected": "已选 2 条", "table": "告警",
    },
}  # fmt: skip


def _state(server, alert):
    return server.ask(f"/alerts/{alert}")["state"]


def _total(page):
    return number(page.locator(".queue-head [role=status]").inner_text())


def test_the_queue_shows_what_the_server_has_and_the_worst_first(console, server, lang):
    page = console.open(f"/alerts?{OPEN}", lang=lang)
    expect(page.get_by_role("table", name=WORDS[lang]["table"])).to_be_visible()
    alerts = server.alerts(state=["new", "in_progress"])
    assert len(alerts) >= 8 and alerts[0]["severity"] == 5
    assert ids(page) == [a["id"] for a in alerts]
    assert [a["severity"] for a in alerts] == sorted((a["severity"] for a in alerts), reverse=True)
    assert _total(page) == len(alerts)
    expect(row(page, alerts[0])).to_contain_text(alerts[0]["title"][lang])
    expect(row(page, alerts[0])).to_contain_text(alerts[0]["summary"][lang])


def test_j_and_k_move_enter_opens_and_escape_closes(console):
    page = console.open(f"/alerts?{OPEN}")
    shown = ids(page)
    for key, at in (("j", 0), ("j", 1), ("j", 2), ("k", 1)):
        page.keyboard.press(key)
        page.wait_for_function("id => document.activeElement?.getAttribute('href')?.endsWith(id)", arg=shown[at])
    page.keyboard.press("Enter")
    expect(panel(page)).to_be_visible()
    assert f"alert={shown[1]}" in page.url
    page.keyboard.press("j")
    page.wait_for_url(f"**alert={shown[2]}*")
    page.keyboard.press("Escape")
    expect(panel(page)).to_have_count(0)
    assert "alert=" not in page.url and focused(page) == shown[2]


@pytest.mark.parametrize(("key", "state"), [("e", "resolved"), ("f", "false_positive"), ("p", "in_progress")])
def test_a_key_changes_the_state_and_undo_takes_it_back(console, server, lang, key, state):
    alert = server.alerts(state="new")[3]
    page = console.open(f"/alerts?state=new&alert={alert['id']}", lang=lang)
    expect(panel(page)).to_be_visible()
    page.keyboard.press(key)
    undo = page.get_by_role("button", name=WORDS[lang]["undo"])
    expect(undo).to_be_visible()
    assert _state(server, alert["id"]) == state
    undo.click()
    expect(page.get_by_text(WORDS[lang]["undone"])).to_be_visible()
    assert _state(server, alert["id"]) == "new"


def test_resolving_goes_on_to_the_next_and_the_row_stays_until_it_is_tidied(console, server):
    page = console.open("/alerts?state=new")
    shown = ids(page)
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("e")
    expect(page.locator(".toast")).to_be_visible()
    assert _state(server, shown[1]) == "resolved"
    assert ids(page) == shown and focused(page) == shown[2]
    page.keyboard.press(".")
    expect(rows(page)).to_have_count(len(shown) - 1)
    assert ids(page) == [i for i in shown if i != shown[1]]
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("Undone")).to_be_visible()
    assert _state(server, shown[1]) == "new"


def test_a_assigns_to_me_and_undo_gives_it_back(console, server):
    alert = server.alerts(state="new", assignee="")[4]
    page = console.open(f"/alerts?{OPEN}&alert={alert['id']}")
    expect(panel(page)).to_be_visible()
    page.keyboard.press("a")
    expect(row(page, alert)).to_contain_text("admin")
    assert server.ask(f"/alerts/{alert['id']}")["assignee"] == "admin"
    page.get_by_role("button", name="Undo").click()
    expect(row(page, alert)).not_to_contain_text("admin")
    assert server.ask(f"/alerts/{alert['id']}")["assignee"] == ""


def test_selected_alerts_are_changed_together_and_brought_back_together(console, server, lang):
    words = WORDS[lang]
    page = console.open("/alerts?state=new", lang=lang)
    shown = ids(page)
    for key in ("j", "x", "j", "j", "x"):
        page.keyboard.press(key)
    expect(page.get_by_role("toolbar", name=words["selected"])).to_be_visible()
    page.keyboard.press("f")
    undo = page.get_by_role("button", name=words["undo"])
    expect(undo).to_be_visible()
    chosen = [shown[0], shown[2]]
    assert [_state(server, i) for i in chosen] == ["false_positive"] * 2
    assert _state(server, shown[1]) == "new"
    undo.click()
    expect(page.get_by_text(WORDS[lang]["undone"])).to_be_visible()
    assert [_state(server, i) for i in chosen] == ["new"] * 2


def test_a_slash_searches_and_escape_leaves_the_field(console, server, lang):
    page = console.open(f"/alerts?{OPEN}", lang=lang)
    page.keyboard.press("/")
    field = page.get_by_label(WORDS[lang]["search"])
    expect(field).to_be_focused()
    page.keyboard.type("relay-made")
    page.wait_for_url("**q=relay-made*")
    expect(rows(page)).to_have_count(1)
    assert ids(page) == [a["id"] for a in server.alerts(q="relay-made", state=["new", "in_progress"])]
    page.keyboard.press("Escape")
    expect(field).not_to_be_focused()
    page.keyboard.press("j")
    assert focused(page) == ids(page)[0]


def test_a_question_mark_lists_the_keys(console, lang):
    page = console.open("/overview", lang=lang)
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name=WORDS[lang]["keys"])
    expect(dialog).to_be_visible()
    assert dialog.locator("dt").count() >= 10
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()


def test_a_filter_says_how_many_it_would_leave_and_becomes_a_chip(console, server, lang):
    words = WORDS[lang]
    page = console.open(f"/alerts?{OPEN}", lang=lang)
    page.get_by_role("button", name=words["filter"]).click()
    menu = page.locator(".filter-menu")
    menu.get_by_role("button", name=words["severity"], exact=True).click()
    line = menu.get_by_role("listitem").filter(has=page.get_by_role("checkbox", name=words["high"], exact=True))
    told = number(line.inner_text())
    assert told == len(server.alerts(state=["new", "in_progress"], severity=4)) > 0
    line.get_by_role("checkbox").check()
    page.wait_for_url("**severity=4*")
    expect(rows(page)).to_have_count(int(told))
    page.keyboard.press("Escape")
    chip = page.locator(".chip").filter(has_text=words["severity"])
    expect(chip).to_contain_text(words["high"])
    chip.get_by_role("button", name=words["remove"]).click()
    page.wait_for_function("() => !location.search.includes('severity')")
    expect(rows(page)).to_have_count(len(server.alerts(state=["new", "in_progress"])))


def test_menus_open_beside_their_buttons_also_for_who_wants_less_motion(console):
    page = console.visit(console.context(still=True).new_page(), f"/alerts?{OPEN}")
    button = page.get_by_role("button", name=WORDS["en"]["filter"])
    button.click()
    expect(page.locator(".filter-menu")).to_be_in_viewport(ratio=0.99)


def test_the_address_alone_restores_the_view(console, server):
    alert = server.alerts(city="hangzhou", severity=4)[1]
    first = console.open("/alerts?severity=4&city=hangzhou&sort=-count")
    row(first, alert).locator("a").first.click()
    expect(panel(first)).to_contain_text(alert["summary"]["en"])
    second = console.open(first.url.removeprefix(server.url))
    expect(panel(second)).to_contain_text(alert["summary"]["en"])
    assert ids(second) == ids(first) and len(ids(first)) > 2
    assert second.locator(".chip").all_inner_texts() == first.locator(".chip").all_inner_texts()


def test_a_column_sorts_both_ways_and_so_does_the_menu(console, server, lang):
    words = WORDS[lang]
    page = console.open(f"/alerts?{OPEN}", lang=lang)
    header = page.get_by_role("columnheader", name=words["count"], exact=True)
    for sort, told in (("-count", "descending"), ("count", "ascending")):
        header.get_by_role("button").click()
        expect(header).to_have_attribute("aria-sort", told)
        settled(page)
        expect(rows(page).first.locator("a")).to_have_attribute("href", f"?alert={_ids(server, sort)[0]}")
        assert ids(page) == _ids(server, sort)
    page.locator(".order").click()
    page.get_by_role("button", name=words["order"]).click()
    page.wait_for_url("**sort=-count*")


def _ids(server, sort):
    return [a["id"] for a in server.alerts(state=["new", "in_progress"], sort=sort)]


def test_filters_that_nothing_fits_say_so(console, lang):
    page = console.open("/alerts?q=nothing-is-named-like-this", lang=lang)
    expect(page.get_by_role("heading", name=WORDS[lang]["empty"])).to_be_visible()
    assert _total(page) == 0
