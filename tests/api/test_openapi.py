"""The API does what its document says, for requests that a person would not think of."""

from __future__ import annotations

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.support.face import TOKEN

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_headers_conformance,
          response_schema_conformance]  # fmt: skip


@pytest.fixture
def document(client):
    return schemathesis.openapi.from_asgi("/api/v1/openapi.json", client.app, headers={"authorization": f"Bearer {TOKEN}"})


schema = schemathesis.pytest.from_fixture("document")


@schema.exclude(operation_id="streamActivity").parametrize()
@settings(max_examples=30, deadline=None, derandomize=True, phases=[Phase.explicit, Phase.generate],
          suppress_health_check=list(HealthCheck))
def test_no_request_breaks_the_api_or_gets_what_its_document_does_not_say(case):
    case.call_and_validate(checks=CHECKS, headers={"authorization": f"Bearer {TOKEN}"})


def test_every_operation_has_a_stable_name_of_its_own(client):
    names = [o["operationId"] for methods in client.app.openapi()["paths"].values() for o in methods.values()]
    assert len(names) > 20
    assert len(set(names)) == len(names)
    assert all(n[0].islower() and n.isalnum() for n in names)


def test_it_is_openapi_3_1_and_says_how_to_sign_in(client):
    document = client.app.openapi()
    assert document["openapi"].startswith("3.1")
    assert {"HTTPBearer", "APIKeyCookie"} == set(document["components"]["securitySchemes"])
