"""Which of a synthesiser's voices a client means by a name."""

from __future__ import annotations

from collections.abc import Iterable

FEMALE, MALE = "alice", "anthony"
"""The two voices every built-in synthesiser has."""

ALIASES = {
    # The voices of OpenAI's speech models, by the gender most listeners hear in them.
    "alloy": FEMALE,
    "ash": MALE,
    "ballad": MALE,
    "coral": FEMALE,
    "echo": MALE,
    "fable": MALE,
    "onyx": MALE,
    "nova": FEMALE,
    "sage": FEMALE,
    "shimmer": FEMALE,
    "verse": MALE,
    "marin": FEMALE,
    "cedar": MALE,
}


def resolve(name: str, voices: Iterable[str]) -> str:
    """The id among `voices` that `name` stands for, capitals aside; a voice's own name comes first.

    Raises KeyError if there is none.
    """
    ids = {voice.lower(): voice for voice in voices}
    wanted = name.strip().lower()
    if wanted in ids:
        return ids[wanted]
    return ids[ALIASES[wanted]]
