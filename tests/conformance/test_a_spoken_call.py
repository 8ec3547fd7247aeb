"""A call by voice over WebRTC, interrupted by voice, as OpenAI's types and schemas see it."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from rtav.testing.messages import message
from rtav.testing.voice_caller import VoiceCaller
from rtav.testing.voices import say

pytestmark = pytest.mark.real_time

SESSION = {"type": "realtime", "audio": {"input": {"transcription": {"model": "whisper-1"}}}}


def test_what_is_said_over_an_answer_cuts_it_to_what_was_heard(
    served: Any, judge: Callable[..., list[str]]
) -> None:
    async def main() -> tuple[list[dict[str, Any]], str]:
        caller = VoiceCaller(served.url, served.key, session=SESSION)
        await caller.connect()
        try:
            await caller.until("session.created")
            caller.send(message("user", "Please count."))
            caller.send({"type": "response.create"})
            await caller.until("output_audio_buffer.started")
            await asyncio.sleep(1.5)
            await caller.say(say("what can you do"))
            cut = await caller.until("conversation.item.truncated")
            began = asyncio.get_running_loop().time()
            await caller.until("output_audio_buffer.stopped", after=began)
            caller.send({"type": "conversation.item.retrieve", "item_id": cut["item_id"]})
            item = (await caller.until("conversation.item.retrieved", after=began))["item"]
        finally:
            await caller.close()
        return [event for _, event in caller.events], item["content"][0]["transcript"]

    told, kept = asyncio.run(main())

    assert judge(told) == []
    kind = "response.output_audio_transcript.done"
    [counted, answered] = [event["transcript"] for event in told if event["type"] == kind]
    assert kept.startswith("One,")
    assert counted.startswith(kept)
    assert answered.lower().startswith("you said: what can")
    ended = [event["response"]["status"] for event in told if event["type"] == "response.done"]
    assert ended == ["cancelled", "completed"]
