from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import numpy as np

from rtav.engines.look import PLAIN, Look
from rtav.errors import EngineFailed
from rtav.media.pcm import SESSION_RATE_HZ
from rtav.runtime.call import Call
from rtav.runtime.fitting import FaceSettings
from rtav.testing.calls import RULES, ScriptedEngines, exchange
from rtav.testing.engines import ScriptedLlm
from rtav.testing.face import ScriptedAvatar, ScriptedFace
from rtav.testing.peer import FakePeer
from rtav.testing.virtual import run


def ask(peer: FakePeer) -> None:
    content = [{"type": "input_text", "text": "hello"}]
    item = {"type": "message", "role": "user", "content": content}
    peer.say({"type": "conversation.item.create", "item": item})
    peer.say({"type": "response.create"})


def update(**session: Any) -> dict[str, Any]:
    return {"type": "session.update", "session": {"type": "realtime"} | session}


def frame_times(peer: FakePeer) -> list[float]:
    return [sent.rtp_time / 90_000 for sent in peer.video.sent]


def test_frames_follow_the_clock_of_the_voice_from_the_first_tick() -> None:
    peer = FakePeer()

    async def main() -> None:
        async with exchange() as office:
            office.take(peer)
            await asyncio.sleep(0)
            peer.open()
            await asyncio.sleep(1)
            peer.vanish()

    run(main())

    assert [sent.rtp_time for sent in peer.audio.sent] == [960 * tick for tick in range(51)]
    assert np.allclose(frame_times(peer), np.arange(26) * 0.04)


def test_the_face_listens_thinks_and_speaks(voices) -> None:
    engines = ScriptedEngines(llm=ScriptedLlm([0.6, "Hello to you."]))
    peer = FakePeer()

    async def main() -> None:
        async with exchange(engines) as office:
            office.take(peer)
            await asyncio.sleep(0)
            peer.open()
            await peer.hear_silence(0.3)
            await peer.hear(voices.tone(1.0))
            await peer.hear_silence(2.5)
            peer.vanish()

    run(main())

    moods = [moment.mood for moment in engines.avatar.opened[0].moments]
    changes = [mood for index, mood in enumerate(moods) if index == 0 or moods[index - 1] != mood]
    assert changes == ["idle", "listening", "thinking", "speaking", "idle"]


def test_the_mouth_moves_with_the_voice_that_is_heard(voices) -> None:
    engines = ScriptedEngines(llm=ScriptedLlm("Papa."))
    peer = FakePeer()

    async def main() -> None:
        async with exchange(engines) as office:
            office.take(peer)
            await asyncio.sleep(0)
            peer.open()
            await asyncio.sleep(0.5)
            ask(peer)
            await asyncio.sleep(2)
            peer.vanish()

    run(main())

    begins_s = peer.times[peer.types.index("output_audio_buffer.started")]
    speaking = [m for m in engines.avatar.opened[0].moments if m.speech_at is not None]
    # the clock of the call and the position in the track run in step, from the first sample on
    assert {m.at - m.speech_at for m in speaking} == {round(begins_s * SESSION_RATE_HZ)}
    assert speaking[0].speech_at <= 960
    assert speaking[-1].speech_at >= 6_000 - 960
    assert [shape.name for shape in speaking[0].visemes] == ["PP", "aa", "PP", "aa", "DD"]


def test_a_sequence_of_motions_reaches_the_face_with_the_time_it_begins() -> None:
    engines, peer = ScriptedEngines(), FakePeer()

    async def main() -> None:
        async with exchange(engines) as office:
            office.take(peer)
            await asyncio.sleep(0)
            peer.open()
            await asyncio.sleep(1)
            peer.say(update(driving=["Wink", "SmileTeeth", "default"]))
            await asyncio.sleep(0.1)
            peer.vanish()

    run(main())

    assert engines.avatar.opened[0].drives[-1] == (
        ("Wink", "SmileTeeth", "default"),
        51 * 480,
    )


def test_a_cue_of_the_model_moves_the_face() -> None:
    engines = ScriptedEngines(llm=ScriptedLlm("Sure [wink] thing."))
    peer = FakePeer()

    async def main() -> None:
        async with exchange(engines) as office:
            office.take(peer)
            await asyncio.sleep(0)
            peer.open()
            ask(peer)
            await peer.wait_for("response.done")
            peer.vanish()

    run(main())

    assert engines.avatar.opened[0].drives[-1][0] == ("Wink", "default")
    deltas = [event["delta"] for event in peer.got("response.output_audio_transcript.delta")]
    assert "".join(deltas) == "Sure thing."


def test_another_face_keeps_the_motion_and_begins_with_a_key_frame() -> None:
    engines, peer = ScriptedEngines(), FakePeer()

    async def main() -> int:
        async with exchange(engines) as office:
            office.take(peer)
            await asyncio.sleep(0)
            peer.open()
            peer.say(update(driving=["Wink", "default"]))
            await asyncio.sleep(0.5)
            before = len(peer.video.sent)
            peer.say(update(face="face2"))
            await asyncio.sleep(0.5)
            peer.vanish()
            return before

    before = run(main())

    first, second = engines.avatar.opened
    assert (first.face, second.face) == ("default", "face2")
    assert second.drives[0] == first.drives[-1]
    assert len(peer.video.sent) > before
    assert set(np.diff(frame_times(peer)).round(3)) == {0.04}


def test_another_rate_holds_from_the_next_frame_on() -> None:
    peer = FakePeer()

    async def main() -> None:
        async with exchange() as office:
            office.take(peer)
            await asyncio.sleep(0)
            peer.open()
            await asyncio.sleep(1)
            peer.say(update(target_fps=10))
            await asyncio.sleep(1)
            peer.vanish()

    run(main())

    steps = np.diff(frame_times(peer)).round(3)
    assert set(steps[:20]) == {0.04}
    assert set(steps[-8:]) == {0.1}


def test_a_client_that_asks_gets_a_key_frame() -> None:
    peer = FakePeer()

    async def main() -> None:
        async with exchange() as office:
            office.take(peer)
            await asyncio.sleep(0)
            peer.open()
            await asyncio.sleep(1)
            peer.limit_bitrate(200_000)
            peer.ask_keyframe()
            await asyncio.sleep(1)
            peer.vanish()

    run(main())

    sizes = [sum(len(payload) for payload in sent.payloads) for sent in peer.video.sent]
    usual = np.median(sizes)
    assert sum(size > 3 * usual for size in sizes[:20]) == 1
    assert sum(size > 3 * usual for size in sizes[20:]) == 1


def test_late_frames_are_left_out_and_the_voice_is_not_delayed() -> None:
    peer = FakePeer()

    async def main() -> None:
        async with exchange() as office:
            office.take(peer)
            await asyncio.sleep(0)
            peer.open()
            await asyncio.sleep(0.5)
            office.render.holds = True
            await asyncio.sleep(0.5)
            office.render.release()
            await asyncio.sleep(0.5)
            peer.vanish()

    run(main())

    assert len(peer.audio.sent) == 76
    assert set(np.diff([sent.at_s for sent in peer.audio.sent]).round(3)) == {0.02}
    gaps = np.diff(frame_times(peer)).round(3)
    assert sorted(gaps)[-2:] == [0.04, 0.48]
    assert all(sent.at_s - sent.rtp_time / 90_000 < 0.04 for sent in peer.video.sent)


def test_a_frame_that_fails_is_left_out_and_the_next_one_is_drawn(caplog) -> None:
    class Moody(ScriptedAvatar):
        def open(
            self, face: str, *, size_px: int, fps: int, seed: int | None, look: Look = PLAIN
        ) -> ScriptedFace:
            opened = super().open(face, size_px=size_px, fps=fps, seed=seed, look=look)
            draw = opened.render

            def render(moment: Any) -> Any:
                if len(opened.moments) == 5:
                    opened.moments.append(moment)
                    raise EngineFailed("moody", "not now")
                return draw(moment)

            opened.render = render  # type: ignore[method-assign]
            return opened

    peer = FakePeer()

    async def main() -> None:
        async with exchange(ScriptedEngines(avatar=Moody())) as office:
            office.take(peer)
            await asyncio.sleep(0)
            peer.open()
            await asyncio.sleep(1)
            peer.vanish()

    run(main())

    assert sorted(np.diff(frame_times(peer)).round(3))[-2:] == [0.04, 0.08]
    assert [record.levelname for record in caplog.records] == ["WARNING"]


def test_a_session_says_of_its_picture_what_comes_out() -> None:
    peer = FakePeer()
    rules = replace(RULES, face=FaceSettings(size_px=512, fps=30, bitrate=800_000))

    async def main() -> Call:
        async with exchange(rules=rules) as office:
            call = office.take(peer)
            await asyncio.sleep(0)
            peer.open()
            peer.say(update(target_fps=60, upsample_factor=2))
            await peer.wait_for("session.updated")
            peer.vanish()
        return call

    call = run(main())

    shown = ("video_codec", "target_fps", "upsample_factor")
    created = peer.got("session.created")[0]["session"]
    updated = peer.got("session.updated")[0]["session"]
    assert [created[name] for name in shown] == ["h264", 30.0, 1.0]
    assert [updated[name] for name in shown] == ["h264", 30.0, 1.875]
    assert call.shown() == updated
