"""Every number leads to what it counts."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.console import number, settled


def _numbers(page, links):
    """Addresses of the queue with the number that is shown for each."""
    found = links.evaluate_all("all => all.map(a => [a.getAttribute('href'), a.querySelector('.num').innerText])")
    return [(href, number(text)) for href, text in found if href.startswith("/alerts")]


def _leads_to_as_many(page, links, href, count):
    links.and_(page.locator(f'[href="{href}"]')).first.click()
    settled(page)
    expect(page.locator(".queue-head [role=status]")).not_to_be_empty()
    total = number(page.locator(".queue-head [role=status]").inner_text())
    assert total == count, f"{href}: {count} on the overview, {total} in the queue"
    page.go_back()
    settled(page)


def test_every_number_of_the_overview_leads_to_a_queue_of_as_many(console, server):
    page = console.open("/overview")
    links = page.locator("a.figure, .bars a")
    numbers = _numbers(page, links)
    assert len(numbers) > 15
    assert numbers[0][1] == len(server.alerts(state=["new", "in_progress"]))
    for href, count in numbers:
        _leads_to_as_many(page, links, href, count)


def test_the_numbers_of_events_are_the_servers_and_lead_to_events(console, server):
    page = console.open("/overview")
    events = server.ask("/stats")["events"]
    shown = page.locator(".bars a[href^='/events']")
    told = [number(text) for text in shown.locator(".num").all_inner_texts()]
    assert told == sorted((k["count"] for k in events["by_kind"] if k["count"]), reverse=True)
    assert sum(told) == number(page.locator("a.figure[href='/events'] strong").inner_text()) == events["total"]
    shown.first.click()
    settled(page)
    assert page.locator("table.events tbody tr").count() == 100


def test_the_picture_of_the_hours_is_drawn_and_said(console, server):
    page = console.open("/overview")
    image = page.get_by_role("img", name="Alerts by hour, stacked by severity")
    expect(image.locator("canvas")).to_be_visible()
    hours: dict[str, int] = {}
    for r in server.ask("/stats")["alerts"]["by_hour"]:
        hours[r["hour"]] = hours.get(r["hour"], 0) + r["count"]
    assert number(image.get_attribute("aria-label").partition("one hour: ")[2]) == max(hours.values())
