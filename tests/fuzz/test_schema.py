"""Requests made from the merged OpenAPI document, as a customer's admin: no 5xx, no answer outside the schema.

`FUZZ_EXAMPLES` per operation: few in `make test`, many on demand.
"""

import os
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.people import Person
from tests.portal import Portal

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "6"))
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


@schemathesis.serializer("application/x-protobuf", "application/offset+octet-stream")
def as_bytes(_context: Any, value: Any) -> bytes:
    """Whatever was made up, as it is."""
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogatepass")


@pytest.fixture(scope="module")
def admin(portal: Portal) -> Person:
    return portal.customer("Fuzz GmbH").admin


@pytest.fixture(scope="module")
def api(portal: Portal) -> Any:
    document = portal.stranger().get("/openapi.json").json()
    schema = schemathesis.openapi.from_dict(document)
    schema.config.update(base_url=portal.url)
    # an open stream has no end, and signing out would end the run
    return schema.exclude(path="/api/v1/live").exclude(path="/api/v1/auth/session", method="DELETE")


def test_every_answer_is_in_the_schema(api: Any, admin: Person) -> None:
    cookies = {cookie.name: cookie.value for cookie in admin.client.cookies.jar}
    wrong, seen, operations = [], set(), 0
    for result in api.get_all_operations():
        operation = result.ok()
        operations += 1

        @settings(max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck))
        @given(case=operation.as_strategy())
        def one(case: Any) -> None:
            answer = case.call(headers={"Origin": admin.url}, cookies=cookies)
            seen.add(answer.status_code)
            case.validate_response(answer, checks=CHECKS)

        try:
            one()
        except Exception as error:
            wrong.append(f"{operation.label}: {error}")

    assert operations > 30
    assert {200, 404} <= seen, "the requests did not get past the door"
    assert not wrong, "\n\n".join(wrong)
