"""What becomes of a call whose engines are killed, and of one beside a client that floods."""

import asyncio
import os
import platform
import signal
from pathlib import Path

import pytest

from rtav.testing.messages import message
from rtav.testing.running import RunningServer, running_server
from rtav.testing.voice_caller import VoiceCaller
from rtav.testing.voices import say

pytestmark = [
    pytest.mark.real_time,
    pytest.mark.skipif(platform.system() != "Linux", reason="finds processes in /proc"),
]

GAP_S = 0.25
"""A voice that pauses for longer is broken; on a free machine the longest gap is 35 ms."""


def kill(server: RunningServer, module: str) -> int:
    """Kill the server's processes that run a module; returns how many there were."""
    pid = server.process.pid
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    found = [
        int(child)
        for child in children
        if module.encode() in Path(f"/proc/{child}/cmdline").read_bytes()
    ]
    for process in found:
        os.kill(process, signal.SIGKILL)
    return len(found)


def said(caller: VoiceCaller, after: float) -> str:
    kind = "response.output_audio_transcript.done"
    return " ".join(e["transcript"] for at, e in caller.events if at > after and e["type"] == kind)


async def answer(caller: VoiceCaller, text: str) -> str:
    """What is answered to a typed question."""
    asked = asyncio.get_running_loop().time()
    caller.send(message("user", text))
    await caller.until("response.done", after=asked)
    return said(caller, asked)


async def called(server: RunningServer) -> VoiceCaller:
    caller = VoiceCaller(server.url, server.key)
    await caller.connect()
    await caller.until("session.created")
    return caller


def test_a_call_outlives_its_voice_and_its_recogniser() -> None:
    question = say("what is two plus three")

    async def main(server: RunningServer) -> None:
        loop = asyncio.get_running_loop()
        caller = await called(server)
        began = loop.time()
        caller.send(message("user", "what can you do?"))
        await caller.until("output_audio_buffer.started", after=began)
        assert kill(server, "rtav.engines.tts") > 0
        await caller.until("response.done", after=began)
        assert await answer(caller, "what is four plus three") == "4 plus 3 is 7."

        await caller.say(question)
        await asyncio.sleep(0.1)
        assert kill(server, "sphinx_worker") == 1
        await caller.until("response.done", after=loop.time())
        spoken = loop.time()
        await caller.say(question)
        await caller.until("response.done", after=spoken)
        assert said(caller, spoken) == "2 plus 3 is 5."
        await caller.close()

    with running_server() as server:
        asyncio.run(main(server))
        assert "Traceback" not in server.log()


def test_a_message_of_ten_megabytes_is_answered_and_breaks_no_other_voice() -> None:
    async def main(server: RunningServer) -> None:
        loop = asyncio.get_running_loop()
        other, rude = await called(server), await called(server)
        began = loop.time()
        vars(rude._pc.sctp)["_remote_max_message_size"] = 1 << 30  # a client of its own making
        rude._channel.send("x" * 10_000_000)
        error = await rude.until("error", timeout_s=30)
        assert error["error"]["code"] == "event_too_large"
        assert await answer(rude, "what is one plus one") == "1 plus 1 is 2."

        arrivals = [at for at, _ in other.heard if at > began]
        gaps = [after - before for before, after in zip(arrivals, arrivals[1:], strict=False)]
        assert max(gaps) < GAP_S
        await rude.close()
        await other.close()

    with running_server() as server:
        asyncio.run(main(server))
