"""A conversation that goes on after its connection broke, against the real command."""

import asyncio
import json
from typing import Any

import pytest
from websockets.asyncio.client import connect

from rtav.testing.messages import message
from rtav.testing.running import RunningServer
from rtav.testing.voice_caller import VoiceCaller

pytestmark = pytest.mark.real_time

TALK = "This is a long story about a small robot that lived by the sea. " * 8


def item_of(event: dict[str, Any]) -> dict[str, Any]:
    item: dict[str, Any] = event["item"]
    return item


@pytest.mark.parametrize(
    "says_goodbye", [True, False], ids=["after its end", "before it is missed"]
)
def test_a_new_call_goes_on_with_what_was_heard(server: RunningServer, says_goodbye: bool) -> None:
    async def main() -> tuple[dict[str, Any], str, VoiceCaller]:
        first = VoiceCaller(server.url, server.key, session={"instructions": "Be brief."})
        await first.connect()
        await first.until("session.created")
        first.send(message("assistant", TALK))
        await first.until("output_audio_buffer.started")
        await asyncio.sleep(1.5)
        spoken = item_of(await first.until("response.output_item.added"))["id"]
        if says_goodbye:
            await first.close()
            await asyncio.sleep(0.5)
        again = VoiceCaller(
            server.url, server.key, query={"session_id": first.session_id}, session={}
        )
        await again.connect()
        created = await again.until("session.created")
        again.send({"type": "conversation.item.retrieve", "item_id": spoken})
        heard = item_of(await again.until("conversation.item.retrieved"))
        again.send(message("user", "Who are you?"))
        done = await again.until("response.done")
        assert done["response"]["status"] == "completed"
        await again.close()
        await first.close()
        assert heard["status"] == "incomplete"
        return created["session"], heard["content"][0]["transcript"], first

    session, transcript, first = asyncio.run(main())

    assert session["id"] == first.session_id
    assert session["instructions"] == "Be brief."
    assert TALK.startswith(transcript)
    assert 5 < len(transcript) < 100, "about two seconds of it"


def test_a_websocket_goes_on_with_what_a_call_began(server: RunningServer) -> None:
    async def main() -> tuple[str, dict[str, Any]]:
        caller = VoiceCaller(server.url, server.key, session={})
        await caller.connect()
        await caller.until("session.created")
        caller.send(message("system", "The password is swordfish."))
        told = item_of(await caller.until("conversation.item.done"))
        await caller.close()
        url = server.url.replace("http", "ws", 1)
        async with connect(
            f"{url}/v1/realtime?session_id={caller.session_id}",
            additional_headers={"Authorization": f"Bearer {server.key}"},
        ) as socket:
            created = json.loads(await socket.recv())
            await socket.send(
                json.dumps({"type": "conversation.item.retrieve", "item_id": told["id"]})
            )
            retrieved = json.loads(await socket.recv())
        assert retrieved["item"] == told
        return caller.session_id, created["session"]

    session_id, session = asyncio.run(main())
    assert session["id"] == session_id
