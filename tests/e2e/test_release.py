"""A caller that vanishes leaves nothing behind."""

import platform
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from rtav import clock
from rtav.testing.running import RunningServer, running_server

pytestmark = [
    pytest.mark.real_time,
    pytest.mark.skipif(platform.system() != "Linux", reason="counts in /proc"),
]

CALLER = Path(__file__).with_name("silent_caller.py")
RELEASED_S = 6.0
"""What is promised, from the death of the caller to the last thing its call had made."""


def held(server: RunningServer) -> dict[str, int]:
    """Threads, open files and child processes of the server."""
    process = Path(f"/proc/{server.process.pid}")
    status = (process / "status").read_text()
    found = re.search(r"^Threads:\s+(\d+)", status, re.MULTILINE)
    assert found is not None
    children = (process / "task" / str(server.process.pid) / "children").read_text().split()
    return {
        "threads": int(found[1]),
        "files": len(list((process / "fd").iterdir())),
        "children": len(children),
    }


def released(server: RunningServer) -> int:
    return server.log().count(" s: vanished")


def call_and_die(server: RunningServer) -> float:
    """Call, be killed in the middle of everything; the seconds until the server has let go."""
    before = released(server)
    caller = subprocess.Popen(
        [sys.executable, str(CALLER), server.url, server.key], stdout=subprocess.PIPE, text=True
    )
    with caller:
        assert caller.stdout is not None
        assert caller.stdout.readline() == "in the middle of everything\n"
        caller.kill()
    died = clock.monotonic()
    while released(server) == before and clock.monotonic() - died < 3 * RELEASED_S:
        time.sleep(0.1)
    return clock.monotonic() - died


def test_a_killed_caller_is_released_with_everything_it_made() -> None:
    with running_server() as server:
        call_and_die(server)  # the first call makes what stays: caches, threads of pools
        before = held(server)
        took = [call_and_die(server) for _ in range(2)]
        after = held(server)
        assert released(server) == 3
        assert "Traceback" not in server.log()
    assert max(took) <= RELEASED_S
    assert after["threads"] == before["threads"]
    assert after["children"] == before["children"]
    assert after["files"] == before["files"]
