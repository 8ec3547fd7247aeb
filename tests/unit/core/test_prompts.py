from dataclasses import replace
from typing import Any

import pytest

from rtav.core.config import SessionConfig
from rtav.core.patching import patched
from rtav.errors import ProtocolError
from rtav.protocol.session import parse_session
from rtav.testing.player import CATALOG

KEPT = replace(CATALOG, prompts={"guide": "Show {{ name }} the city of {{city}}.", "bye": "Leave."})


def configured(*sessions: dict[str, Any], catalog: Any = KEPT) -> SessionConfig:
    config = SessionConfig.initial("sess_1", catalog)
    for session in sessions:
        config = patched(config, parse_session(session, strict=False), catalog)
    return config


def guide(**variables: Any) -> dict[str, Any]:
    return {"prompt": {"id": "guide", "variables": variables}}


def refusal(session: dict[str, Any]) -> tuple[str | None, str | None]:
    with pytest.raises(ProtocolError) as refused:
        configured(session)
    return refused.value.code, refused.value.param


def test_a_prompt_is_its_template_with_the_variables() -> None:
    config = configured(guide(name="Ann", city={"type": "input_text", "text": "Rome"}))
    assert config.instructions == "Show Ann the city of Rome."
    assert config.prompt == {
        "id": "guide",
        "variables": {"name": "Ann", "city": {"type": "input_text", "text": "Rome"}},
    }


def test_a_variable_may_be_changed_alone() -> None:
    config = configured(guide(name="Ann", city="Rome"), guide(city="Oslo"))
    assert config.instructions == "Show Ann the city of Oslo."


def test_a_clients_own_instructions_outrank_its_prompt() -> None:
    own, bye = {"instructions": "Be brief."}, {"prompt": {"id": "bye"}}
    assert configured(own, bye).instructions == "Be brief."
    assert configured(bye, own).instructions == "Be brief."
    assert configured(own, bye, {"instructions": None}).instructions == "Leave."


def test_without_its_prompt_a_session_is_as_it_was() -> None:
    bye = {"prompt": {"id": "bye"}}
    assert configured(bye, {"prompt": None}).instructions == "You are a helpful assistant."
    assert configured({"instructions": ""}, bye, {"prompt": None}).instructions == ""


@pytest.mark.parametrize(
    ("session", "code", "param"),
    [
        ({"prompt": {"id": "nobody"}}, "prompt_not_found", "session.prompt.id"),
        (guide(name="Ann"), "missing_required_parameter", "session.prompt.variables.city"),
        (
            guide(name="Ann", city={"type": "input_image", "image_url": "x"}),
            "invalid_type",
            "session.prompt.variables.city",
        ),
        (guide(name="Ann", city=5), "invalid_type", "session.prompt.variables.city"),
        ({"prompt": {"variables": {}}}, "missing_required_parameter", "session.prompt.id"),
    ],
)
def test_a_prompt_that_cannot_be_is_refused(session: Any, code: str, param: str) -> None:
    assert refusal(session) == (code, param)


def test_where_the_operator_keeps_none_a_prompt_is_only_shown() -> None:
    config = configured({"prompt": {"id": "pmpt_1", "version": "2"}}, catalog=CATALOG)
    assert config.prompt == {"id": "pmpt_1", "version": "2"}
    assert config.instructions == "You are a helpful assistant."
