import asyncio

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
