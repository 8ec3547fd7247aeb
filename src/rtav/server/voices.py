"""Voice names that clients ask for by habit, and which of the voices at hand each one means."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from rtav.engines.base import Voice

Gender = Literal["female", "male", "neutral"]

# rtAV's documented voices, then OpenAI's: migrated code sends these and must run unchanged.
FAMILIAR: Mapping[str, Gender] = {
    "alice": "female", "anthony": "male",
    "marin": "female", "cedar": "male", "alloy": "neutral", "ash": "male", "ballad": "male",
    "coral": "female", "echo": "male", "fable": "neutral", "nova": "female", "onyx": "male",
    "sage": "female", "shimmer": "female", "verse": "male",
}  # fmt: skip


def aliases(voices: Sequence[Voice]) -> dict[str, str]:
    """Which of `voices` each familiar name means: one of its gender where there is one.

    Names of one gender go round the voices of it, so that different names sound different where
    they can. A name that a voice has itself is not an alias.
    """
    own = {voice.id for voice in voices}
    taken: dict[Gender, int] = {"female": 0, "male": 0, "neutral": 0}
    found = {}
    for name, gender in FAMILIAR.items():
        if name in own:
            continue
        fitting = [voice for voice in voices if gender in ("neutral", voice.gender)] or voices
        found[name] = fitting[taken[gender] % len(fitting)].id
        taken[gender] += 1
    return found
