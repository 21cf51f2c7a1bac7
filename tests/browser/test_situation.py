"""From the province down to the alerts that make its index."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.console import number, panel, settled

GOOD = {"en": ("Excellent", "Good"), "zh": ("优", "良")}
INSUFFICIENT = {"en": "Too little data", "zh": "数据不足"}
SILENT, SILENT_CITY = "made-yanming", "wenzhou"
ROUNDING = 0.05
"""What an index shown with one digit may differ by."""


def _shown_index(page):
    return number(page.locator(".score-head .score-value strong").inner_text())


def _points(card):
    return sum(number(t) for t in card.locator("tbody .score .num").all_inner_texts())


def _contributions(page):
    return page.locator(".card").filter(has=page.locator("h2", has_text="What the alerts contribute"))


def test_the_province_shows_its_eleven_cities_on_the_map_and_in_a_table(console, server, lang):
    page = console.open("/situation", lang=lang)
    cities = {c["name"][lang] for c in server.ask("/situation")["cities"]}
    assert len(cities) == 11
    on_the_map = page.locator("svg.city-map a.city .city-name").all_text_contents()
    in_the_table = page.locator(".card table tbody th a[href^='/situation/city/']").all_inner_texts()
    assert len(set(on_the_map)) == 11 and cities <= set(in_the_table)
    assert all(any(name.startswith(short) for name in cities) for short in on_the_map)


def test_the_way_down_leads_from_the_province_to_an_alert_of_its_worst_organisation(console, server):
    page = console.open("/situation")
    worst = server.ask("/situation")["province"]["worst"]
    city = next(o["city"] for o in server.ask("/organisations", limit=200)["items"] if o["id"] == worst["id"])
    page.locator(f"svg.city-map a[href='/situation/city/{city}']").click()
    settled(page)
    page.get_by_role("link", name=worst["name"]["en"]).last.click()
    page.wait_for_url(f"**/situation/organisation/{worst['id']}")
    settled(page)
    page.locator("table a[href*='alert=']").first.click()
    expect(panel(page).locator(".story")).to_be_visible()
    assert f"org={worst['id']}" in page.url


def test_what_the_alerts_of_an_organisation_contribute_adds_up_to_the_index_shown(console, server):
    worst = server.ask("/situation")["province"]["worst"]["id"]
    page = console.open(f"/situation/organisation/{worst}")
    shown, points = _shown_index(page), _points(_contributions(page))
    count = _contributions(page).locator("tbody tr").count()
    assert shown > 1 and count > 0
    assert abs(points - shown) <= ROUNDING + 0.005 * count, (points, shown)


def test_what_the_members_of_areas_contribute_adds_up_to_the_index_shown(console):
    for path in "/situation", "/situation/city/hangzhou":
        page = console.open(path)
        members = page.locator(".card").filter(has=page.locator("header", has_text="adds up to"))
        assert abs(number(members.locator("header .small").inner_text()) - _shown_index(page)) <= 2 * ROUNDING
        count = members.locator("tbody tr").count()
        assert count > 2
        assert abs(_points(members) - _shown_index(page)) <= ROUNDING + 0.005 * count


def test_an_organisation_without_data_is_said_to_be_unknown_and_never_good(console, lang):
    page = console.open(f"/situation/organisation/{SILENT}", lang=lang)
    head = page.locator(".score-head")
    expect(head).to_contain_text(INSUFFICIENT[lang])
    expect(head.locator(".score-value strong")).to_have_text("–")
    assert not any(word in head.inner_text() for word in GOOD[lang])
    console.visit(page, f"/situation/city/{SILENT_CITY}")
    line = page.locator("tr").filter(has=page.locator(f"a[href$='{SILENT}']")).first
    expect(line).to_contain_text(INSUFFICIENT[lang])
    assert not any(word in line.inner_text() for word in GOOD[lang])


def test_a_city_without_data_is_hatched_and_not_green(console):
    page = console.open("/situation")
    empty = page.locator("a.city.band-insufficient")
    assert empty.count() == 8
    fills = empty.locator("path").evaluate_all("all => all.map(p => getComputedStyle(p).fill)")
    assert all("hatch" in fill for fill in fills)


def test_the_numbers_of_alerts_of_cities_lead_to_queues_of_as_many(console):
    page = console.open("/situation")
    links = page.locator("td a[href^='/alerts?'][href*='city=']")
    told = links.evaluate_all("all => all.map(a => [a.getAttribute('href'), a.innerText])")
    counted = [(href, number(text)) for href, text in told if number(text)]
    assert len(counted) == 3
    for href, count in counted:
        page.locator(f'a[href="{href}"]').first.click()
        settled(page)
        expect(page.locator(".queue-head [role=status]")).to_contain_text(f"{count:.0f} ")
        page.go_back()
        settled(page)
