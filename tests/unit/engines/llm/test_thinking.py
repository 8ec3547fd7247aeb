from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtav.engines.llm.thinking import Thoughtless


def _said(*deltas: str) -> str:
    thoughtless = Thoughtless()
    return "".join(map(thoughtless.feed, deltas)) + thoughtless.end()


@pytest.mark.parametrize(
    ("deltas", "said"),
    [
        (("Hello", " there."), "Hello there."),
        (("<think>Hm.</think>\n\nHello", " there."), "Hello there."),
        (("<thi", "nk>Hm", ".</th", "ink>", "\n", " Hello"), "Hello"),
        (("\n<think>", "</think>", "Hello"), "Hello"),
        (("<th", "e end>"), "<the end>"),
        (("<th",), "<th"),
        (("Write <think> like this.",), "Write <think> like this."),
        (("<think>and never", " stops"), ""),
        ((" ", "Hello"), " Hello"),
    ],
)
def test_only_thoughts_at_the_beginning_are_dropped(deltas: tuple[str, ...], said: str) -> None:
    assert _said(*deltas) == said


def test_what_is_no_tag_is_said_at_once() -> None:
    assert Thoughtless().feed("Hello") == "Hello"


@given(st.lists(st.sampled_from(["<", "think>", "</", "a", " ", "\n", "<think>", "</think>"])))
def test_how_a_reply_is_cut_into_deltas_changes_nothing(deltas: list[str]) -> None:
    """Invariant: the same text in other pieces is the same speech."""
    assert _said(*deltas) == _said("".join(deltas))
