"""However a call ends, everything it made ends with it, and nothing else does."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from rtav.engines.look import PLAIN, Look
from rtav.errors import AtCapacity, EngineFailed
from rtav.runtime.call import Call
from rtav.runtime.events import MAX_BUFFERED_BYTES
from rtav.testing.calls import RULES, Exchange, ScriptedEngines, exchange, opening
from rtav.testing.engines import HANG, ScriptedLlm, ScriptedStt, ScriptedTts
from rtav.testing.face import ScriptedAvatar, ScriptedFace
from rtav.testing.peer import WEBRTC, FakePeer
from rtav.testing.virtual import run

LONG = "This is an answer that goes on for quite some time, as answers tend to do, I am afraid."


def user_says(text: str) -> dict[str, Any]:
    content = [{"type": "input_text", "text": text}]
    return {
        "type": "conversation.item.create",
        "item": {"type": "message", "role": "user", "content": content},
    }


def ask(peer: FakePeer, text: str = "hello") -> None:
    peer.say(user_says(text))
    peer.say({"type": "response.create"})


@dataclass(frozen=True, kw_only=True)
class Stage:
    """A moment in the life of a call."""

    at_s: float | None
    """Since the caller began to speak; None: he has not connected yet."""
    make: Callable[[], ScriptedEngines] = ScriptedEngines
    is_there: Callable[[FakePeer, ScriptedEngines], bool]


def _is_answered(peer: FakePeer, engines: ScriptedEngines, *, aloud: bool) -> bool:
    is_shown_speaking = engines.avatar.opened[-1].moments[-1].speech_at is not None
    started = "output_audio_buffer.started" in peer.types
    return started and "response.done" not in peer.types and is_shown_speaking is aloud


STAGES = {
    "before the handshake": Stage(at_s=None, is_there=lambda peer, _: not peer.events),
    "at the greeting": Stage(
        at_s=0.001, is_there=lambda peer, _: peer.types == ["session.created"]
    ),
    "while the caller speaks": Stage(
        at_s=0.5, is_there=lambda peer, _: peer.types[-1] == "input_audio_buffer.speech_started"
    ),
    "while the caller is recognised": Stage(
        at_s=1.6,
        make=lambda: ScriptedEngines(stt=ScriptedStt("hello", final_delay_s=HANG)),
        is_there=lambda peer, engines: (
            peer.types[-1] == "response.created" and not engines.llm.requests
        ),
    ),
    "while the model thinks": Stage(
        at_s=1.6,
        make=lambda: ScriptedEngines(llm=ScriptedLlm([HANG])),
        is_there=lambda _, engines: len(engines.llm.requests) == 1 and not engines.tts.spoken,
    ),
    "while the model writes": Stage(
        at_s=1.6,
        make=lambda: ScriptedEngines(llm=ScriptedLlm(["One. ", HANG])),
        is_there=lambda _, engines: engines.tts.spoken == ["One. "] and not engines.llm.ended,
    ),
    "while the voice is made": Stage(
        at_s=1.6,
        make=lambda: ScriptedEngines(tts=ScriptedTts(delay_s=1.0)),
        is_there=lambda _, engines: len(engines.tts.spoken) == 1 and not engines.tts.ended,
    ),
    "while the answer is played": Stage(
        at_s=2.4,
        make=lambda: ScriptedEngines(llm=ScriptedLlm(LONG)),
        is_there=lambda peer, engines: _is_answered(peer, engines, aloud=True),
    ),
    "while the answer is held": Stage(
        at_s=2.75,
        make=lambda: ScriptedEngines(llm=ScriptedLlm(LONG)),
        is_there=lambda peer, engines: _is_answered(peer, engines, aloud=False),
    ),
    "after the answer": Stage(
        at_s=2.4, is_there=lambda peer, _: peer.types[-1] == "output_audio_buffer.stopped"
    ),
}


@pytest.mark.parametrize("ended_by", ["client", "operator", "shutdown"])
@pytest.mark.parametrize("stage", STAGES)
def test_a_call_that_ends_leaves_nothing_behind(voices, remains, stage: str, ended_by: str) -> None:
    moment = STAGES[stage]
    engines, peer = moment.make(), FakePeer()

    async def talk() -> None:
        await peer.hear(voices.tone(1.0))
        await peer.hear_silence(1.5)
        await peer.hear(voices.tone(0.3))

    async def live(call: Call) -> None:
        await asyncio.sleep(0)
        if moment.at_s is not None:
            peer.open()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(moment.at_s):
                    await talk()
        assert moment.is_there(peer, engines)
        if ended_by == "client":
            peer.vanish()
        elif ended_by == "operator":
            call.hang_up("hangup")

    async def main() -> tuple[dict[str, Any], str]:
        loop = asyncio.get_running_loop()
        async with exchange(engines) as office:
            call = office.take(peer)
            await live(call)
            ended_at = loop.time()
            if ended_by != "shutdown":
                await asyncio.sleep(0.01)
                assert office.supervisor.calls == 0
        assert loop.time() - ended_at < 0.1
        sent = len(peer.audio.sent), len(peer.video.sent), len(peer.events)
        await asyncio.sleep(60)
        assert sent == (len(peer.audio.sent), len(peer.video.sent), len(peer.events))
        return remains.of(office.supervisor, call, engines), call.reason

    left, reason = run(main())

    assert left == {}
    expected = {"client": "no packet for 5 s", "operator": "hangup", "shutdown": "shutdown"}
    assert reason == expected[ended_by]
    assert peer.gone == expected[ended_by]


def test_one_call_that_ends_leaves_the_others_alone() -> None:
    first, second = FakePeer(), FakePeer()

    async def main() -> None:
        async with exchange() as office:
            office.take(first)
            office.take(second)
            await asyncio.sleep(0)
            first.open()
            second.open()
            ask(first)
            ask(second)
            await asyncio.sleep(0.1)
            first.vanish()
            await second.wait_for("response.done")
            second.vanish()

    run(main())

    assert second.got("response.done")[0]["response"]["status"] == "completed"


def test_the_first_reason_for_an_end_counts() -> None:
    peer = FakePeer()

    async def main() -> str:
        async with exchange() as office:
            call = office.take(peer)
            await asyncio.sleep(0)
            peer.open()
            call.hang_up("hangup")
            call.hang_up("shutdown")
            peer.vanish()
            await asyncio.sleep(0.1)
            return call.reason

    assert run(main()) == "hangup"


def test_a_call_that_is_over_is_not_found_any_more() -> None:
    peer = FakePeer()

    async def main() -> None:
        async with exchange() as office:
            call = office.take(peer)
            await asyncio.sleep(0)
            assert office.supervisor.find("call_1") is call
            assert office.supervisor.find("call_2") is None
            call.hang_up("hangup")
            assert office.supervisor.find("call_1") is None

    run(main())


def test_no_call_begins_while_the_server_stops() -> None:
    peer = FakePeer()

    async def main() -> Exchange:
        async with exchange() as office:
            office.supervisor.admit()
        return office

    office = run(main())

    with pytest.raises(AtCapacity):
        office.supervisor.admit()
    with pytest.raises(AtCapacity):
        office.supervisor.open(peer, opening(1))


def test_calls_say_goodbye_also_when_the_server_is_stopped_by_an_error() -> None:
    peer = FakePeer()

    async def main() -> None:
        async with exchange() as office:
            office.take(peer)
            await asyncio.sleep(0)
            peer.open()
            raise OSError("the port is gone")

    with pytest.raises(OSError, match="the port is gone"):
        run(main())
    assert peer.gone == "shutdown"


def test_a_session_expires_with_notice() -> None:
    peer = FakePeer()

    async def main() -> float:
        async with exchange(rules=dataclasses.replace(RULES, call_s=30.0)) as office:
            call = office.take(peer)
            await asyncio.sleep(0)
            peer.open()
            await asyncio.sleep(31)
            assert call.reason == "expired"
            assert office.supervisor.calls == 0
            return peer.times[-1]

    assert run(main()) == 30.0
    assert peer.types == ["session.created", "error"]
    assert peer.events[-1]["error"]["code"] == "session_expired"


def test_a_client_that_does_not_read_its_events_is_hung_up_on() -> None:
    peer = FakePeer()

    async def main() -> str:
        async with exchange() as office:
            call = office.take(peer)
            await asyncio.sleep(0)
            peer.open()
            peer.buffered_bytes = MAX_BUFFERED_BYTES + 1
            ask(peer)
            await asyncio.sleep(0.1)
            return call.reason

    assert run(main()) == "stalled"
    assert peer.types == ["session.created"]


# --- engines that fail ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("engines", "code"),
    [
        (lambda: ScriptedEngines(llm=ScriptedLlm([HANG], "Better.")), "engine_timeout"),
        (
            lambda: ScriptedEngines(
                llm=ScriptedLlm(["One. ", EngineFailed("scripted-llm", "broke")], "Better.")
            ),
            "engine_failed",
        ),
        (
            lambda: ScriptedEngines(
                llm=ScriptedLlm("Worse.", "Better."),
                tts=ScriptedTts(failing={"Worse.": EngineFailed("scripted-tts", "broke")}),
            ),
            "engine_failed",
        ),
    ],
    ids=["model hangs", "model breaks", "voice breaks"],
)
def test_an_engine_that_fails_fails_its_reply_and_the_call_goes_on(
    remains, engines: Callable[[], ScriptedEngines], code: str
) -> None:
    engines_, peer = engines(), FakePeer()

    async def main() -> dict[str, Any]:
        async with exchange(engines_) as office:
            call = office.take(peer)
            await asyncio.sleep(0)
            peer.open()
            ask(peer)
            await peer.wait_for("response.done")
            ask(peer)
            await peer.wait_for("response.done", count=2)
            peer.vanish()
            await asyncio.sleep(0.1)
            left = remains.of(office.supervisor, call, engines_)
            left.pop("speeches", None)  # one that breaks at once was never begun
            return left

    assert run(main()) == {}
    first, second = (event["response"] for event in peer.got("response.done"))
    assert (first["status"], second["status"]) == ("failed", "completed")
    assert first["status_details"]["error"]["code"] == code


@pytest.mark.parametrize(
    "stt",
    [
        lambda: ScriptedStt(EngineFailed("scripted-stt", "broke"), "hello"),
        lambda: ScriptedStt("hello", final_delay_s=20.0),
    ],
    ids=["breaks", "hangs"],
)
def test_a_recogniser_that_fails_is_never_met_with_silence(
    voices, stt: Callable[[], ScriptedStt]
) -> None:
    engines, peer = ScriptedEngines(stt=stt()), FakePeer()
    session = {"audio": {"input": {"transcription": {"model": "default"}}}}

    async def main() -> None:
        async with exchange(engines) as office:
            call = office.take(peer, session)
            await asyncio.sleep(0)
            peer.open()
            await peer.hear(voices.tone(1.0))
            await peer.hear_silence(12.0)
            assert not call.reason
            ask(peer)
            await peer.wait_for("response.done", count=2)
            peer.vanish()

    run(main())

    assert len(peer.got("conversation.item.input_audio_transcription.failed")) == 1
    assert peer.got("response.done")[-1]["response"]["status"] == "completed"


# --- bugs ----------------------------------------------------------------------------------------


class Bug(Exception):
    """What nobody has foreseen."""


class BuggyLlm(ScriptedLlm):
    def reply(self, request: Any) -> Any:
        raise Bug("in a task")


class BuggyVad:
    frame_samples = 512
    capabilities = ScriptedLlm().capabilities

    def open(self) -> Any:
        class Ear:
            def push(self, pcm: Any) -> Any:
                raise Bug("in the clock")

        return Ear()


def _errors(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]


def _break_the_session(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    def handle(event: Any, now: float) -> Any:
        raise Bug("in the session")

    monkeypatch.setattr(call._session, "handle", handle)  # noqa: SLF001 - nothing breaks it else


BUGS: dict[str, Callable[[], ScriptedEngines]] = {
    "a task": lambda: ScriptedEngines(llm=BuggyLlm()),
    "the clock": lambda: ScriptedEngines(vad=BuggyVad()),  # type: ignore[arg-type]
    "a message": ScriptedEngines,
    "an alarm": ScriptedEngines,
}


@pytest.mark.parametrize("place", BUGS)
def test_a_bug_ends_its_own_call_only_and_is_logged_once(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    broken, sound = FakePeer(), FakePeer()

    async def main() -> Call:
        rules = dataclasses.replace(RULES, call_s=5.0)
        async with exchange(BUGS[place](), rules) as office:
            call = office.take(broken)
            await asyncio.sleep(1)
            office.take(sound)
            await asyncio.sleep(0)
            broken.open()
            await asyncio.sleep(1)
            sound.open()
            if place in ("a message", "an alarm"):
                _break_the_session(call, monkeypatch)
            if place in ("a task", "a message"):
                ask(broken)
            await broken.hear_silence(0.1)
            await asyncio.sleep(3.5 if place == "an alarm" else 0)
            assert office.supervisor.find("call_1") is None
            assert office.supervisor.find("call_2") is not None
            sound.vanish()
        return call

    call = run(main())

    assert call.reason == "failed"
    assert broken.gone == "failed"
    assert _errors(caplog) == ["the call failed"]


def test_a_face_that_cannot_be_drawn_costs_the_picture_not_the_call() -> None:
    class Blind(ScriptedAvatar):
        def open(
            self, face: str, *, size_px: int, fps: int, seed: int | None, look: Look = PLAIN
        ) -> ScriptedFace:
            raise Bug("no such picture")

    peer = FakePeer()

    async def main() -> None:
        async with exchange(ScriptedEngines(avatar=Blind())) as office:
            office.take(peer)
            await asyncio.sleep(0)
            peer.open()
            ask(peer)
            await peer.wait_for("response.done")
            peer.vanish()

    run(main())

    assert peer.got("response.done")[0]["response"]["status"] == "completed"
    assert peer.video.sent == []


# --- what a client cannot take -------------------------------------------------------------------


def test_an_event_that_a_client_cannot_take_is_answered_with_an_error(
    caplog: pytest.LogCaptureFixture,
) -> None:
    peer = FakePeer(dataclasses.replace(WEBRTC, max_message_bytes=4_096))
    secret = "This is nobody's business. " * 200

    async def main() -> None:
        async with exchange() as office:
            call = office.take(peer)
            await asyncio.sleep(0)
            peer.open()
            session = {"type": "realtime", "instructions": secret}
            peer.say({"type": "session.update", "session": session})
            ask(peer)
            await peer.wait_for("response.done")
            assert not call.reason
            peer.vanish()

    run(main())

    assert peer.types[:2] == ["session.created", "error"]
    error = peer.got("error")[0]["error"]
    assert (error["type"], error["code"]) == ("server_error", "event_too_large")
    assert error["message"].endswith("4096 is the limit: session.updated.")
    assert "nobody's business" not in caplog.text


def test_a_client_that_takes_nothing_at_all_costs_no_more_than_its_events() -> None:
    peer = FakePeer(dataclasses.replace(WEBRTC, max_message_bytes=1))

    async def main() -> None:
        async with exchange() as office:
            call = office.take(peer)
            await asyncio.sleep(0)
            peer.open()
            ask(peer)
            await asyncio.sleep(1)
            assert not call.reason
            peer.vanish()

    run(main())

    assert peer.events == []
    assert len(peer.audio.sent) == 51


# --- what is logged ------------------------------------------------------------------------------


def test_the_log_tells_the_story_of_a_call_in_a_few_lines(quiet_logs) -> None:
    peer = FakePeer()

    async def main() -> None:
        async with exchange() as office:
            office.take(peer)
            await asyncio.sleep(0)
            peer.open()
            ask(peer, "a secret")
            await peer.wait_for("response.done")
            peer.vanish("left")

    run(main())

    assert [record.getMessage() for record in quiet_logs.records] == [
        "connected: webrtc, audio, h264, openai",
        "first frame after 20 ms",
        "ended after 0.3 s: left",
    ]
