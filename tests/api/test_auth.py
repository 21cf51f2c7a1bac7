"""Nobody gets in without the token; a browser is protected from other pages."""

from __future__ import annotations

import pytest

from api.auth import COOKIE, LIFE, Keys
from tests.support.face import TOKEN


def signed_in(stranger):
    assert stranger.post("/api/v1/session", json={"token": TOKEN}).status_code == 204
    return stranger


def test_without_a_token_nothing_but_health_and_the_console_answers(stranger):
    paths = [p for p in stranger.get("/healthz") and stranger.app.openapi()["paths"] if p != "/healthz"]
    assert len(paths) > 15
    for path, operations in stranger.app.openapi()["paths"].items():
        for method in operations:
            if (path, method) in (("/api/v1/session", "post"), ("/healthz", "get")):
                continue
            answer = stranger.request(method, path.replace("{", "").replace("}", ""))
            assert answer.status_code == 401, (method, path)
            assert answer.headers["www-authenticate"] == "Bearer"
    assert stranger.get("/api/v1/openapi.json").status_code == 401


@pytest.mark.parametrize("header", ["Bearer wrong", "Bearer ", "Basic " + TOKEN, TOKEN, "Bearer é"])
def test_a_wrong_token_is_refused(stranger, header):
    assert stranger.get("/api/v1/stats", headers={"authorization": header.encode()}).status_code == 401


def test_a_wrong_token_gets_no_cookie(stranger):
    answer = stranger.post("/api/v1/session", json={"token": "wrong"}, headers={"accept-language": "zh-CN"})
    assert answer.status_code == 401
    assert "令牌" in answer.json()["title"]
    assert COOKIE not in answer.cookies


def test_the_cookie_cannot_be_read_by_scripts_or_sent_by_other_pages(stranger):
    cookie = stranger.post("/api/v1/session", json={"token": TOKEN}).headers["set-cookie"].lower()
    assert "httponly" in cookie and "samesite=strict" in cookie


def test_a_change_with_the_cookie_needs_the_header(stranger):
    signed_in(stranger)
    assert stranger.get("/api/v1/session").json()["actor"] == "admin"
    change = {"url": f"/api/v1/alerts/{'0' * 32}", "json": {"comment": "x"}}
    assert stranger.patch(**change).status_code == 403
    assert stranger.patch(**change, headers={"x-fengsui": "1"}).status_code == 404


def test_a_cookie_that_was_altered_has_expired_or_was_given_up_is_none(stranger):
    signed_in(stranger)
    cookie = stranger.cookies[COOKIE]
    expiry, rest = cookie.split(".", 1)
    for bad in (f"{int(expiry) + 1}.{rest}", cookie[:-1], "", "..", "1.a.b", f"{'9' * 5000}.a.b"):
        stranger.cookies.clear()
        stranger.cookies.set(COOKIE, bad)
        assert stranger.get("/api/v1/session").status_code == 401, bad
    stranger.cookies.clear()
    stranger.cookies.set(COOKIE, cookie)
    assert stranger.get("/api/v1/session").status_code == 200
    assert stranger.delete("/api/v1/session", headers={"x-fengsui": "1"}).status_code == 204
    stranger.cookies.clear()
    stranger.cookies.set(COOKIE, cookie)
    assert stranger.get("/api/v1/session").status_code == 401


def test_a_cookie_ends_by_itself():
    now = [1_000_000.0]
    keys = Keys("token", b"secret", lambda: now[0])
    cookie = keys.cookie()
    now[0] += LIFE - 1
    assert keys.holds(cookie)
    now[0] += 2
    assert not keys.holds(cookie)
    assert not Keys("token", b"another secret", lambda: 0.0).holds(cookie)


def test_the_console_comes_with_a_policy_that_lets_nothing_in_from_outside(stranger):
    answer = stranger.get("/")
    assert "default-src 'self'" in answer.headers["content-security-policy"]
    assert stranger.get("/../../pyproject.toml").status_code in (200, 404)
    assert "build-system" not in stranger.get("/..%2f..%2fpyproject.toml").text
