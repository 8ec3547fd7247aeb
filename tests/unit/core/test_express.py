import pytest

from rtav.core import express


def test_the_tool_names_every_motion() -> None:
    parameters = express.tool(["Wink", "Nod"])["parameters"]
    assert parameters["properties"]["motion"]["enum"] == ["Nod", "Wink"]


def test_a_call_names_its_motion() -> None:
    assert express.motion('{"motion": "Wink"}') == "Wink"


@pytest.mark.parametrize(
    "arguments", ["", "Wink", "5", "[]", "{}", '{"motion": 5}', '{"motion":', "[" * 100_000]
)
def test_what_the_tool_does_not_take_is_no_motion(arguments: str) -> None:
    assert express.motion(arguments) is None
