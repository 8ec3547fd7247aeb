import asyncio
import socket

import pytest

from rtav.server.doctor import findings
from rtav.settings import Settings


@pytest.mark.real_time
def test_a_healthy_machine_passes_the_examination(tmp_path):
    settings = Settings(
        state_dir=tmp_path,
        server={"port": 0, "https": "on", "https_port": 0},
        llm={"discover": False},
    )
    found = {finding.message: finding for finding in asyncio.run(findings(settings))}

    assert all(finding.is_good for finding in found.values()), found
    assert {"silero works", "pocketsphinx works", "demo works", "portrait works"} <= set(found)


def test_an_engine_that_is_not_there_is_found(tmp_path):
    settings = Settings(
        state_dir=tmp_path,
        server={"port": 0},
        llm={"discover": False},
        stt={"engine": "nobody"},
    )
    bad = [finding for finding in asyncio.run(findings(settings)) if not finding.is_good]

    assert [finding.subject for finding in bad] == ["engines"]
    assert bad[0].message.startswith("stt.engine: no engine is called 'nobody'")


def test_a_taken_media_port_is_found(tmp_path):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        settings = Settings(
            state_dir=tmp_path,
            server={"port": 0},
            ice={"bind": ("127.0.0.1",), "udp_port": taken.getsockname()[1]},
            stt={"engine": "nobody"},
            llm={"discover": False},
        )
        found = {finding.subject: finding for finding in asyncio.run(findings(settings))}

    assert not found["media"].is_good
    assert found["media"].message.startswith("ice.udp_port: cannot bind it")
