"""What all suites share: the fuzz profiles, and browser tests that say when they were not run."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

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
