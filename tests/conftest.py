"""What all suites share: the fuzz profiles, browser tests that say when they were not run, and a
page of another origin than the server's."""

from __future__ import annotations

import functools
import shutil
import threading
from collections.abc import Iterator
from http.server import HTTPServer, SimpleHTTPRequestHandler
from pathlib import Path

import hypothesis
import pytest

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
NO_BROWSER = "no Chromium on this machine; `python3 dev.py setup` installs it where it may"

# Examples are the same on every run, so that a failure is about the change at hand; time limits
# per example measure the neighbours on a shared machine.
hypothesis.settings.register_profile("quick", max_examples=100, deadline=None, derandomize=True)
hypothesis.settings.register_profile("long", max_examples=10_000, deadline=None)
hypothesis.settings.load_profile("quick")

_not_run = pytest.StashKey[int]()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if any(shutil.which(name) for name in BROWSERS):
        return
    in_browser = [item for item in items if item.get_closest_marker("browser")]
    for item in in_browser:
        item.add_marker(pytest.mark.skip(reason=NO_BROWSER))
    config.stash[_not_run] = len(in_browser)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> Iterator[None]:
    """Below the list of skipped tests, where nobody overlooks it."""
    yield
    if count := config.stash.get(_not_run, 0):
        terminalreporter.write_line(f"{count} browser tests were NOT RUN: {NO_BROWSER}")


PAGE = """<!doctype html><meta charset=utf-8><title>seed</title>
<audio id=remoteAudio autoplay></audio>
<video id=remoteVideo autoplay playsinline width=512 height=512></video>"""


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
