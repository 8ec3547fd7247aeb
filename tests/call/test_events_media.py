"""Whole calls of clients whose media are events."""

from __future__ import annotations

import asyncio
import base64
import dataclasses
from typing import Any

import numpy as np
import pytest

from rtav.media.pcm import SESSION_RATE_HZ, Pcm
from rtav.media.telephone import AudioEncoder, decode_audio
from rtav.testing.calls import ScriptedEngines, exchange
from rtav.testing.engines import ScriptedLlm, ScriptedStt
from rtav.testing.lifecycle import LifeCycle
from rtav.testing.oracle import problems
from rtav.testing.peer import WEBSOCKET, FakePeer
from rtav.testing.virtual import run


def faults(peer: FakePeer) -> list[str]:
    life = LifeCycle()
    found = [problem for event in peer.events for problem in problems(event)]
    for event in peer.events:
        life.feed(event)
    return found + life.finish()


def sound(peer: FakePeer, kind: Any = "audio/pcm") -> Pcm:
    deltas = peer.got("response.output_audio.delta")
    return decode_audio(kind, b"".join(base64.b64decode(event["delta"]) for event in deltas))


def encoded(pcm: Pcm) -> str:
    return base64.b64encode(pcm.astype("<i2").tobytes()).decode()


async def append(peer: FakePeer, pcm: Pcm) -> None:
    """In real time, 100 ms an event."""
    for start in range(0, pcm.size, 2_400):
        peer.say(
            {"type": "input_audio_buffer.append", "audio": encoded(pcm[start : start + 2_400])}
        )
        await asyncio.sleep(0.1)


def quiet(seconds: float) -> Pcm:
    return np.zeros(round(seconds * SESSION_RATE_HZ), np.int16)


NO_DETECTION = {"type": "realtime", "audio": {"input": {"turn_detection": None}}}


def test_appended_speech_is_a_turn_that_is_answered(voices) -> None:
    peer = FakePeer(WEBSOCKET)
    engines = ScriptedEngines(stt=ScriptedStt("what time is it"))

    async def main() -> None:
        async with exchange(engines) as office:
            office.take(peer, dialect="rtav")
            await asyncio.sleep(0)
            peer.open(label="")
            await append(peer, np.concatenate((quiet(0.5), voices.tone(1.0), quiet(1.0))))
            await peer.wait_for("response.done")
            peer.vanish()

    run(main())

    assert faults(peer) == []
    assert 100 <= peer.got("input_audio_buffer.speech_started")[0]["audio_start_ms"] <= 300
    kind = "conversation.item.input_audio_transcription.completed"
    assert peer.got(kind)[0]["transcript"] == "what time is it"
    assert peer.got("response.done")[0]["response"]["status"] == "completed"


@pytest.mark.parametrize("kind", ["audio/pcmu", "audio/pcma"])
def test_the_button_works_on_the_telephone(voices, kind) -> None:
    peer = FakePeer(WEBSOCKET)
    engines = ScriptedEngines(stt=ScriptedStt("hello"))
    formats = {"input": {"turn_detection": None, "format": {"type": kind}}}

    async def main() -> None:
        async with exchange(engines) as office:
            office.take(peer, {"type": "realtime", "audio": formats})
            await asyncio.sleep(0)
            peer.open(label="")
            data = AudioEncoder(kind).encode(voices.tone(0.8))
            audio = base64.b64encode(data).decode()
            peer.say({"type": "input_audio_buffer.append", "audio": audio})
            peer.say({"type": "input_audio_buffer.commit"})
            peer.say({"type": "response.create"})
            await peer.wait_for("response.done")
            peer.vanish()

    run(main())

    assert faults(peer) == []
    assert engines.llm.requests[0].messages[0].text == "hello"
    # recognition begins with the voice, and nothing is lost at its end
    assert abs(engines.stt.heard[0] - 0.8 * 16_000) < 100


def test_a_tenth_of_a_second_can_be_committed_and_less_cannot() -> None:
    peer = FakePeer(WEBSOCKET)

    async def main() -> None:
        async with exchange() as office:
            office.take(peer, NO_DETECTION)
            await asyncio.sleep(0)
            peer.open(label="")
            for samples in (2_399, 1):
                audio = encoded(quiet(samples / SESSION_RATE_HZ))
                peer.say({"type": "input_audio_buffer.append", "audio": audio})
                peer.say({"type": "input_audio_buffer.commit"})
            await peer.wait_for("input_audio_buffer.committed")
            await asyncio.sleep(1)
            peer.vanish()

    run(main())

    error = peer.got("error")[0]["error"]
    assert error["code"] == "input_audio_buffer_commit_empty"
    assert "only has 99.00ms" in error["message"]
    assert len(peer.got("input_audio_buffer.committed")) == 1


@pytest.mark.parametrize("audio", ["no base64!", "AAA", "AA=="])
def test_what_is_no_audio_is_refused_by_name(audio) -> None:
    peer = FakePeer(WEBSOCKET)

    async def main() -> None:
        async with exchange() as office:
            office.take(peer)
            await asyncio.sleep(0)
            peer.open(label="")
            event = {"type": "input_audio_buffer.append", "event_id": "mine", "audio": audio}
            peer.say(event)
            await peer.wait_for("error")
            peer.vanish()

    run(main())

    error = peer.got("error")[0]["error"]
    expected = ("mine", "invalid_value", "audio")
    assert (error["event_id"], error["code"], error["param"]) == expected


def test_a_whole_recording_is_heard_in_order_and_events_behind_it_wait(voices) -> None:
    peer = FakePeer(WEBSOCKET)
    engines = ScriptedEngines(stt=ScriptedStt("hello"))

    async def main() -> None:
        async with exchange(engines) as office:
            office.take(peer, NO_DETECTION)
            await asyncio.sleep(0)
            peer.open(label="")
            half = encoded(voices.tone(20.0))
            for _ in range(2):
                peer.say({"type": "input_audio_buffer.append", "audio": half})
            peer.say({"type": "input_audio_buffer.commit"})
            peer.say({"type": "session.update", "session": {"type": "realtime"}})
            assert peer.types == ["session.created"], "nothing overtakes the sound"
            await peer.wait_for("session.updated")
            await asyncio.sleep(1)
            peer.vanish()

    run(main())

    assert peer.types[1] == "input_audio_buffer.committed"
    assert abs(engines.stt.heard[0] - 40 * 16_000) < 100


def test_more_sound_than_can_be_heard_is_refused(voices) -> None:
    peer = FakePeer(WEBSOCKET)

    async def main() -> None:
        async with exchange() as office:
            office.take(peer)
            await asyncio.sleep(0)
            peer.open(label="")
            audio = encoded(quiet(300))
            for _ in range(3):
                peer.say({"type": "input_audio_buffer.append", "audio": audio})
            await peer.wait_for("error")
            peer.vanish()

    run(main())

    assert [event["error"]["code"] for event in peer.got("error")] == ["rate_limit_exceeded"]


def test_the_button_works_with_a_microphone_by_rtp(voices) -> None:
    peer = FakePeer()
    engines = ScriptedEngines(stt=ScriptedStt("hello"))

    async def main() -> None:
        async with exchange(engines) as office:
            office.take(peer, NO_DETECTION)
            await asyncio.sleep(0)
            peer.open()
            await peer.hear_silence(2.0)
            peer.say({"type": "input_audio_buffer.clear"})
            await peer.hear(voices.tone(0.8))
            peer.say({"type": "input_audio_buffer.commit"})
            peer.say({"type": "response.create"})
            await peer.hear_silence(1.0)
            await peer.wait_for("response.done")
            peer.vanish()

    run(main())

    assert faults(peer) == []
    assert engines.llm.requests[0].messages[0].text == "hello"
    # some 150 ms before the voice and behind the commit
    assert 0.8 * 16_000 <= engines.stt.heard[0] <= 1.3 * 16_000
    assert not peer.got("input_audio_buffer.speech_started")


def test_a_reply_is_sent_as_fast_as_it_is_made(voices) -> None:
    peer = FakePeer(WEBSOCKET)

    async def main() -> None:
        async with exchange(ScriptedEngines(llm=ScriptedLlm("This is quite a long reply."))) as of:
            of.take(peer, dialect="openai")
            await asyncio.sleep(0)
            peer.open(label="")
            peer.say({"type": "response.create"})
            await peer.wait_for("response.done")
            peer.vanish()

    run(main())

    assert faults(peer) == []
    assert sound(peer).size > SESSION_RATE_HZ
    assert peer.times[-1] < 0.1, "far less than it takes to say"
    assert voices.pitches_of(sound(peer), rate_hz=SESSION_RATE_HZ) == {400}
    assert not [kind for kind in peer.types if kind.startswith("output_audio_buffer")]


@pytest.mark.parametrize("kind", ["audio/pcmu", "audio/pcma"])
def test_a_client_that_speaks_telephone_gets_g711(voices, kind) -> None:
    peer = FakePeer(WEBSOCKET)
    session = {"type": "realtime", "audio": {"output": {"format": {"type": kind}}}}

    async def main() -> None:
        async with exchange(ScriptedEngines(llm=ScriptedLlm("Hello on the telephone."))) as office:
            office.take(peer, session)
            await asyncio.sleep(0)
            peer.open(label="")
            peer.say({"type": "response.create"})
            await peer.wait_for("response.done")
            peer.vanish()

    run(main())

    assert faults(peer) == []
    assert voices.pitches_of(sound(peer, kind), rate_hz=8_000) == {400}


def test_a_beta_client_hears_of_response_audio() -> None:
    peer = FakePeer(WEBSOCKET)

    async def main() -> None:
        async with exchange() as office:
            office.take(peer, dialect="beta")
            await asyncio.sleep(0)
            peer.open(label="")
            peer.say({"type": "response.create"})
            await peer.wait_for("response.done")
            peer.vanish()

    run(main())

    assert base64.b64decode(peer.got("response.audio.delta")[0]["delta"])
    assert not peer.got("response.output_audio.delta")


def answered(
    peer: FakePeer, session: dict[str, Any] | None = None, *, dialect: str = "rtav"
) -> ScriptedEngines:
    """One reply of 3 s, to its end."""
    engines = ScriptedEngines(
        llm=ScriptedLlm("This is quite a long reply, you see, and it goes on.")
    )

    async def main() -> None:
        async with exchange(engines) as office:
            office.take(peer, session, dialect=dialect)
            await asyncio.sleep(0)
            peer.open(label="")
            peer.say({"type": "response.create"})
            await peer.wait_for("response.done")
            await asyncio.sleep(0.5)
            peer.vanish()

    run(main())
    return engines


def test_pictures_keep_real_time_and_come_before_the_end(voices) -> None:
    peer = FakePeer(WEBSOCKET)

    answered(peer)

    assert faults(peer) == []
    frames = peer.got("response.output_image.delta")
    seconds = sound(peer).size / SESSION_RATE_HZ
    assert abs(len(frames) - seconds * 10) <= 2
    assert [frame["frame_index"] for frame in frames] == list(range(len(frames)))
    assert peer.got("response.output_image.done")[0]["total_frames"] == len(frames)
    assert all(base64.b64decode(frame["delta"]).startswith(b"\xff\xd8") for frame in frames)
    assert (frames[0]["width"], frames[0]["height"]) == (128, 128)
    kinds = dict(zip(peer.types, peer.times, strict=True))
    assert kinds["response.done"] >= seconds - 0.05
    assert peer.types[-1] == "response.done", "nothing is drawn once nobody speaks"
    first = peer.times[peer.types.index("response.output_audio.delta")]
    early = [
        at
        for at, kind in zip(peer.times, peer.types, strict=True)
        if kind == "response.output_audio.delta" and at <= first + 0.05
    ]
    assert len(early) <= 11, "the sound is a second ahead of its pictures, not more"


@pytest.mark.parametrize(
    ("session", "dialect"),
    [
        ({}, "openai"),
        ({"modalities": ["audio", "text"]}, "rtav"),
        ({"output_modalities": ["text"]}, "rtav"),
    ],
)
def test_nothing_is_drawn_for_who_wants_no_pictures(session, dialect) -> None:
    peer = FakePeer(WEBSOCKET)

    engines = answered(peer, session, dialect=dialect)

    assert engines.avatar.opened == []
    assert not [kind for kind in peer.types if "image" in kind]


def test_a_data_channel_carries_pictures_that_fit_where_they_are_wanted() -> None:
    media = dataclasses.replace(WEBSOCKET, transport="webrtc", max_message_bytes=16_000)
    peer = FakePeer(media)

    answered(peer, {"modalities": ["audio", "text", "image"]})

    assert faults(peer) == []
    assert len(peer.got("response.output_image.delta")) > 10


def test_a_picture_that_does_not_fit_at_all_is_left_out() -> None:
    media = dataclasses.replace(WEBSOCKET, transport="webrtc", max_message_bytes=8_000)
    peer = FakePeer(media)

    answered(peer, {"modalities": ["audio", "text", "image"], "upsample_factor": 2.0})

    frames = peer.got("response.output_image.delta")
    assert all(len(frame["delta"]) < 8_000 for frame in frames)
    assert peer.got("response.output_image.done")[0]["total_frames"] == len(frames)


def test_no_picture_waits_behind_another() -> None:
    peer = FakePeer(WEBSOCKET)
    peer.buffered_bytes = 20_000

    answered(peer)

    assert peer.got("response.output_image.delta") == []
    assert peer.got("response.output_image.done")[0]["total_frames"] == 0


def test_beta_clients_get_pictures_by_their_older_name() -> None:
    peer = FakePeer(WEBSOCKET)

    answered(peer, {"modalities": ["audio", "text", "image"]}, dialect="beta")

    assert peer.got("response.image.delta")
    assert peer.got("response.image.done")
