"""One alert with everything that is known about it."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.console import number, panel, row, settled

WORDS = {"en": {"comment": "Comment", "all": "All events behind it", "activity": "Activity", "why": "Why"},
         "zh": {"comment": "备注", "all": "全部相关事件", "activity": "处理记录", "why": "依据"}}  # fmt: skip
_DRAWN = """canvas => { const c = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
    let n = 0; for (let i = 3; i < c.length; i += 4) if (c[i]) n++; return n; }"""
"""How many points of a picture have any colour."""


def _one_of_each_rule(server):
    found = {a["rule"]: a for a in server.alerts(network="lan")}
    assert {"beacon", "dns_tunnel", "scan_vertical", "exfiltration"} <= set(found), sorted(found)
    return list(found.values())


def test_every_sort_of_alert_opens_with_a_sentence_numbers_a_picture_and_events(console, server, lang):
    page = console.open("/alerts?network=lan", lang=lang)
    for alert in _one_of_each_rule(server):
        detail = server.ask(f"/alerts/{alert['id']}")
        row(page, alert).locator("a").click()
        side = panel(page)
        expect(side.locator(".story")).to_have_text(alert["summary"][lang])
        expect(side.get_by_role("heading", name=WORDS[lang]["why"])).to_be_visible()
        assert side.locator("table.why").first.locator("tr").count() >= 2, alert["rule"]
        expect(side.locator("canvas").first).to_be_attached()
        assert side.locator("canvas").first.evaluate(_DRAWN) > 200, alert["rule"]
        assert detail["evidence"] or detail["filter"], alert["rule"]
        expect(side.locator("table.events tbody tr")).to_have_count(len(detail["evidence"]))


def test_all_events_behind_an_alert_can_be_listed(console, server, lang):
    [alert] = server.alerts(rule="beacon", org="made-yunfan")
    page = console.open(f"/alerts?alert={alert['id']}", lang=lang)
    panel(page).get_by_role("button", name=WORDS[lang]["all"]).click()
    expect(panel(page).locator("table.events tbody tr")).to_have_count(50)
    first = panel(page).locator("table.events tbody tr").first
    expect(first).to_contain_text(alert["subject"].removeprefix("host:"))
    first.get_by_role("button").click()
    expect(panel(page).locator("tr.columns")).to_contain_text("made-yunfan")


def test_the_picture_of_a_beacon_says_its_median_gap_in_words(console, server):
    [alert] = server.alerts(rule="beacon", org="made-yunfan")
    page = console.open(f"/alerts?alert={alert['id']}")
    said = panel(page).get_by_role("img", name="the median gap between two is").get_attribute("aria-label")
    assert 4.5 <= number(said.partition("two is ")[2]) <= 5.5, said


def test_a_comment_is_kept_and_shown(console, server, lang):
    alert = server.alerts(rule="exfiltration")[0]
    page = console.open(f"/alerts?alert={alert['id']}", lang=lang)
    said = f"asked the owner, <b>he knows</b> ({lang})"
    panel(page).get_by_role("textbox", name=WORDS[lang]["comment"]).fill(said)
    panel(page).get_by_role("button", name=WORDS[lang]["comment"]).click()
    expect(panel(page).locator(".timeline blockquote").first).to_have_text(said)
    assert server.ask(f"/alerts/{alert['id']}")["activity"][0]["body"]["comment"] == said
    settled(page.reload() and page)
    expect(panel(page).locator(".timeline blockquote").first).to_have_text(said)


def test_a_subject_and_a_technique_lead_to_the_alerts_that_have_them(console, server):
    [alert] = server.alerts(rule="dns_tunnel")
    page = console.open(f"/alerts?alert={alert['id']}")
    panel(page).get_by_role("link", name=alert["techniques"][0]).click()
    page.wait_for_url(f"**technique={alert['techniques'][0]}")
    settled(page)
    expect(page.locator(".queue-head [role=status]")).to_contain_text(
        str(len(server.alerts(technique=alert["techniques"][0]))))  # fmt: skip


def test_an_alert_that_is_not_there_is_said_in_words(console, lang):
    console.allow("status of 404")
    page = console.open(f"/alerts?alert={'0' * 32}", lang=lang)
    expect(panel(page).get_by_role("alert")).to_be_visible()
