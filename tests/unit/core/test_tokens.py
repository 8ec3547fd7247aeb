from rtav.core import tokens
from rtav.core.outputs import Ask, Delivery, Line, Picture
from rtav.core.tokens import Gauge


def order(text: str) -> Ask:
    return Ask(
        turn=1,
        model="m",
        instructions="",
        history=(Line(role="user", text=text),),
        tools=(),
        tool_choice="auto",
        max_output_tokens=None,
        temperature=None,
        delivery=Delivery(voice="alice", speed=1.0, aloud=False),
    )


def test_a_token_is_four_bytes() -> None:
    assert tokens.of_text("") == 0
    assert tokens.of_text("abcde") == 2
    assert tokens.of_text("日本語で") == 3


def test_messages_pictures_and_tools_weigh_too() -> None:
    seen = Line(role="user", text="abcd", images=(Picture("data:image/png;base64," + "A" * 9_999),))
    assert tokens.of_lines([seen]) == 805
    assert tokens.of_lines([Line(role="assistant", text="{}", call_id="c", call_name="f")]) == 6
    assert tokens.of_tools([{"name": "f"}]) == 4


def test_a_model_that_counts_sets_the_estimate_right() -> None:
    gauge = Gauge()
    gauge.learn(order("x" * 4_000), 1_506)
    assert gauge.factor == 1.5
    gauge.learn(order("x" * 4_000), 1_600)
    assert gauge.factor == 1.5, "near enough"
    gauge.learn(order("x" * 4_000), 1_004)
    assert gauge.factor == 1.0


def test_a_count_that_says_little_or_cannot_be_is_not_believed() -> None:
    gauge = Gauge()
    gauge.learn(order("x" * 4_000), 0)
    gauge.learn(order("x"), 5_000)
    assert gauge.factor == 1.0
    gauge.learn(order("x" * 4_000), 100_000)
    assert gauge.factor == 4.0
    gauge.learn(order("x" * 40_000), 300)
    assert gauge.factor == 0.5
