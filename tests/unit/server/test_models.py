import asyncio
from dataclasses import replace

import pytest

from rtav.engines.base import FaceInfo, LlmRequest, MotionInfo, Voice
from rtav.errors import ProtocolError
from rtav.runtime.stage import Stage, Threads
from rtav.runtime.supervisor import Supervisor
from rtav.server.listing import Listing
from rtav.server.models import AliasedLlm, strict_models
from rtav.testing.calls import RULES, InlineExecutor, ScriptedEngines, opening
from rtav.testing.engines import ScriptedLlm, ScriptedTts
from rtav.testing.face import ScriptedAvatar

DOCUMENTED = {
    "gpt-5.2", "gpt-5.1", "gpt-5", "gpt-5-mini", "gpt-5-nano", "gpt-4.1", "gpt-4o",
    "claude-sonnet-4-5", "claude-haiku-4-5", "claude-opus-4-5",
}  # fmt: skip
OPEN_LOOP = {"none", "disable", "open-loop"}


def listed(llm, *, strict: bool) -> set[str]:
    listing = Listing.of(
        avatar=ScriptedAvatar(), tts=ScriptedTts(), llm=llm, created=0, strict=strict
    )
    return {entry["id"] for entry in listing.models}


def test_the_list_has_all_documented_models_because_all_are_answered_for():
    assert listed(ScriptedLlm(models=["llama"]), strict=False) >= {"llama"} | DOCUMENTED | OPEN_LOOP


def test_a_strict_list_has_only_what_is_there_and_the_operators_names_for_it():
    llm = AliasedLlm(ScriptedLlm(models=["llama"]), {"gpt-5.2": "llama"})

    assert listed(llm, strict=True) == {"llama", "gpt-5.2"} | OPEN_LOOP


def test_a_motion_is_listed_with_what_it_does_and_how_long_it_takes():
    class Acting(ScriptedAvatar):
        def motions(self) -> list[MotionInfo]:
            return [
                MotionInfo(
                    id="Nod", name="Nod", duration_s=1.23456, loops=False, description="Yes"
                ),
                MotionInfo(id="idle", name="idle", duration_s=17.0, loops=True),
            ]

    listing = Listing.of(avatar=Acting(), tts=ScriptedTts(), llm=ScriptedLlm(), created=0)

    assert [dict(entry) for entry in listing.driving] == [
        {
            "id": "Nod",
            "name": "Nod",
            "type": "standard",
            "duration_seconds": 1.235,
            "loop": False,
            "description": "Yes",
        },
        {"id": "idle", "name": "idle", "type": "standard", "duration_seconds": 17.0, "loop": True},
    ]


def test_a_faces_voice_is_one_of_those_that_are_listed():
    class Cast(ScriptedAvatar):
        def faces(self) -> list[FaceInfo]:
            return [
                FaceInfo(id="face1", name="Ann", voice="alice"),
                FaceInfo(id="face2", name="Bob", voice="ballad"),
                FaceInfo(id="face3", name="Eve"),
            ]

    class Choir(ScriptedTts):
        def voices(self) -> list[Voice]:
            return [
                Voice(id="slt", name="SLT", gender="female"),
                Voice(id="rms", name="RMS", gender="male"),
            ]

    listing = Listing.of(avatar=Cast(), tts=Choir(), llm=ScriptedLlm(), created=0)

    voices = {face["id"]: face.get("voice") for face in listing.faces}
    assert voices == {"default": "slt", "face1": "slt", "face2": "rms", "face3": None}


@pytest.mark.parametrize(("named", "asked"), [("gpt-5.2", "llama"), ("llama", "llama"), ("x", "x")])
def test_the_engine_is_asked_for_the_model_behind_a_name(named, asked):
    scripted = ScriptedLlm()
    llm = AliasedLlm(scripted, {"gpt-5.2": "llama"})

    async def story() -> None:
        async for _ in llm.reply(LlmRequest(model=named, instructions="", messages=())):
            pass

    asyncio.run(story())
    assert [request.model for request in scripted.requests] == [asked]


def test_an_aliased_engine_starts_and_closes_as_itself():
    scripted = ScriptedLlm()
    llm = AliasedLlm(scripted, {})

    async def story() -> None:
        await llm.start()
        await llm.close()

    asyncio.run(story())
    assert (scripted.started, scripted.closed) == (1, 1)
    assert llm.capabilities == scripted.capabilities


def supervisor(models: tuple[str, ...] | None) -> Supervisor:
    threads = Threads(render=InlineExecutor(), encode=InlineExecutor(), load=InlineExecutor())
    return Supervisor(ScriptedEngines(), replace(RULES, models=models), Stage(threads))


def test_an_unknown_model_is_taken_unless_models_are_strict():
    supervisor(None).check(opening(1, {"model": "gpt-9"}))
    strict = supervisor(strict_models(ScriptedLlm(models=["llama"])))

    for name in ("llama", "LLAMA", "none"):
        strict.check(opening(1, {"model": name}))
    strict.check(opening(1, {}))
    with pytest.raises(ProtocolError) as error:
        strict.check(opening(1, {"model": "gpt-9"}))
    assert (error.value.code, error.value.param) == ("model_not_found", "session.model")
