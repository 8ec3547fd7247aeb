"""A process that calls, has the avatar speak and recognise, says so and waits to be killed."""

import asyncio
import sys

from rtav.testing.messages import message
from rtav.testing.voice_caller import VoiceCaller
from rtav.testing.voices import say

TALK = "This is a long story about a small robot that lived by the sea. " * 8


async def main(url: str, key: str) -> None:
    caller = VoiceCaller(url, key)
    await caller.connect()
    await caller.until("session.created")
    caller.send(message("assistant", TALK))
    await caller.until("output_audio_buffer.started")
    await caller.say(say("please tell me about the weather in the north of the country"))
    await caller.until("input_audio_buffer.speech_started")
    print("in the middle of everything", flush=True)
    await asyncio.sleep(60)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2]))
