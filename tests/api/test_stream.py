"""The live stream: what happens is told once, in order, and a listener who was away misses nothing."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator

import httpx2 as httpx
import pytest

from tests.support.face import TOKEN, face, served


@pytest.fixture(scope="module")
def live(tmp_path_factory) -> Iterator[tuple[str, httpx.Client]]:
    with (
        face(tmp_path_factory.mktemp("live"), read=[("mill", "made_sample")]) as (client, _, _),
        served(client.app) as url,
        httpx.Client(base_url=url, headers={"authorization": f"Bearer {TOKEN}"}, timeout=20) as http,
    ):
        yield url, http


def events(lines: Iterator[str], n: int) -> list[dict]:
    out, at = [], None
    for line in lines:
        if line.startswith("id: "):
            at = int(line[4:])
        elif line.startswith("data: "):
            out.append(json.loads(line[6:]))
            assert out[-1]["seq"] == at
            if len(out) == n:
                break
    return out


def comment(http: httpx.Client, text: str) -> str:
    alert = http.get("/api/v1/alerts", params={"below": True}).json()["items"][0]["id"]
    assert http.patch(f"/api/v1/alerts/{alert}", json={"comment": text}).status_code == 200
    return alert


def test_a_listener_gets_what_happens_from_now_on_with_the_alert_as_it_is(live):
    _, http = live
    with http.stream("GET", "/api/v1/stream") as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        lines = answer.iter_lines()
        assert next(lines) == ": connected"
        alert = comment(http, "one")
        [event] = events(lines, 1)
    assert (event["act"], event["body"]["comment"], event["alert"]["id"]) == ("triaged", "one", alert)


def test_a_listener_that_was_away_gets_all_it_missed_once_and_in_order(live):
    _, http = live
    with http.stream("GET", "/api/v1/stream") as answer:
        lines = answer.iter_lines()
        next(lines)
        comment(http, "before")
        [last] = events(lines, 1)
    for i in range(30):
        comment(http, f"missed {i}")
    with http.stream("GET", "/api/v1/stream", headers={"last-event-id": str(last["seq"])}) as answer:
        got = events(answer.iter_lines(), 30)
    assert [e["body"]["comment"] for e in got] == [f"missed {i}" for i in range(30)]
    assert [e["seq"] for e in got] == sorted({e["seq"] for e in got})


def test_from_the_beginning_is_everything_ever(live):
    _, http = live
    with http.stream("GET", "/api/v1/stream", params={"after": 0}) as answer:
        [first] = events(answer.iter_lines(), 1)
    assert first["act"] == "raised"


def test_a_stream_can_be_of_one_organisation(live):
    _, http = live
    with http.stream("GET", "/api/v1/stream", params={"org": "bank"}, timeout=1.0) as mine, http.stream(
            "GET", "/api/v1/stream", params={"org": "mill"}) as theirs:  # fmt: skip
        here, there = mine.iter_lines(), theirs.iter_lines()
        assert next(here) == next(there) == ": connected"
        comment(http, "for the mill")
        assert events(there, 1)[0]["org"] == "mill"
        with pytest.raises(httpx.ReadTimeout):
            events(here, 1)


def test_two_hundred_listeners_all_hear_the_same(live):
    url, http = live
    n, heard = 200, []
    ready, lock = threading.Barrier(n + 1), threading.Lock()

    def listen() -> None:
        with httpx.stream(
            "GET", f"{url}/api/v1/stream", headers={"authorization": f"Bearer {TOKEN}"}, timeout=60
        ) as answer:
            lines = answer.iter_lines()
            next(lines)
            ready.wait(60)
            [event] = events(lines, 1)
            with lock:
                heard.append(event["body"]["comment"])

    threads = [threading.Thread(target=listen, daemon=True) for _ in range(n)]
    for t in threads:
        t.start()
    ready.wait(60)
    comment(http, "to all")
    for t in threads:
        t.join(30)
    assert heard == ["to all"] * n
