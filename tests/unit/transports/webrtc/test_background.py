import asyncio
import logging

from rtav.transports.webrtc.background import Background
from rtav.transports.webrtc.memory import Trimmer


def test_closing_waits_for_everything_that_runs():
    async def scenario():
        background, done = Background(), []

        async def work():
            await asyncio.sleep(0)
            done.append("first")
            background.run(more(), "more")

        async def more():
            done.append("second")

        background.run(work(), "work")
        await background.close()
        assert done == ["first", "second"]
        assert len(background) == 0

    asyncio.run(scenario())


def test_a_failure_is_logged_with_the_name_of_the_work(caplog):
    async def scenario():
        background = Background()

        async def work():
            raise RuntimeError("broken")

        background.run(work(), "release a peer")
        await background.close()

    with caplog.at_level(logging.WARNING):
        asyncio.run(scenario())
    (record,) = caplog.records
    assert record.getMessage() == "release a peer failed: RuntimeError('broken')"


def test_many_ended_calls_are_one_trim(monkeypatch):
    trims = []

    async def scenario():
        monkeypatch.setattr("rtav.transports.webrtc.memory.INTERVAL_S", 0.0)
        background = Background()
        trimmer = Trimmer(background)
        trimmer._trim = trims.append
        for _ in range(5):
            trimmer.soon()
        await asyncio.sleep(0.01)
        await background.close()
        trimmer.close()

    asyncio.run(scenario())
    assert trims == [0]


def test_no_trim_comes_after_the_end():
    trims = []

    async def scenario():
        background = Background()
        trimmer = Trimmer(background)
        trimmer._trim = trims.append
        trimmer.soon()
        trimmer.close()
        await background.close()

    asyncio.run(scenario())
    assert trims == []
