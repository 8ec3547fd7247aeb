"""A real server in a process of its own, for tests from outside and for benches."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

READY_S = 60.0
"""A loaded machine takes this long to load the engines; a free one two seconds."""

STOP_S = 10.0


@dataclass
class RunningServer:
    url: str
    key: str
    process: subprocess.Popen[str]
    lines: list[str] = field(default_factory=list)
    """Everything it printed, log lines included."""

    def log(self) -> str:
        return "\n".join(self.lines)


@contextlib.contextmanager
def running_server(
    *arguments: str,
    environment: Mapping[str, str] | None = None,
    cores: Collection[int] | None = None,
) -> Iterator[RunningServer]:
    """`rtav serve` on 127.0.0.1 and a free port, with the embedded engines and state of its own.

    It and its processes run on `cores` only, if they are named; that works on Linux only.
    Raises RuntimeError with what it printed if it does not come up. Ends it by SIGTERM.
    """
    with tempfile.TemporaryDirectory() as state:
        settings = {
            "RTAV_API_KEY": "rtav_ak_test",
            "RTAV_STATE_DIR": state,
            "RTAV_LLM_DISCOVER": "false",
        }
        process = subprocess.Popen(
            [str(Path(sys.executable).with_name("rtav")), "serve", "--port", "0", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, **settings, **(environment or {})},
        )
        if cores is not None:  # long before it has imported anything that counts cores
            os.sched_setaffinity(process.pid, cores)
        server = RunningServer(url="", key=settings["RTAV_API_KEY"], process=process)
        is_ready = threading.Event()
        reader = threading.Thread(target=_read, args=(server, is_ready), name="server output")
        reader.start()
        try:
            is_ready.wait(READY_S)
            if not server.url:
                raise RuntimeError("the server did not start:\n" + server.log())
            yield server
        finally:
            _stop(process)
            reader.join()


def _read(server: RunningServer, is_ready: threading.Event) -> None:
    """Everything the server prints, until it ends."""
    assert server.process.stdout is not None
    with server.process.stdout as printed:
        for line in printed:
            server.lines.append(line.rstrip())
            if found := re.search(r"ready: (http://[^/\s]+)/", line):
                server.url = found[1]
                is_ready.set()
    is_ready.set()


def _stop(process: subprocess.Popen[str]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
