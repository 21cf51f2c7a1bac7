"""Dead letters over the API."""

from __future__ import annotations

import pytest
from sqlalchemy import delete, insert

from fengsui.registry.models import dead_letter

IDS = [f"{i:032x}" for i in range(1, 4)]


@pytest.fixture
def three(platform):
    """Two messages and a line of a log, in the registry for this test."""
    ctx = platform[1]
    common = {"reason": "does not decode", "position": 7, "network": "lan", "origin": "", "headers": '{"kind": "flow"}',
              "sha256": "", "state": "waiting", "actor": "", "decided_at": None}  # fmt: skip
    raws = [b"\x00\xff text", b"y" * 5000, b"line"]
    rows = [common | {"id": k, "at": 1_700_000_000_000_000 + i, "place": f"events.flow/0/{i}", "raw": raws[i],
                      "size": len(raws[i]), "org": "bank", "topic": "events.flow" if i < 2 else ""}
            for i, k in enumerate(IDS)]  # fmt: skip
    with ctx.registry.begin() as db:
        db.execute(insert(dead_letter), rows)
    yield IDS
    with ctx.registry.begin() as db:
        db.execute(delete(dead_letter))


def test_the_newest_come_first_in_pages(client, three):
    first = client.get("/api/v1/dead-letters", params={"limit": 2}).json()
    assert [x["id"] for x in first["items"]] == [three[2], three[1]]
    assert first["counts"] == {"waiting": 3, "replaying": 0, "replayed": 0, "dropped": 0}
    rest = client.get("/api/v1/dead-letters", params={"limit": 2, "cursor": first["next"]}).json()
    assert ([x["id"] for x in rest["items"]], rest["next"]) == ([three[0]], None)
    only = client.get("/api/v1/dead-letters", params={"topic": "events.flow", "state": "waiting"}).json()
    assert len(only["items"]) == 2
    elsewhere = client.get("/api/v1/dead-letters", params={"limit": 2, "cursor": first["next"], "org": "x"})
    assert elsewhere.json()["type"] == "/problems/unknown-cursor"


def test_one_is_shown_with_the_beginning_of_its_bytes_and_given_whole(client, three):
    one = client.get(f"/api/v1/dead-letters/{three[0]}").json()
    assert (one["text"], one["whole"], one["headers"]) == ("\x00\ufffd text", True, {"kind": "flow"})
    assert client.get(f"/api/v1/dead-letters/{three[1]}").json()["whole"] is False
    raw = client.get(f"/api/v1/dead-letters/{three[1]}/raw")
    assert raw.content == b"y" * 5000
    assert raw.headers["content-disposition"].startswith("attachment")
    assert client.get(f"/api/v1/dead-letters/{'0' * 32}").status_code == 404


def test_each_is_decided_once_and_says_by_whom(client, three):
    asked = client.post(f"/api/v1/dead-letters/{three[0]}/replay").json()
    assert (asked["state"], asked["actor"]) == ("replaying", "admin")
    again = client.post(f"/api/v1/dead-letters/{three[0]}/drop", headers={"accept-language": "zh"})
    assert again.status_code == 409
    assert "正在重放" in again.json()["detail"]
    assert client.post(f"/api/v1/dead-letters/{three[1]}/drop").json()["state"] == "dropped"
    line = client.post(f"/api/v1/dead-letters/{three[2]}/replay")
    assert line.status_code == 409
    assert "no message" in line.json()["detail"]


def test_a_stranger_sees_none(stranger, three):
    for path in ("", f"/{three[0]}", f"/{three[0]}/raw"):
        assert stranger.get(f"/api/v1/dead-letters{path}").status_code == 401
    assert stranger.post(f"/api/v1/dead-letters/{three[0]}/drop").status_code == 401
