"""Whatever is asked, the answer is one that the OpenAPI document has, and never the server's fault.

Schemathesis makes the requests from the document itself, so a new route is covered by being there.
"""

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from rtav.runtime.stage import Stage, Threads
from rtav.runtime.supervisor import Supervisor
from rtav.testing.calls import RULES, InlineExecutor, ScriptedEngines

CHECKS = (
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
)
EXAMPLES = 20
"""For each operation and each of both kinds: requests as documented, and others."""


@pytest.fixture(scope="module")
def lasting(make_server):
    """One server for all requests, which reads sessions as a real one does."""
    server = make_server(max_calls=10_000)
    threads = Threads(render=InlineExecutor(), encode=InlineExecutor(), load=InlineExecutor())
    real = Supervisor(ScriptedEngines(), RULES, Stage(threads))
    server.supervisor.shown, server.supervisor.describe = real.shown, real.describe
    server.supervisor.check = real.check
    return server


@pytest.fixture(scope="module")
def operations(lasting):
    schema = schemathesis.openapi.from_asgi("/openapi.json", lasting.app)
    return [result.ok() for result in schema.get_all_operations()]


def statuses(server, operation, mode):
    """Ask an operation for everything its document allows, or not; returns the answers' statuses.

    Raises if an answer is not as documented.
    """
    answered = set()

    @settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck))
    @given(
        case=operation.as_strategy(generation_mode=mode),
        key=st.sampled_from([server.key, server.key, None]),
    )
    def ask(case, key):
        response = case.call(headers={"Authorization": f"Bearer {key}"} if key else {})
        server.supervisor.running.clear()
        answered.add(response.status_code)
        case.validate_response(response, checks=CHECKS)

    ask()
    return answered


def test_every_answer_is_documented(lasting, operations):
    refused = [
        operation.label
        for operation in operations
        if not statuses(lasting, operation, schemathesis.GenerationMode.POSITIVE) - {401}
    ]
    assert len(operations) > 15
    assert refused == []


def test_every_answer_to_what_is_not_documented_is_documented(lasting, operations):
    for operation in operations:
        if takes_anything(operation):
            continue
        statuses(lasting, operation, schemathesis.GenerationMode.NEGATIVE)


def takes_anything(operation):
    """There is no wrong way to ask an operation without a body or a query: ids are any text."""
    return not operation.body and not operation.query
