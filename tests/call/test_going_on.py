"""A call that goes on with the session of one that has ended, or that is about to be missed."""

from __future__ import annotations

import asyncio
import dataclasses
from typing import Any

import pytest

from rtav.errors import ProtocolError
from rtav.runtime.events import MAX_BUFFERED_BYTES
from rtav.runtime.supervisor import Ended
from rtav.testing.calls import RULES, Exchange, ScriptedEngines, exchange, opening
from rtav.testing.engines import ScriptedLlm
from rtav.testing.peer import WEBSOCKET, FakePeer
from rtav.testing.virtual import run

LONG = "This is an answer that goes on for quite some time, as answers tend to do, I am afraid."


def user_says(text: str) -> dict[str, Any]:
    content = [{"type": "input_text", "text": text}]
    item = {"type": "message", "role": "user", "content": content, "id": f"item_{text}"}
    return {"type": "conversation.item.create", "item": item}


def asked(engines: ScriptedEngines, number: int) -> list[tuple[str, str]]:
    return [(m.role, m.text) for m in engines.llm.requests[number].messages]


async def take(office: Exchange, peer: FakePeer, number: int = 1, **more: Any):
    shown = dataclasses.replace(opening(number), session_id="session_1", **more)
    call = office.supervisor.open(peer, shown)
    await asyncio.sleep(0)
    peer.open(label="realtime" if number == 1 else "")
    return call


async def talk_until_cut(office: Exchange, ended: list[Ended]) -> Ended:
    """A call in which an answer is cut by the client's disappearance, 1 s after it began."""
    client = FakePeer()
    await take(office, client, session={"instructions": "Be brief.", "voice": "high"})
    client.say(user_says("one"))
    client.say({"type": "response.create"})
    await client.wait_for("output_audio_buffer.started")
    await asyncio.sleep(1)
    client.vanish()
    await asyncio.sleep(3)
    (told,) = ended
    return told


def test_it_has_the_history_with_what_was_heard_and_the_configuration() -> None:
    engines = ScriptedEngines(llm=ScriptedLlm(LONG))
    ended: list[Ended] = []

    async def main() -> FakePeer:
        async with exchange(engines, on_ended=ended.append) as office:
            told = await talk_until_cut(office, ended)
            again = FakePeer()
            await take(office, again, 2, past=told.past)
            again.say(user_says("two"))
            again.say({"type": "response.create"})
            await again.wait_for("response.created")
            again.say({"type": "conversation.item.retrieve", "item_id": "item_one"})
            await asyncio.sleep(0.1)
            return again

    again = run(main())

    session = again.got("session.created")[0]["session"]
    assert session["id"] == "session_1"
    assert (session["instructions"], session["voice"]) == ("Be brief.", "high")
    assert session["dialect"] == "rtav", "as the session was, whatever the new call shows"
    ((_, one), (role, heard), (_, two)) = [m for m in asked(engines, -1) if m[0] != "system"]
    assert (one, role, two) == ("one", "assistant", "two")
    assert heard == "This is an answer", "one second of it"
    assert LONG.startswith(heard)
    assert again.got("conversation.item.added")[0]["previous_item_id"] is not None
    assert again.got("conversation.item.retrieved")[0]["item"]["content"][0]["text"] == "one"


def test_what_the_call_names_outranks_what_was() -> None:
    ended: list[Ended] = []

    async def main() -> FakePeer:
        async with exchange(on_ended=ended.append) as office:
            told = await talk_until_cut(office, ended)
            again = FakePeer()
            await take(office, again, 2, past=told.past, session={"instructions": "Be long."})
            return again

    session = run(main()).got("session.created")[0]["session"]
    assert (session["instructions"], session["voice"]) == ("Be long.", "high")


def test_a_call_that_is_replaced_ends_at_once_and_the_new_one_goes_on() -> None:
    engines = ScriptedEngines(llm=ScriptedLlm(LONG))

    async def main() -> tuple[FakePeer, FakePeer]:
        async with exchange(engines) as office:
            first, second = FakePeer(), FakePeer()
            call = await take(office, first)
            first.say(user_says("one"))
            first.say({"type": "response.create"})
            await first.wait_for("output_audio_buffer.started")
            await asyncio.sleep(1)
            assert office.supervisor.past(call.id) is not None, "as it is up to now"
            past = office.supervisor.replace(call.id)
            await take(office, second, 2, past=past)
            second.say(user_says("two"))
            second.say({"type": "response.create"})
            await second.wait_for("response.created")
            await asyncio.sleep(0.1)
            return first, second

    first, _ = run(main())

    assert first.gone == "replaced"
    assert first.got("response.done")[0]["response"]["status"] == "cancelled"
    assert ("assistant", "This is an answer") in asked(engines, 1)


def test_the_time_of_the_session_goes_on_too() -> None:
    ended: list[Ended] = []

    async def main() -> tuple[FakePeer, float]:
        async with exchange(
            rules=dataclasses.replace(RULES, call_s=30), on_ended=ended.append
        ) as office:
            first = FakePeer()
            await take(office, first)
            expires_at = first.events[0]["session"]["expires_at"]
            first.vanish()
            await asyncio.sleep(1)
            past = dataclasses.replace(ended[0].past, expires_at=expires_at - 20)
            again = FakePeer()
            await take(office, again, 2, past=past)
            assert again.events[0]["session"]["expires_at"] == expires_at - 20
            begun = asyncio.get_running_loop().time()
            await again.wait_for("error")
            return again, asyncio.get_running_loop().time() - begun

    again, lasted = run(main())
    assert again.got("error")[0]["error"]["code"] == "session_expired"
    assert 8 < lasted < 11
    assert ended[1].past is None, "it has ended for good"


def test_a_client_that_did_not_read_goes_on_where_it_was_given_up() -> None:
    ended: list[Ended] = []

    async def main() -> None:
        async with exchange(on_ended=ended.append) as office:
            client = FakePeer(WEBSOCKET)
            await take(office, client)
            client.say(user_says("one"))
            client.buffered_bytes = MAX_BUFFERED_BYTES + 1
            client.say({"type": "response.create"})
            await asyncio.sleep(1)

    run(main())
    assert ended[0].reason == "stalled"
    assert [item.status for item in ended[0].past.conversation] == ["completed"]


def test_an_asset_that_is_gone_meanwhile_is_named() -> None:
    ended: list[Ended] = []

    async def main() -> None:
        async with exchange(on_ended=ended.append) as office:
            await talk_until_cut(office, ended)
            past = ended[0].past
            past = dataclasses.replace(
                past, config=dataclasses.replace(past.config, face_id="face_deleted")
            )
            shown = dataclasses.replace(opening(2), past=past)
            with pytest.raises(ProtocolError) as caught:
                office.supervisor.check(shown)
            assert (caught.value.code, caught.value.param) == ("face_not_found", "session.face")

    run(main())


def test_nobody_takes_the_place_of_a_call_that_is_none() -> None:
    async def main() -> None:
        async with exchange() as office:
            assert office.supervisor.replace("call_none") is None

    run(main())


def test_a_shutdown_leaves_nothing() -> None:
    ended: list[Ended] = []

    async def main() -> None:
        async with exchange(on_ended=ended.append) as office:
            await take(office, FakePeer())

    run(main())
    assert ended[0].past is None
