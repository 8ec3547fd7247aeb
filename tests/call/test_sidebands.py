"""Connections beside a running call: they take part in it, and never disturb it."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
from collections.abc import AsyncIterator
from typing import Any

import pytest

from rtav.core.dialect import Signs
from rtav.errors import PeerGone, RateLimited
from rtav.runtime.call import Call
from rtav.runtime.events import MAX_BUFFERED_BYTES
from rtav.runtime.peer import PeerMedia
from rtav.runtime.sidebands import FRAME_BYTES, LAGGING_BYTES, MAX_EARLY, MAX_SIDEBANDS
from rtav.testing.calls import ScriptedEngines, exchange
from rtav.testing.engines import ScriptedLlm
from rtav.testing.peer import WEBRTC, WEBSOCKET, FakePeer
from rtav.testing.virtual import run

LONG = "This is an answer that goes on for quite some time, as answers tend to do, I am afraid."


@contextlib.asynccontextmanager
async def calling(
    answer: str = "Fine. And you?",
    *,
    media: PeerMedia = WEBRTC,
    session: dict[str, Any] | None = None,
    opens: bool = True,
) -> AsyncIterator[tuple[FakePeer, Call]]:
    async with exchange(ScriptedEngines(llm=ScriptedLlm(answer))) as office:
        client = FakePeer(media)
        call = office.take(client, session)
        await asyncio.sleep(0)
        if opens:
            client.open()
        yield client, call


def beside(call: Call, *, signs: Signs | None = None, opens: bool = True) -> FakePeer:
    peer = FakePeer(WEBSOCKET)
    call.sidebands.add(peer, signs or Signs())
    if opens:
        peer.open(label="")
    return peer


def ask(peer: FakePeer, text: str = "hello") -> None:
    content = [{"type": "input_text", "text": text}]
    item = {"type": "message", "role": "user", "content": content}
    peer.say({"type": "conversation.item.create", "item": item})
    peer.say({"type": "response.create"})


def without_ids(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [event for event in events if event["type"] != "session.created"]


def test_a_sideband_is_told_what_the_client_is_told_and_may_ask_for_it() -> None:
    async def talk() -> None:
        async with calling() as (client, call):
            side = beside(call)
            assert side.types == ["session.created"]
            ask(side)
            await client.wait_for("response.done")
            assert without_ids(side.events) == without_ids(client.events)
            assert client.types[:2] == ["session.created", "conversation.item.added"]
            assert "response.output_audio.delta" not in side.types, "it goes by RTP"

    run(talk())


def test_a_sideband_of_a_websocket_call_gets_the_audio_too() -> None:
    async def talk() -> None:
        async with calling(media=WEBSOCKET) as (client, call):
            side = beside(call)
            ask(client)
            await client.wait_for("response.done")
            assert side.got("response.output_audio.delta")
            assert without_ids(side.events) == without_ids(client.events)

    run(talk())


def test_a_sideband_spells_events_in_its_own_way() -> None:
    async def talk() -> None:
        async with calling() as (client, call):
            side = beside(call, signs=Signs(beta=True))
            ask(client)
            await client.wait_for("response.done")
            assert "response.audio_transcript.delta" in side.types
            assert "response.output_audio_transcript.delta" not in side.types
            assert "response.output_audio_transcript.delta" in client.types

    run(talk())


def test_what_a_sideband_says_before_the_client_is_there_waits_unless_it_configures() -> None:
    async def talk() -> None:
        async with calling(opens=False) as (client, call):
            side = beside(call)
            side.say({"type": "session.update", "session": {"type": "realtime", "voice": "marin"}})
            assert side.types == ["session.created", "session.updated"]
            side.say({"type": "response.create"})
            assert client.events == []
            assert len(side.types) == 2
            client.open()
            assert client.types[:2] == ["session.created", "response.created"]
            assert client.events[0]["session"]["voice"] == "marin"
            await side.wait_for("response.done")

    run(talk())


def test_only_so_much_of_it_waits() -> None:
    async def talk() -> None:
        async with calling(opens=False) as (_, call):
            side = beside(call)
            for number in range(MAX_EARLY + 1):
                side.say({"type": "response.cancel", "event_id": str(number)})
            (error,) = side.got("error")
            assert error["error"]["code"] == "rate_limit_exceeded"
            assert error["error"]["event_id"] == str(MAX_EARLY)

    run(talk())


@pytest.mark.parametrize("leaves", [True, False], ids=["leaves", "is not opened yet"])
def test_a_sideband_that_goes_away_changes_nothing(leaves: bool) -> None:
    async def talk() -> None:
        async with calling() as (client, call):
            side = beside(call, opens=leaves)
            ask(client)
            await client.wait_for("response.created")
            side.vanish()
            done = await client.wait_for("response.done")
            assert done["response"]["status"] == "completed"
            assert call.reason == ""

    run(talk())


def test_a_sideband_that_does_not_read_is_closed_and_the_call_goes_on() -> None:
    async def talk() -> None:
        async with calling() as (client, call):
            slow, quick = beside(call), beside(call)
            slow.buffered_bytes = MAX_BUFFERED_BYTES + 1
            ask(client)
            await client.wait_for("response.done")
            assert slow.gone == "stalled"
            assert slow.types == ["session.created"]
            assert quick.types == client.types

    run(talk())


def test_while_the_client_lags_behind_a_sideband_may_cause_no_more() -> None:
    async def talk() -> None:
        async with calling() as (client, call):
            side = beside(call)
            client.buffered_bytes = LAGGING_BYTES + 1
            side.say({"type": "response.create", "event_id": "mine"})
            assert side.types == ["session.created", "error"]
            assert side.events[1]["error"]["code"] == "rate_limit_exceeded"
            assert side.events[1]["error"]["event_id"] == "mine"
            assert client.types == ["session.created"]
            client.buffered_bytes = 0
            side.say({"type": "response.create"})
            await client.wait_for("response.done")

    run(talk())


def test_an_event_that_a_sideband_cannot_take_is_named_to_it_alone() -> None:
    async def talk() -> None:
        async with calling() as (client, call):
            side = beside(call)
            side.media = dataclasses.replace(WEBSOCKET, max_message_bytes=4_000)
            session = {"type": "realtime", "instructions": "x" * 5_000}
            client.say({"type": "session.update", "session": session})
            assert client.types == ["session.created", "session.updated"]
            assert side.types == ["session.created", "error"]
            assert side.events[1]["error"]["code"] == "event_too_large"

    run(talk())


def test_the_end_of_the_call_closes_its_sidebands_and_tells_them_what_it_ended() -> None:
    async def talk() -> None:
        async with calling(LONG) as (client, call):
            side, silent = beside(call), beside(call, opens=False)
            ask(client)
            await client.wait_for("output_audio_buffer.started")
            client.vanish()
            await asyncio.sleep(1)
            assert side.gone == silent.gone == "call ended"
            assert side.got("response.done")[0]["response"]["status"] == "cancelled"
            with pytest.raises(PeerGone):
                call.sidebands.admit()

    run(talk())


def test_a_client_that_is_hung_up_on_learns_how_its_answer_ended() -> None:
    async def talk() -> None:
        async with calling(LONG) as (client, call):
            ask(client)
            await client.wait_for("output_audio_buffer.started")
            call.hang_up("hangup")
            assert client.got("response.done")[0]["response"]["status"] == "cancelled"
            await asyncio.sleep(1)
            assert client.gone == "hangup"

    run(talk())


def test_a_shutdown_is_told_by_its_name() -> None:
    async def talk() -> None:
        async with calling() as (client, call):
            side = beside(call)
        assert side.gone == client.gone == "shutdown"

    run(talk())


def test_a_call_takes_only_so_many_sidebands() -> None:
    async def talk() -> None:
        async with calling(opens=False) as (_, call):
            sides = [beside(call) for _ in range(MAX_SIDEBANDS)]
            with pytest.raises(RateLimited):
                call.sidebands.add(FakePeer(WEBSOCKET), Signs())
            sides[0].vanish()
            call.sidebands.admit()

    run(talk())


def test_pictures_go_only_where_they_are_known_and_do_not_wait() -> None:
    async def talk() -> None:
        pictures = {"modalities": ["audio", "text", "image"], "dialect": "rtav"}
        async with calling(media=WEBSOCKET, session=pictures) as (client, call):
            plain = beside(call)
            rtav = beside(call, signs=Signs(named="rtav"))
            behind = beside(call, signs=Signs(named="rtav"))
            behind.buffered_bytes = FRAME_BYTES + 1
            ask(client)
            await client.wait_for("response.done")
            frames = client.got("response.output_image.delta")
            assert frames
            assert rtav.got("response.output_image.delta") == frames
            assert not plain.got("response.output_image.delta")
            assert not plain.got("response.output_image.done")
            assert not behind.got("response.output_image.delta")
            assert behind.got("response.output_image.done")

    run(talk())


def test_a_sideband_may_speak_for_the_client() -> None:
    async def talk() -> None:
        async with calling() as (client, call):
            side = beside(call)
            side.say({"type": "input_audio_buffer.append", "audio": "no base64", "event_id": "a"})
            assert side.events[-1]["error"]["event_id"] == "a"
            assert client.types == ["session.created"]
            side.ask_keyframe()
            side.limit_bitrate(1)
            side.say("no json")
            assert side.types[-1] == "error"
            assert client.types == ["session.created"]

    run(talk())
