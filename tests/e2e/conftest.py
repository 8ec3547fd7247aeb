"""One server for all tests in a browser, and a page of another origin to call it from."""

import functools
import threading
from collections.abc import Iterator
from http.server import HTTPServer, SimpleHTTPRequestHandler
from pathlib import Path

import pytest

from rtav.testing.running import RunningServer, running_server

PAGE = """<!doctype html><meta charset=utf-8><title>seed</title>
<audio id=remoteAudio autoplay></audio>
<video id=remoteVideo autoplay playsinline width=512 height=512></video>"""


@pytest.fixture(scope="session")
def server() -> Iterator[RunningServer]:
    with running_server() as running:
        yield running


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture(scope="session")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a page that is not the server's: browsers then ask for CORS."""
    folder: Path = tmp_path_factory.mktemp("page")
    (folder / "index.html").write_text(PAGE)
    handler = functools.partial(_Quiet, directory=str(folder))
    with HTTPServer(("127.0.0.1", 0), handler) as http:
        thread = threading.Thread(target=http.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{http.server_port}/index.html"
        http.shutdown()
        thread.join()
