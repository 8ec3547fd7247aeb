from __future__ import annotations

import dataclasses
import re
from typing import Any

import pytest

from rtav.core.catalog import Own
from rtav.errors import ProtocolError
from rtav.runtime.stage import Stage, Threads
from rtav.runtime.supervisor import Opening, Supervisor, wire_id
from rtav.testing.calls import RULES, InlineExecutor, ScriptedEngines, exchange, opening
from rtav.testing.engines import ScriptedTts
from rtav.testing.peer import FakePeer
from rtav.testing.virtual import run


@pytest.fixture
def supervisor() -> Supervisor:
    threads = Threads(render=InlineExecutor(), encode=InlineExecutor(), load=InlineExecutor())
    return Supervisor(ScriptedEngines(), RULES, Stage(threads))


def greeted(shown: Opening, *, label: str = "events") -> dict[str, Any]:
    """The session that a client sees who opens a call like this."""
    peer = FakePeer()

    async def main() -> None:
        async with exchange() as office:
            office.supervisor.open(peer, shown)
            peer.open(label=label)

    run(main())
    return peer.got("session.created")[0]["session"]


# --- describing ----------------------------------------------------------------------------------


def test_a_session_is_described_as_a_call_would_begin_with_it(supervisor: Supervisor) -> None:
    shown = supervisor.describe({"voice": "marin", "face": "face1", "instructions": "Be brief."})

    assert shown["object"] == "realtime.session"
    assert (shown["voice"], shown["face"]) == ("marin", "face1")
    assert shown["audio"]["output"]["voice"] == "marin"
    assert shown["instructions"] == "Be brief."
    assert shown["dialect"] == "rtav"
    assert "id" not in shown


def test_a_session_that_says_nothing_is_described_in_the_operators_dialect(
    supervisor: Supervisor,
) -> None:
    assert supervisor.describe({})["dialect"] == "openai"


# --- checking ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("session", "code", "param"),
    [
        ({"face": "nobody"}, "face_not_found", "session.face"),
        ({"voice": "nobody"}, "voice_not_found", "session.voice"),
        ({"driving": ["Wink", "Fly"]}, "driving_not_found", "session.driving"),
        ({"audio": {"input": 3}}, "invalid_type", "session.audio.input"),
        ({"output_modalities": ["audio"], "colour": 1}, "unknown_parameter", "session.colour"),
    ],
)
@pytest.mark.parametrize("place", ["session", "secret_session"])
def test_a_session_that_no_call_can_have_names_its_field(
    supervisor: Supervisor, session: dict[str, Any], code: str, param: str, place: str
) -> None:
    shown = dataclasses.replace(opening(1), **{place: session})

    with pytest.raises(ProtocolError) as refused:
        supervisor.check(shown)

    assert (refused.value.code, refused.value.param) == (code, param)


def test_an_unknown_field_is_no_error_in_rtavs_dialect(supervisor: Supervisor) -> None:
    supervisor.check(opening(1, {"voice": "low", "colour": 1}))


def test_a_call_that_is_refused_leaves_its_peer_alone() -> None:
    peer = FakePeer()

    async def main() -> int:
        async with exchange() as office:
            with pytest.raises(ProtocolError):
                office.take(peer, {"face": "nobody"})
            return office.supervisor.calls

    assert run(main()) == 0
    assert peer.gone is None


# --- what a caller shows -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shown", "label", "dialect"),
    [
        ({}, "events", "openai"),
        ({}, "realtime", "rtav"),
        ({"key_spelling": "rtav_sk"}, "events", "rtav"),
        ({"key_spelling": "rtav_sk"}, "oai-events", "openai"),
        ({"key_spelling": "ek"}, "events", "openai"),
        ({"dialect": "rtav"}, "oai-events", "rtav"),
        ({"agents_header": True}, "realtime", "openai"),
        ({"beta_header": True}, "realtime", "beta"),
        ({"rest_session": True}, "events", "rtav"),
        ({"session": {"voice": "low"}}, "events", "rtav"),
        ({"secret_session": {"voice": "low"}}, "events", "rtav"),
        ({"session": {"dialect": "beta"}}, "events", "beta"),
    ],
)
def test_what_a_caller_shows_decides_the_dialect(
    shown: dict[str, Any], label: str, dialect: str
) -> None:
    session = greeted(dataclasses.replace(opening(1), **shown), label=label)

    assert session["dialect"] == dialect


def test_the_call_outranks_its_secret_field_by_field() -> None:
    shown = dataclasses.replace(
        opening(1, {"voice": "high"}),
        secret_session={"voice": "low", "face": "face2", "instructions": "From the secret."},
    )

    session = greeted(shown)

    assert session["id"] == "session_1"
    assert (session["voice"], session["face"]) == ("high", "face2")
    assert session["instructions"] == "From the secret."


def test_a_session_says_when_it_expires() -> None:
    assert greeted(opening(1))["expires_at"] > 1_700_000_000


def test_an_aliased_voice_is_heard_under_its_own_name() -> None:
    engines, peer = ScriptedEngines(), FakePeer()
    voices: list[str] = []

    class Noting(ScriptedTts):
        def speak(self, text: str, *, voice: str, speed: float = 1.0) -> Any:
            voices.append(voice)
            return super().speak(text, voice=voice, speed=speed)

    engines.tts = Noting()

    async def main() -> None:
        async with exchange(engines) as office:
            office.take(peer, {"voice": "marin"})
            peer.open()
            await peer.hear_silence(0.02)
            peer.say({"type": "generate", "text": "Hi."})
            await peer.wait_for("response.done")
            peer.vanish()

    run(main())

    assert voices == ["high"]


# --- ids -----------------------------------------------------------------------------------------


def test_ids_look_like_openais_and_are_never_repeated() -> None:
    ids = [wire_id("resp") for _ in range(1_000)]

    assert all(re.fullmatch(r"resp_[0-9A-Za-z]{21}", name) for name in ids)
    assert len(set(ids)) == 1_000


# --- assets of the caller's own ------------------------------------------------------------------


def test_a_caller_may_name_what_its_owner_has(supervisor: Supervisor) -> None:
    own = Own(voices=("voice_1",))
    named = {"voice": "voice_1"}

    assert supervisor.describe(named, own)["voice"] == "voice_1"
    supervisor.check(dataclasses.replace(opening(1, named), owner="a", own=own))
    with pytest.raises(ProtocolError) as refused:
        supervisor.check(dataclasses.replace(opening(2, named), owner="b"))
    assert refused.value.code == "voice_not_found"


def test_what_an_owner_adds_is_offered_to_its_running_calls_alone() -> None:
    peers = {"a": FakePeer(), "b": FakePeer()}

    async def main() -> None:
        async with exchange() as office:
            for number, (owner, peer) in enumerate(peers.items(), 1):
                office.supervisor.open(peer, dataclasses.replace(opening(number), owner=owner))
                peer.open(label="realtime")
            office.supervisor.offer("a", Own(voices=("voice_1",)))
            for peer in peers.values():
                peer.say({"type": "session.update", "session": {"voice": "voice_1"}})

    run(main())

    assert peers["a"].got("session.updated")[0]["session"]["voice"] == "voice_1"
    assert peers["b"].got("error")[0]["error"]["code"] == "voice_not_found"
