"""What a synthesiser's process and its owner say to each other over its pipes.

The owner writes one JSON object a line: a request (`text`, `voice`, `speed`), or `{}` to give up
the request under way. The process answers with frames: READY or BROKEN once, then for every request
TIMES, any number of AUDIO, and exactly one DONE or BROKEN. `{}` has no answer of its own.
"""

from __future__ import annotations

import struct
from typing import TypedDict

HEADER = struct.Struct("<cI")
"""Kind of a frame and length of its payload in bytes."""

READY = b"R"  # a JSON object, the engine's own affair
TIMES = b"T"  # a JSON object: Times
AUDIO = b"A"  # int16, mono
DONE = b"D"  # nothing
BROKEN = b"B"  # UTF-8: what is wrong and what to do

GIVE_UP = b"{}\n"


class Request(TypedDict):
    """One sentence to say. `voice` is a name of the synthesiser's own."""

    text: str
    voice: str
    speed: float


class Times(TypedDict):
    """When a sentence's sounds are heard, in samples from its first one."""

    phones: list[tuple[str, int, int]]
    tokens: list[tuple[int, int, int]]
    """Where the token begins in the request's text (characters), its start, its end."""
