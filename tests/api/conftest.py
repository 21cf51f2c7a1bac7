"""One platform for the tests of a module: they read it, or undo what they change."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.support.face import face
from tests.support.postgres import database


@pytest.fixture(scope="module")
def database_of(request: pytest.FixtureRequest) -> str:
    """The registry's database: SQLite; a module that is to be asked on both says so (see test_alerts.py)."""
    return str(getattr(request, "param", "sqlite"))


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory, database_of: str) -> Iterator[Any]:
    url = database() if database_of == "postgres" else ""
    with face(tmp_path_factory.mktemp("face"), registry_url=url) as found:
        yield found


@pytest.fixture
def client(platform: Any) -> TestClient:
    return platform[0]


@pytest.fixture
def stranger(client: TestClient) -> TestClient:
    """Somebody who has not signed in."""
    return TestClient(client.app)


def alerts(client: TestClient, **asked: Any) -> list[dict[str, Any]]:
    answer = client.get("/api/v1/alerts", params=asked)
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


@pytest.fixture
def every(client: TestClient) -> list[dict[str, Any]]:
    """All alerts, also below the line."""
    found = alerts(client, below=True)
    assert len(found) >= 3
    return found
