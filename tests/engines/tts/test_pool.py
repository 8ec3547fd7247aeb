"""The processes behind a voice: stand-ins for synthesisers that hang, die or are missing."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from rtav.engines.tts.pool import Answer, SpeechPool
from rtav.engines.tts.wire import Request
from rtav.errors import EngineFailed, EngineTimeout, EngineUnavailable

STAND_IN = """
import os, sys, time
from rtav.engines.tts.worker import CannotLoad, serve

def say(request, owner):
    text = request["text"]
    if text == "hang":
        time.sleep(60)
    if text == "die":
        os._exit(3)
    if text == "refuse":
        raise ValueError("cannot be said")
    if text == "print":
        os.write(1, b"a library's chatter")
    owner.send_times({"phones": [], "tokens": []})
    owner.send_audio(str(os.getpid()).encode())
    while text == "endless" and not owner.is_given_up():
        owner.send_audio(b"more")

def load():
    if os.environ.get("STAND_IN_MISSING"):
        raise CannotLoad("apt install it")
    return say, {"pid": os.getpid()}

serve(load)
"""


@pytest.fixture(autouse=True)
def _stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "stand_in.py").write_text(STAND_IN)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))


def run(scenario: Callable[[SpeechPool], Awaitable[None]], *, timeout_s: float = 5.0) -> None:
    async def main() -> None:
        pool = SpeechPool("stand-in", "stand_in", size=1, timeout_s=timeout_s)
        await pool.start()
        try:
            await scenario(pool)
        finally:
            await pool.close()

    asyncio.run(main())


def say(pool: SpeechPool, text: str) -> AsyncIterator[Answer]:
    return pool.say(Request(text=text, voice="v", speed=1.0))


async def who_says(pool: SpeechPool, text: str) -> int:
    """The id of the process that answered."""
    answers = [answer async for answer in say(pool, text)]
    assert answers[0] == {"phones": [], "tokens": []}
    assert isinstance(answers[1], bytes)
    return int(answers[1])


def test_one_process_answers_many_requests() -> None:
    async def scenario(pool: SpeechPool) -> None:
        assert await who_says(pool, "a") == await who_says(pool, "b")

    run(scenario)


def test_what_a_library_prints_does_not_disturb_the_answers() -> None:
    async def scenario(pool: SpeechPool) -> None:
        assert await who_says(pool, "print") == await who_says(pool, "a")

    run(scenario)


def test_a_process_that_hangs_is_a_timeout_and_is_replaced() -> None:
    async def scenario(pool: SpeechPool) -> None:
        with pytest.raises(EngineTimeout):
            await who_says(pool, "hang")
        assert await who_says(pool, "a")

    run(scenario, timeout_s=1.0)


def test_a_process_that_dies_fails_its_request_and_is_replaced() -> None:
    async def scenario(pool: SpeechPool) -> None:
        with pytest.raises(EngineFailed) as failure:
            await who_says(pool, "die")
        assert failure.value.retryable
        assert await who_says(pool, "a")

    run(scenario)


def test_a_process_that_died_between_requests_is_replaced_unnoticed() -> None:
    async def scenario(pool: SpeechPool) -> None:
        first = await who_says(pool, "a")
        os.kill(first, signal.SIGKILL)
        assert await asyncio.to_thread(_ends, first)
        await asyncio.sleep(0.05)  # the loop learns of it in its next rounds
        assert await who_says(pool, "a") != first

    run(scenario)


def test_what_cannot_be_said_fails_and_the_process_stays() -> None:
    async def scenario(pool: SpeechPool) -> None:
        first = await who_says(pool, "a")
        with pytest.raises(EngineFailed, match="cannot be said"):
            await who_says(pool, "refuse")
        assert await who_says(pool, "a") == first

    run(scenario)


def test_closing_the_answers_stops_the_work_and_keeps_the_process() -> None:
    async def scenario(pool: SpeechPool) -> None:
        first = await who_says(pool, "a")
        answers = pool.say(Request(text="endless", voice="v", speed=1.0))
        await anext(answers)
        await answers.aclose()
        assert await who_says(pool, "a") == first

    run(scenario)


def test_a_process_that_will_not_be_interrupted_is_replaced() -> None:
    async def scenario(pool: SpeechPool) -> None:
        first = await who_says(pool, "a")
        asking = asyncio.timeout(0.1)
        with pytest.raises(TimeoutError):
            async with asking:
                await who_says(pool, "hang")
        assert await who_says(pool, "a") != first

    run(scenario)


def test_callers_wait_for_a_free_process() -> None:
    async def scenario(pool: SpeechPool) -> None:
        answered = await asyncio.gather(*(who_says(pool, "a") for _ in range(5)))
        assert len(set(answered)) == 1

    run(scenario)


def test_a_missing_synthesiser_is_unavailable_and_the_message_has_the_remedy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("STAND_IN_MISSING", "1")

    async def scenario(pool: SpeechPool) -> None:
        raise AssertionError

    with pytest.raises(EngineUnavailable, match="apt install it"):
        run(scenario)


def test_a_closed_pool_starts_nothing() -> None:
    async def scenario(pool: SpeechPool) -> None:
        await pool.close()
        with pytest.raises(EngineFailed, match="closed"):
            await who_says(pool, "a")

    run(scenario)


def test_processes_end_with_their_owner_even_if_it_is_killed() -> None:
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER], stdout=subprocess.PIPE, start_new_session=True
    )
    with owner:
        assert owner.stdout is not None
        worker = int(owner.stdout.readline())
        assert Path(f"/proc/{worker}").exists()

        owner.kill()
        owner.wait()

        assert _ends(worker)


OWNER = """
import asyncio
from rtav.engines.tts.pool import SpeechPool

async def main():
    greeting = await SpeechPool("stand-in", "stand_in", size=1).start()
    print(greeting["pid"], flush=True)
    await asyncio.sleep(60)

asyncio.run(main())
"""


def _ends(pid: int) -> bool:
    """Wait up to 5 s until the process is gone, or dead and not waited for yet."""
    stat = Path(f"/proc/{pid}/stat")
    for _ in range(500):
        try:
            state = stat.read_text().rsplit(")")[-1].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return True
        if state == "Z":
            return True
        time.sleep(0.01)
    return False
