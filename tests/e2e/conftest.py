"""One server for all tests of this folder."""

from collections.abc import Iterator

import pytest

from rtav.testing.running import RunningServer, running_server


@pytest.fixture(scope="session")
def server() -> Iterator[RunningServer]:
    with running_server() as running:
        yield running
