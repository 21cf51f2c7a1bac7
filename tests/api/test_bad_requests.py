"""What cannot be answered is told clearly, in both languages, and nothing breaks."""

from __future__ import annotations

import pytest

from tests.api.conftest import alerts

ASKED = [
    ("/api/v1/alerts?colour=red", 422, "colour"),
    ("/api/v1/alerts?sort=size", 422, "sort"),
    ("/api/v1/alerts?state=open", 422, "state.0"),
    ("/api/v1/alerts?limit=0", 422, "limit"),
    ("/api/v1/alerts?from=yesterday", 422, "from"),
    ("/api/v1/events/flow?src_ip=localhost", 422, "src_ip"),
    ("/api/v1/events/flow?uid=xyz", 422, "uid"),
    ("/api/v1/events/flow?from=0001-01-01T00:00:00Z", 422, "from"),
    ("/api/v1/alerts/unknown", 422, "alert"),
]


@pytest.mark.parametrize(("url", "status", "field"), ASKED)
def test_a_wrong_parameter_is_named_in_both_languages(client, url, status, field):
    said = {}
    for lang in ("en", "zh"):
        answer = client.get(url, headers={"accept-language": lang})
        assert answer.status_code == status
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers["content-language"] == lang
        [error] = answer.json()["errors"]
        assert error["field"] == field
        said[lang] = (answer.json()["title"], error["reason"])
    assert said["en"] != said["zh"]


def test_a_cursor_from_elsewhere_is_told(client, every):
    page = client.get("/api/v1/alerts", params={"below": True, "limit": 1}).json()
    for other in ({"below": True, "sort": "-count"}, {"below": True, "org": "mill"}, {}):
        answer = client.get("/api/v1/alerts", params={**other, "limit": 1, "cursor": page["next"]})
        assert answer.status_code == 400
        assert answer.json()["type"] == "/problems/unknown-cursor"
    for junk in ("x", "bm90IGpzb24", "W10", "====", "WzFd", "é"):
        assert client.get("/api/v1/alerts", params={"cursor": junk}).status_code == 400


def test_a_kind_that_does_not_exist_names_those_that_do(client):
    answer = client.get("/api/v1/events/smoke")
    assert answer.status_code == 404
    assert "flow" in answer.json()["detail"]


def test_an_alert_that_is_not_there(client):
    for call in (client.get, client.patch):
        kwargs = {"json": {"comment": "x"}} if call == client.patch else {}
        assert call(f"/api/v1/alerts/{'0' * 32}", **kwargs).status_code == 404


def test_a_body_that_does_not_fit_is_told_field_by_field(client, every):
    answer = client.patch(f"/api/v1/alerts/{every[0]['id']}", json={"state": "gone", "colour": 1})
    assert answer.status_code == 422
    assert {e["field"] for e in answer.json()["errors"]} == {"state", "colour"}
    broken = client.patch(
        f"/api/v1/alerts/{every[0]['id']}", content=b"{", headers={"content-type": "application/json"}
    )
    assert broken.status_code == 422


def test_too_large_a_body_is_refused_before_it_is_read(client, every):
    answer = client.patch(f"/api/v1/alerts/{every[0]['id']}", content=b" " * 2_000_000)
    assert answer.status_code == 413


def test_a_method_or_path_that_is_not_there_is_a_problem_too(client):
    assert client.put("/api/v1/alerts").json()["status"] == 405
    assert client.get("/api/v1/nothing").headers["content-type"] == "application/problem+json"


def test_hostile_text_is_looked_for_and_nothing_else(client):
    for text in ("'; DROP TABLE flow; --", "\\", "{x:String}", "%' OR 1=1 --"):
        assert alerts(client, q=text) == []
        assert client.get("/api/v1/events/dns", params={"q": text}).json()["items"] == []


def test_a_nul_is_refused_wherever_it_comes(client, every):
    assert client.get("/api/v1/alerts", params={"q": "\x00"}).json()["type"] == "/problems/nul"
    assert client.get("/api/v1/events/dns", params={"org": "a\x00b"}).status_code == 400
    assert client.patch(f"/api/v1/alerts/{every[0]['id']}", json={"comment": "a\x00b"}).status_code == 422
