"""What clients are told that draw the face themselves."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
import pytest

from rtav.engines.base import Expression, Moment
from rtav.testing.calls import ScriptedEngines, exchange
from rtav.testing.engines import ScriptedLlm
from rtav.testing.face import ScriptedActor, ScriptedAvatar
from rtav.testing.peer import WEBRTC, WEBSOCKET, FakePeer
from rtav.testing.virtual import run

BOTH = ["avatar.blendshapes", "avatar.visemes"]


def ask(peer: FakePeer) -> None:
    content = [{"type": "input_text", "text": "hello"}]
    item = {"type": "message", "role": "user", "content": content}
    peer.say({"type": "conversation.item.create", "item": item})
    peer.say({"type": "response.create"})


def answered(
    session: dict[str, Any],
    *,
    peer: FakePeer | None = None,
    engines: ScriptedEngines | None = None,
    words: str = "Papa.",
) -> FakePeer:
    """A call that is answered after half a second, and lasts for two more."""
    client = peer or FakePeer()
    scripted = engines or ScriptedEngines(llm=ScriptedLlm(words))

    async def main() -> None:
        async with exchange(scripted) as office:
            office.take(client, session=session)
            await asyncio.sleep(0)
            client.open()
            await asyncio.sleep(0.5)
            ask(client)
            await asyncio.sleep(2)
            client.vanish()

    run(main())
    return client


@pytest.mark.parametrize("media", [WEBRTC, WEBSOCKET])
def test_visemes_come_with_their_place_in_the_answers_sound(media: Any) -> None:
    peer = answered({"include": ["avatar.visemes"]}, peer=FakePeer(media))

    told = peer.got("avatar.visemes")
    response = peer.got("response.created")[0]["response"]["id"]
    item = peer.got("response.output_item.added")[0]["item"]["id"]
    assert {(event["response_id"], event["item_id"]) for event in told} == {(response, item)}
    shapes = [shape for event in told for shape in event["visemes"]]
    assert [shape["viseme"] for shape in shapes] == ["PP", "aa", "PP", "aa", "DD"]
    starts = [shape["start_ms"] for shape in shapes]
    assert starts == sorted(starts)
    assert starts[0] == 0
    assert all(shape["start_ms"] < shape["end_ms"] for shape in shapes)
    assert peer.got("avatar.blendshapes") == []


def test_visemes_come_before_their_sound_begins() -> None:
    peer = answered({"include": ["avatar.visemes"]})

    types = peer.types
    assert types.index("response.content_part.added") < types.index("avatar.visemes")
    assert types.index("avatar.visemes") < types.index("output_audio_buffer.started")


@pytest.mark.parametrize("media", [WEBRTC, WEBSOCKET])
def test_poses_come_at_the_pictures_rate_without_a_gap(media: Any) -> None:
    peer = answered({"include": ["avatar.blendshapes"], "target_fps": 30}, peer=FakePeer(media))

    told = peer.got("avatar.blendshapes")
    assert {event["fps"] for event in told} == {30}
    assert max(len(event["frames"]) for event in told) == 3
    at_ms = [event["at_ms"] + i * 1000 / 30 for event in told for i in range(len(event["frames"]))]
    steps = np.diff(at_ms)
    assert np.allclose(steps[steps > 0], 1000 / 30, atol=1.01)
    assert list(steps[steps <= 0].round()) == [-34]  # where the sound begins, which nobody foresaw
    yaws = [frame["head"][0] for event in told for frame in event["frames"]]
    assert np.allclose(np.array(yaws) * 1000, at_ms, atol=1.01)


def test_poses_say_which_sound_they_belong_to() -> None:
    peer = answered({"include": BOTH})

    said = [event for event in peer.got("avatar.blendshapes") if event["item_id"] is not None]
    silent = [event for event in peer.got("avatar.blendshapes") if event["item_id"] is None]
    item = peer.got("response.output_item.added")[0]["item"]["id"]
    assert {event["item_id"] for event in said} == {item}
    assert said[0]["audio_start_ms"] < 40
    assert {event["audio_start_ms"] for event in silent} == {None}
    begins_ms = round(peer.times[peer.types.index("output_audio_buffer.started")] * 1000)
    assert {event["at_ms"] - event["audio_start_ms"] for event in said} <= {
        begins_ms - 1,
        begins_ms,
        begins_ms + 1,
    }
    open_ = [frame for event in said for frame in event["frames"] if frame["blendshapes"]]
    assert {name for frame in open_ for name in frame["blendshapes"]} == {"jawOpen"}
    assert all(not frame["blendshapes"] for event in silent for frame in event["frames"])


def test_an_event_comes_when_its_first_pose_is_due() -> None:
    peer = answered({"include": ["avatar.blendshapes"]})

    late_ms = [
        time * 1000 - event["at_ms"]
        for time, event in zip(peer.times, peer.events, strict=True)
        if event["type"] == "avatar.blendshapes"
    ]
    assert max(late_ms) <= 20
    assert min(late_ms) >= -100


def test_who_has_not_asked_is_told_nothing() -> None:
    engines = ScriptedEngines(llm=ScriptedLlm("Papa."))
    peer = answered({"include": ["avatar.mood"]}, engines=engines)

    assert peer.got("avatar.visemes") == peer.got("avatar.blendshapes") == []
    assert engines.avatar.actors == []


def test_without_a_picture_nothing_is_drawn() -> None:
    engines = ScriptedEngines(llm=ScriptedLlm("Papa."))
    session = {"include": BOTH, "modalities": ["audio", "text"]}

    peer = answered(session, peer=FakePeer(WEBSOCKET), engines=engines)

    assert len(peer.got("avatar.blendshapes")) > 20
    assert engines.avatar.opened == []


def test_poses_begin_and_end_when_a_client_says_so_and_keep_the_motion() -> None:
    engines, peer = ScriptedEngines(), FakePeer()

    async def main() -> None:
        async with exchange(engines) as office:
            office.take(peer)
            await asyncio.sleep(0)
            peer.open(label="realtime")
            peer.say({"type": "session.update", "session": {"driving": ["Wink", "default"]}})
            await asyncio.sleep(0.5)
            peer.say({"type": "session.update", "session": {"include": BOTH}})
            await asyncio.sleep(0.5)
            peer.say({"type": "session.update", "session": {"driving": "SmileTeeth"}})
            await asyncio.sleep(0.5)
            peer.say({"type": "session.update", "session": {"include": []}})
            await asyncio.sleep(0.5)
            peer.vanish()

    run(main())

    times = [event["at_ms"] for event in peer.got("avatar.blendshapes")]
    assert 480 <= times[0] <= 600
    assert 1400 <= times[-1] <= 1600
    assert [motions for motions, _ in engines.avatar.actors[0].drives] == [
        ("Wink", "default"),
        ("SmileTeeth",),
    ]


def test_a_pose_that_cannot_be_made_is_left_out(caplog: Any) -> None:
    class Moody(ScriptedActor):
        def express(self, moment: Moment) -> Expression:
            if moment.at == 24_000:
                raise ValueError("not now")
            return super().express(moment)

    class Engine(ScriptedAvatar):
        def act(self) -> ScriptedActor:
            return Moody()

    engines = ScriptedEngines(llm=ScriptedLlm("Papa."), avatar=Engine())
    peer = answered({"include": ["avatar.blendshapes"]}, engines=engines)

    told = peer.got("avatar.blendshapes")
    at = [round(event["at_ms"] + i * 40) for event in told for i in range(len(event["frames"]))]
    assert 1000 not in at
    assert {960, 1040} <= set(at)
    assert [r.getMessage() for r in caplog.records] == ["a pose cannot be made and is left out"]


def test_an_engine_without_poses_is_named_in_the_log(caplog: Any) -> None:
    class Mute(ScriptedAvatar):
        act = None  # type: ignore[assignment]

    peer = answered({"include": BOTH}, engines=ScriptedEngines(avatar=Mute()))

    assert peer.got("avatar.blendshapes") == []
    assert "cannot say how a face moves" in caplog.text
