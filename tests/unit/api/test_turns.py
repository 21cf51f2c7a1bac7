"""Changes take turns; reading waits for none."""

from __future__ import annotations

import anyio
import pytest

from api.turns import Turns


@pytest.fixture
def anyio_backend():
    return "asyncio"


async def whole():
    return {"type": "http.request", "body": b"{}", "more_body": False}


async def go(asked: list[tuple[str, str]]) -> int:
    """Ask all at once; the most that were being answered at one time."""
    now, most = 0, 0

    async def app(scope, receive, send) -> None:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await anyio.sleep(0.01)
        now -= 1

    turns = Turns(app)
    async with anyio.create_task_group() as group:
        for method, path in asked:
            group.start_soon(turns, {"type": "http", "method": method, "path": path}, whole, None)
    return most


@pytest.mark.anyio
async def test_one_change_at_a_time():
    assert await go([("PATCH", "/api/v1/alerts/1"), ("POST", "/api/v1/warnings/2/issue")] * 3) == 1


@pytest.mark.anyio
async def test_reading_and_files_go_on_meanwhile():
    assert await go([("GET", "/api/v1/alerts")] * 4 + [("POST", "/api/v1/analyses")]) == 5
    assert await go([("PATCH", "/api/v1/alerts/1")] * 3 + [("GET", "/api/v1/alerts")] * 2) == 3


@pytest.mark.anyio
async def test_a_change_that_fails_gives_its_turn_back():
    async def fails(scope, receive, send) -> None:
        raise ValueError

    turns = Turns(fails)
    for _ in range(2):
        with anyio.fail_after(1), pytest.raises(ValueError):
            await turns({"type": "http", "method": "PATCH", "path": "/x"}, whole, None)


@pytest.mark.anyio
async def test_one_that_comes_in_slowly_holds_up_nobody_and_arrives_whole():
    got = []
    more = anyio.Event()
    parts = [{"type": "http.request", "body": b"a", "more_body": True}, {"type": "http.request", "body": b"b"}]

    async def slowly():
        if len(parts) == 1:
            await more.wait()
        return parts.pop(0)

    async def app(scope, receive, send) -> None:
        body, going = b"", True
        while going:
            message = await receive()
            body, going = body + message["body"], message.get("more_body", False)
        got.append((scope["path"], body))

    turns = Turns(app)
    async with anyio.create_task_group() as group:
        group.start_soon(turns, {"type": "http", "method": "PATCH", "path": "/slow"}, slowly, None)
        await anyio.sleep(0.01)
        with anyio.fail_after(1):
            await turns({"type": "http", "method": "PATCH", "path": "/fast"}, whole, None)
        more.set()
    assert got == [("/fast", b"{}"), ("/slow", b"ab")]
