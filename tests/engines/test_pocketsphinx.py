import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import pytest

from rtav import clock
from rtav.engines.base import Pause, SttEngine
from rtav.engines.stt.pocketsphinx import PocketsphinxStt
from rtav.errors import ConfigError, EngineFailed, EngineTimeout, EngineUnavailable
from rtav.media.pcm import Pcm
from rtav.testing.contracts.stt import SttContract, hear, stream
from rtav.testing.voices import say

T = TypeVar("T")

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")


class TestPocketsphinx(SttContract):
    def make(self) -> SttEngine:
        return PocketsphinxStt()


def test_one_caller_too_many_waits_and_is_counted() -> None:
    async def scenario(engine: PocketsphinxStt) -> tuple[list[str], int]:
        sentences = ["What time is it?", "What can you do?", "What can you do?"]
        heard = await asyncio.gather(
            *(hear(engine, say(text), caller=str(n)) for n, text in enumerate(sentences))
        )
        return [hypotheses[-1].text for hypotheses in heard], engine.waited

    texts, waited = _run(scenario, workers=1)

    assert texts == ["What time is it", "What can you do", "What can you do"]
    assert waited == 2


def test_a_killed_recogniser_fails_its_utterance_only() -> None:
    async def scenario(engine: PocketsphinxStt) -> list[object]:
        killed = asyncio.Event()

        async def kill_one() -> None:
            async with asyncio.timeout(5):
                # the parent and two forks; nobody announces a process
                while len(_descendants(os.getpid())) < 3:  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
            os.kill(max(_descendants(os.getpid())), signal.SIGKILL)
            killed.set()

        async def talk(caller: str) -> str:
            hypotheses = engine.transcribe(_until(killed, say("What time is it?")), caller=caller)
            return [hypothesis.text async for hypothesis in hypotheses][-1]

        results = await asyncio.gather(talk("a"), talk("b"), kill_one(), return_exceptions=True)
        after = (await hear(engine, say("What can you do?")))[-1].text
        return [*results[:2], after]

    *two, after = _run(scenario)

    assert sorted(type(result).__name__ for result in two) == ["EngineFailed", "str"]
    assert after == "What can you do"


def test_a_recogniser_that_hangs_is_given_up() -> None:
    async def scenario(engine: PocketsphinxStt) -> str:
        async def stopped() -> AsyncIterator[Pcm | Pause]:
            async for piece in stream(say("What time is it?")):
                yield piece
            for pid in _descendants(os.getpid())[1:]:
                os.kill(pid, signal.SIGSTOP)
            yield Pause()

        with pytest.raises(EngineTimeout, match="did not answer"):
            async for _ in engine.transcribe(stopped(), caller="a"):
                pass
        return (await hear(engine, say("What can you do?")))[-1].text

    assert _run(scenario, workers=1, answer_s=2) == "What can you do"


def test_a_lost_parent_process_is_replaced() -> None:
    async def scenario(engine: PocketsphinxStt) -> str:
        (parent,) = _descendants(os.getpid())
        os.kill(parent, signal.SIGKILL)
        await asyncio.sleep(0.1)
        return (await hear(engine, say("What can you do?")))[-1].text

    assert _run(scenario) == "What can you do"


def test_a_parent_process_that_hangs_is_replaced() -> None:
    async def scenario(engine: PocketsphinxStt) -> str:
        (parent,) = _descendants(os.getpid())
        os.kill(parent, signal.SIGSTOP)
        with pytest.raises(EngineTimeout):
            await hear(engine, say("What time is it?"))
        return (await hear(engine, say("What can you do?")))[-1].text

    assert _run(scenario, answer_s=2) == "What can you do"


def test_closing_the_engine_leaves_no_process() -> None:
    async def scenario(engine: PocketsphinxStt) -> list[int]:
        long = stream(*[say("What time is it?")] * 20)
        hypotheses = engine.transcribe(long, caller="a")
        await anext(hypotheses)
        before = _descendants(os.getpid())
        await engine.close()
        with pytest.raises(EngineFailed):
            async for _ in hypotheses:
                pass
        return before

    for pid in _run(scenario):
        _wait_until_gone(pid)
    assert _descendants(os.getpid()) == []


def test_no_recogniser_outlives_a_server_that_was_killed(tmp_path: Path) -> None:
    script = tmp_path / "server.py"
    script.write_text(_SERVER)
    server = subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE)
    assert server.stdout is not None
    assert server.stdout.readline() == b"talking\n"
    processes = _descendants(server.pid)

    server.kill()
    server.wait()
    server.stdout.close()

    assert len(processes) == 2
    for pid in processes:
        _wait_until_gone(pid)


def test_the_demo_agents_sentences_are_heard_among_all_others() -> None:
    async def scenario(engine: PocketsphinxStt) -> list[str]:
        sentences = ["Please spell the word hello.", "I would like a cup of coffee."]
        return [(await hear(engine, say(text)))[-1].text for text in sentences]

    assert _run(scenario, domain="demo") == [
        "Please spell the word hello",
        "I would like a cup of coffee",
    ]


def test_a_model_that_does_not_load_is_named_with_its_remedy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")

    with pytest.raises(EngineUnavailable, match="pip install pocketsphinx"):
        _run(_nothing)


def test_a_system_without_fork_is_told_to_use_another_recogniser(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delattr(os, "fork")

    with pytest.raises(EngineUnavailable, match="needs fork"):
        _run(_nothing)


def test_the_process_that_forks_has_one_thread() -> None:
    async def scenario(engine: PocketsphinxStt) -> int:
        (parent,) = _descendants(os.getpid())
        return len(os.listdir(f"/proc/{parent}/task"))

    assert _run(scenario, domain="demo") == 1


def test_a_long_talk_without_a_pause_is_heard_to_its_end() -> None:
    async def scenario(engine: PocketsphinxStt) -> str:
        numbers = "One two three four five six seven eight nine ten."
        return (await hear(engine, *[say(numbers)] * 6, say("What time is it?")))[-1].text

    text = _run(scenario)

    assert text.lower().count("five six seven") >= 5
    assert text.endswith("what time is it")


def test_a_domain_that_does_not_exist_is_the_operators_error() -> None:
    with pytest.raises(ConfigError, match="stt.pocketsphinx.domain: must be demo"):
        PocketsphinxStt(domain="law")


def test_other_languages_are_refused() -> None:
    async def scenario(engine: PocketsphinxStt) -> None:
        with pytest.raises(EngineFailed, match="English only"):
            async for _ in engine.transcribe(stream(), caller="a", language="de"):
                pass

    _run(scenario)


def test_a_pool_without_workers_is_the_operators_error() -> None:
    with pytest.raises(ConfigError, match="stt.pocketsphinx.workers: must be 1 or more"):
        PocketsphinxStt(workers=0)


_SERVER = """
import asyncio
from rtav.engines.stt.pocketsphinx import PocketsphinxStt
from rtav.media.pcm import Pcm
from rtav.testing.contracts.stt import stream
from rtav.testing.voices import say

async def main():
    engine = PocketsphinxStt()
    await engine.start()
    async for _ in engine.transcribe(stream(say("What time is it?"), pace_s=0.02), caller="a"):
        print("talking", flush=True)

asyncio.run(main())
"""


def _run(scenario: Callable[[PocketsphinxStt], Awaitable[T]], **options: object) -> T:
    async def main() -> T:
        engine = PocketsphinxStt(**options)
        await engine.start()
        try:
            return await scenario(engine)
        finally:
            await engine.close()

    return asyncio.run(main())


async def _until(done: asyncio.Event, pcm: Pcm) -> AsyncIterator[Pcm | Pause]:
    async for piece in stream(pcm):
        yield piece
    await done.wait()


async def _nothing(_: PocketsphinxStt) -> None:
    pass


def _descendants(pid: int) -> list[int]:
    """Process ids of the recogniser's processes below `pid`, the oldest first."""
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, task.read_text().split()):
            # not those of a server that another test has running beside this one
            if b"sphinx_worker" in Path(f"/proc/{child}/cmdline").read_bytes():
                found += [child, *_descendants(child)]
    return sorted(found)


def _wait_until_gone(pid: int) -> None:
    deadline = clock.monotonic() + 5
    while Path(f"/proc/{pid}").exists():
        assert clock.monotonic() < deadline, f"process {pid} still runs"
        time.sleep(0.02)
