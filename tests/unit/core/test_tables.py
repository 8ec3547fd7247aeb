from enum import Enum
from typing import Any, get_args

import pytest

from rtav.core import inputs, outputs
from rtav.core.common import Policy
from rtav.core.config import SessionConfig
from rtav.core.dialect import Signs
from rtav.core.reply_table import SOUNDS, STAGES, Cue, Sound, Stage, Step
from rtav.core.session import Session
from rtav.core.turn_table import TRANSITIONS, Edge, Phase
from rtav.protocol.client import EVENTS
from rtav.testing.player import CATALOG

SESSION = Session(
    SessionConfig.initial("sess_1", CATALOG),
    catalog=CATALOG,
    signs=Signs(),
    policy=Policy(),
    new_id=lambda prefix: prefix,
)


def test_every_input_has_a_handler() -> None:
    assert SESSION._handlers.keys() == set(get_args(inputs.Input))


def test_every_client_event_has_a_handler() -> None:
    assert SESSION._client_handlers.keys() == set(EVENTS.values())


@pytest.mark.parametrize("kind", [*get_args(inputs.Input), *get_args(outputs.Output)])
def test_inputs_and_outputs_are_frozen_and_slotted(kind: Any) -> None:
    assert kind.__dataclass_params__.frozen
    assert "__slots__" in vars(kind)


@pytest.mark.parametrize(
    ("table", "start", "states", "steps"),
    [
        (TRANSITIONS, Phase.QUIET, Phase, Edge),
        (STAGES, Stage.GUESSED, Stage, Step),
        (SOUNDS, Sound.WAITING, Sound, Cue),
    ],
)
def test_every_state_is_reached_and_every_step_is_used(
    table: dict[tuple[Enum, Enum], Enum], start: Enum, states: type[Enum], steps: type[Enum]
) -> None:
    reached = {start}
    for _ in states:
        reached |= {after for (before, _), after in table.items() if before in reached}
    assert reached == set(states)
    assert {step for _, step in table} == set(steps)
