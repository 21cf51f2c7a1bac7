"""The API does what its document says, for requests that a person would not think of."""

from __future__ import annotations

import os
from collections import Counter

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from api.app import document
from tests.support.face import TOKEN

SIGNED_IN = {"authorization": f"Bearer {TOKEN}"}
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_headers_conformance,
          response_schema_conformance]  # fmt: skip


EXAMPLES = int(os.environ.get("FENGSUI_FUZZ", "25"))
NAMES = sorted(o["operationId"] for methods in document("0")["paths"].values() for o in methods.values()
               if o["operationId"] != "streamActivity")  # fmt: skip


@pytest.fixture
def operations(client):
    """Every operation by its name, as its document describes it."""
    schema = schemathesis.openapi.from_asgi("/api/v1/openapi.json", client.app, headers=SIGNED_IN)
    return {o.ok().definition.raw["operationId"]: o.ok() for o in schema.get_all_operations()}


@pytest.mark.parametrize("name", NAMES)
def test_no_request_breaks_an_operation_or_gets_what_its_document_does_not_say(operations, name):
    seen = Counter()

    @seed(1)
    @settings(max_examples=EXAMPLES, deadline=None, database=None, phases=[Phase.generate],
              suppress_health_check=list(HealthCheck))  # fmt: skip
    @given(
        case=st.one_of(
            operations[name].as_strategy(), operations[name].as_strategy(generation_mode=GenerationMode.NEGATIVE)
        )
    )
    def fuzz(case):
        answer = case.call(headers=SIGNED_IN)
        case.validate_response(answer, checks=CHECKS)
        seen[answer.status_code // 100] += 1

    fuzz()
    assert seen


def test_every_operation_has_a_stable_name_of_its_own(client):
    names = [o["operationId"] for methods in client.app.openapi()["paths"].values() for o in methods.values()]
    assert len(names) > 20
    assert len(set(names)) == len(names)
    assert all(n[0].islower() and n.isalnum() for n in names)


def test_it_is_openapi_3_1_and_says_how_to_sign_in(client):
    document = client.app.openapi()
    assert document["openapi"].startswith("3.1")
    assert {"HTTPBearer", "APIKeyCookie"} == set(document["components"]["securitySchemes"])
