"""The real command, asked everything that its OpenAPI document allows and much that it does not."""

import subprocess
import sys
from pathlib import Path

import pytest

from rtav.testing.running import running_server

pytestmark = [pytest.mark.real_time, pytest.mark.timeout(300)]

CHECKS = (
    "status_code_conformance",  # 500 is never documented; 503 is, where a server may be full
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
)


def test_no_answer_of_the_command_is_undocumented(tmp_path: Path) -> None:
    with running_server(environment={"RTAV_LIMITS_MAX_CALLS": "5000"}) as server:
        done = subprocess.run(
            [
                Path(sys.executable).with_name("schemathesis"),
                "run",
                f"{server.url}/openapi.json",
                f"--header=Authorization: Bearer {server.key}",
                f"--checks={','.join(CHECKS)}",
                "--phases=coverage",
                "--exclude-path=/v1/realtime/sessions",  # takes what /v1/sessions does
                "--generation-deterministic",
                "--no-color",
            ],
            cwd=tmp_path,  # it leaves its notes behind
            capture_output=True,
            text=True,
            timeout=270,
        )

    assert done.returncode == 0, done.stdout
