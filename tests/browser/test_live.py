"""What others do arrives while somebody reads, and moves nothing."""

from __future__ import annotations

import statistics
import time

from playwright.sync_api import expect

from tests.browser.console import OPEN, focused, ids, panel, row

SOON_S = 2.0
_PLACE = """() => ({scroll: document.querySelector('.q-frame').scrollTop,
    at: document.activeElement.getBoundingClientRect().top})"""


def _read(console, path, *, presses):
    """A low window, read some rows down."""
    page = console.context().new_page()
    page.set_viewport_size({"width": 1440, "height": 520})
    console.visit(page, path)
    for _ in range(presses):
        page.keyboard.press("j")
    page.locator(".q-frame").evaluate("frame => frame.scrollTo(0, 110)")
    expect(page.locator(".live")).to_have_class("live live-live")
    return page


def test_a_row_changes_in_place_soon_after_another_client_has_changed_the_alert(console, server):
    page = _read(console, f"/alerts?{OPEN}", presses=6)
    shown, reading, place = ids(page), focused(page), page.evaluate(_PLACE)
    assert reading == shown[5] and place["scroll"] == 110
    took = []
    for alert in shown[3], shown[4], shown[6]:
        line = row(page, {"id": alert})
        server.ask(f"/alerts/{alert}", method="PATCH", body={"assignee": "somebody-else"})
        began = time.monotonic()
        expect(line).to_contain_text("somebody-else")
        took.append(time.monotonic() - began)
        expect(line.locator(".mark")).to_be_visible()
        server.ask(f"/alerts/{alert}", method="PATCH", body={"assignee": ""})
        expect(line).not_to_contain_text("somebody-else")
    print(f"seconds until a change of another client is shown: {', '.join(f'{t:.2f}' for t in took)}")
    assert statistics.median(took) < SOON_S
    assert ids(page) == shown and focused(page) == reading and page.evaluate(_PLACE) == place


def test_an_alert_that_another_client_resolves_stays_where_it_is_and_says_so(console, server):
    page = _read(console, f"/alerts?{OPEN}", presses=4)
    shown, reading, place = ids(page), focused(page), page.evaluate(_PLACE)
    server.ask(f"/alerts/{shown[5]}", method="PATCH", body={"state": "resolved"})
    expect(row(page, {"id": shown[5]})).to_contain_text("Resolved")
    expect(row(page, {"id": shown[5]})).to_contain_text("no longer fits")
    assert ids(page) == shown and focused(page) == reading and page.evaluate(_PLACE) == place
    server.ask(f"/alerts/{shown[5]}", method="PATCH", body={"state": "new"})
    expect(row(page, {"id": shown[5]})).not_to_contain_text("no longer fits")


def test_a_comment_of_another_client_appears_in_the_open_alert(console, server, lang):
    alert = server.alerts(state="new")[2]
    page = console.open(f"/alerts?{OPEN}&alert={alert['id']}", lang=lang)
    expect(panel(page)).to_contain_text(alert["summary"][lang])
    expect(page.locator(".live")).to_have_class("live live-live")
    server.ask(f"/alerts/{alert['id']}", method="PATCH", body={"comment": f"seen from elsewhere ({lang})"})
    expect(panel(page).locator(".timeline")).to_contain_text(f"seen from elsewhere ({lang})")


def test_two_people_who_change_the_same_alert_are_told(console, server, lang):
    console.allow("status of 409")
    alert = server.alerts(state="new")[5]
    page = console.open(f"/alerts?state=new&alert={alert['id']}", lang=lang)
    expect(panel(page)).to_contain_text(alert["summary"][lang])
    page.route("**/api/v1/alerts/*", lambda route: _late(route, server, alert["id"]))
    page.keyboard.press("e")
    expect(page.locator(".toast.error")).to_be_visible()
    assert server.ask(f"/alerts/{alert['id']}")["state"] == "in_progress"
    page.unroute("**/api/v1/alerts/*")
    server.ask(f"/alerts/{alert['id']}", method="PATCH", body={"state": "new"})


def _late(route, server, alert):
    """Somebody else is faster by a moment."""
    if route.request.method == "PATCH":
        server.ask(f"/alerts/{alert}", method="PATCH", body={"state": "in_progress"})
    route.continue_()
