"""The queue: pages, filters, facets, detail, charts, triage."""

from __future__ import annotations

import itertools

import pytest

from tests.api.conftest import alerts

pytestmark = pytest.mark.parametrize("database_of", ["sqlite", "postgres"], indirect=True, scope="module")
SORTS = ["-severity", "severity", "-last_seen", "last_seen", "-first_seen", "first_seen", "-count", "count"]


@pytest.mark.parametrize("sort", SORTS)
def test_pages_of_one_are_the_whole_queue_in_order_and_nothing_twice(client, every, sort):
    whole = alerts(client, below=True, sort=sort, limit=200)
    found, cursor = [], ""
    while True:
        page = client.get("/api/v1/alerts", params={"below": True, "sort": sort, "limit": 1, "cursor": cursor}).json()
        found += page["items"]
        if page["next"] is None:
            break
        cursor = page["next"]
    assert [a["id"] for a in found] == [a["id"] for a in whole]
    assert len({a["id"] for a in found}) == len(every)
    key = sort.lstrip("-")
    values = [a[key] for a in whole]
    assert values == sorted(values, reverse=sort.startswith("-"))


def test_what_stays_below_the_line_is_told_only_when_asked_for(client, every):
    assert all(a["queued"] for a in alerts(client))
    assert len(alerts(client)) == sum(a["queued"] for a in every) > 0


@pytest.mark.parametrize("name", ["org", "rule", "severity", "state", "network", "subject", "domain"])
def test_a_filter_keeps_what_fits_and_only_that(client, every, name):
    for value in {a[name] for a in every}:
        got = alerts(client, below=True, **{name: value})
        assert {a["id"] for a in got} == {a["id"] for a in every if a[name] == value}


def test_values_of_one_filter_are_alternatives_and_filters_must_all_hold(client, every):
    orgs = sorted({a["org"] for a in every})
    assert len(orgs) > 1
    assert len(alerts(client, below=True, org=orgs)) == len(every)
    got = alerts(client, below=True, org=orgs[0], severity_min=4)
    assert {a["id"] for a in got} == {a["id"] for a in every if a["org"] == orgs[0] and a["severity"] >= 4}


def test_a_city_means_its_organisations(client, every):
    got = alerts(client, below=True, city="hangzhou")
    assert {a["org"] for a in got} == {"bank"}
    assert alerts(client, city="lishui") == []


def test_a_text_is_looked_for_in_subject_related_and_rule_and_its_signs_are_no_wildcards(client, every):
    assert {a["rule"] for a in alerts(client, below=True, q="BEACON")} == {"beacon"}
    assert alerts(client, below=True, q="%") == []
    assert alerts(client, below=True, q="_", rule="beacon") == []


def test_times_bound_when_it_was_last_seen(client, every):
    times = sorted(a["last_seen"] for a in every)
    assert {a["id"] for a in alerts(client, below=True, **{"from": times[-1]})} == {
        a["id"] for a in every if a["last_seen"] == times[-1]}  # fmt: skip
    assert len(alerts(client, below=True, to=times[-1])) == sum(t < times[-1] for t in times)


def test_each_facet_counts_with_all_filters_but_its_own(client, every):
    org = every[0]["org"]
    got = client.get("/api/v1/alerts/facets", params={"below": True, "org": org}).json()
    assert got["total"] == sum(a["org"] == org for a in every)
    assert {b["value"]: b["count"] for b in got["facets"]["org"]} == {
        o: sum(a["org"] == o for a in every) for o in {a["org"] for a in every}}  # fmt: skip
    rules = {b["value"]: b["count"] for b in got["facets"]["rule"]}
    assert rules == {r: sum(a["rule"] == r and a["org"] == org for a in every)
                     for r in {a["rule"] for a in every if a["org"] == org}}  # fmt: skip
    assert {b["label"]["zh"] for b in got["facets"]["rule"]} >= {"信标外联"} or org != "bank"


def test_facets_of_a_search_agree_with_its_list(client, every):
    got = client.get("/api/v1/alerts/facets", params={"below": True, "q": "10.0.0.5"}).json()
    assert got["total"] == len(alerts(client, below=True, q="10.0.0.5")) > 0


def beacon(client):
    found = alerts(client, rule="beacon")
    assert found
    return found[0]


def test_an_alert_shows_findings_events_and_the_numbers_behind_it(client):
    detail = client.get(f"/api/v1/alerts/{beacon(client)['id']}").json()
    assert detail["explanation"]["score"] > 0.9
    assert detail["findings"] and detail["findings_total"] >= len(detail["findings"])
    assert len(detail["evidence"]) == 20 and detail["evidence_missing"] == 0
    assert {e["src_ip"] for e in detail["evidence"]} == {"10.0.0.5"}
    assert detail["activity"][-1]["act"] == "raised"
    assert detail["organisation"]["name"]["zh"] == "示例银行"
    assert "信标" in detail["summary"]["zh"] and "beacon" in detail["summary"]["en"]


def test_all_events_behind_an_alert_come_in_pages(client):
    alert = beacon(client)
    seen, cursor = [], ""
    for _ in itertools.count():
        page = client.get(f"/api/v1/alerts/{alert['id']}/events", params={"limit": 200, "cursor": cursor}).json()
        seen += page["items"]
        cursor = page["next"]
        if cursor is None:
            break
    assert len(seen) == len({e["event_id"] for e in seen}) == alert["count"]


def test_events_of_an_alert_without_a_filter_are_those_its_findings_name(client):
    found = next(a for a in alerts(client, below=True) if a["rule"].startswith("yara."))
    page = client.get(f"/api/v1/alerts/{found['id']}/events").json()
    assert [e["kind"] for e in page["items"]] == ["file"]


def test_charts_fit_their_rules(client):
    calls = client.get(f"/api/v1/alerts/{beacon(client)['id']}/chart").json()
    assert calls["chart"] == "intervals" and len(calls["times"]) == len(calls["bytes"]) == calls["total"] > 100
    assert calls["times"] == sorted(calls["times"])
    scan = client.get(f"/api/v1/alerts/{alerts(client, rule='scan_vertical')[0]['id']}/chart").json()
    assert scan["chart"] == "targets" and len({t["port"] for t in scan["targets"]}) == 300
    other = next(a for a in alerts(client, below=True) if a["rule"].startswith("yara."))
    assert client.get(f"/api/v1/alerts/{other['id']}/chart").json()["chart"] == "hours"


def test_triage_is_kept_as_activity_and_a_later_person_is_told(client):
    alert = beacon(client)
    url = f"/api/v1/alerts/{alert['id']}"
    first = client.patch(
        url, json={"state": "in_progress", "assignee": "li", "comment": "看看", "changed": alert["changed"]}
    )
    assert first.status_code == 200
    assert (first.json()["state"], first.json()["assignee"]) == ("in_progress", "li")
    late = client.patch(url, json={"state": "resolved", "changed": alert["changed"]}, headers={"accept-language": "zh"})
    assert late.status_code == 409
    assert "他人" in late.json()["title"] and "admin" in late.json()["detail"]
    again = client.patch(url, json={"state": "new", "assignee": "", "changed": first.json()["changed"]})
    assert again.status_code == 200
    acts = client.get(url).json()["activity"]
    bodies = [a["body"] for a in acts if a["actor"] == "admin"]
    assert bodies[1]["state"] == {"before": "new", "after": "in_progress"}
    assert bodies[1]["comment"] == "看看"


def test_many_are_triaged_at_once_or_none_is(client, every):
    ids = [a["id"] for a in every[:2]]
    bad = client.post("/api/v1/alerts/triage", json={"ids": [*ids, "0" * 32], "assignee": "wang"})
    assert bad.status_code == 404
    assert alerts(client, below=True, assignee="wang") == []
    good = client.post("/api/v1/alerts/triage", json={"ids": ids, "assignee": "wang"})
    assert good.json()["changed"] == 2
    assert {a["id"] for a in alerts(client, below=True, assignee="wang")} == set(ids)
    client.post("/api/v1/alerts/triage", json={"ids": ids, "assignee": ""})
