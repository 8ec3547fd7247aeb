"""One utterance on its way to the recogniser, and the final words that are still owed for it."""

from __future__ import annotations

import asyncio
from collections import deque

from rtav.engines.base import Pause
from rtav.media.pcm import Pcm
from rtav.runtime.queues import Bounded

QUEUED_PIECES = 3_000
"""A minute of 20 ms pieces: a recogniser that is further behind has failed."""

FINAL_S = 8.0
"""The longest wait for the final words, from a pause or from the end on."""


class Utterance:
    """Its methods belong to the event loop and return at once."""

    def __init__(self, said: Pcm) -> None:
        """`said` is what was said before the utterance was noticed."""
        self.audio: Bounded[Pcm | Pause] = Bounded(QUEUED_PIECES, "drop_oldest")
        self.audio.put_now(said)
        self._owed: deque[float] = deque()
        self._has_ended = False
        self._timeout: asyncio.Timeout | None = None

    @property
    def is_settled(self) -> bool:
        """It has ended and every final hypothesis has come."""
        return self._has_ended and not self._owed

    def patience(self) -> asyncio.Timeout:
        """The time the recogniser has: TimeoutError in there once a final hypothesis is overdue,
        also if it does not even take the audio. Once only."""
        self._timeout = asyncio.timeout_at(self._due)
        return self._timeout

    def pause(self) -> None:
        """Ask for a final hypothesis of what was said so far."""
        self._owe()
        self.audio.put_now(Pause())

    def end(self) -> None:
        """No more audio: a last final hypothesis is due."""
        self._has_ended = True
        self._owe()
        self.audio.close()

    def paid(self) -> float | None:
        """A final hypothesis has come: the seconds it took; None if nobody had asked for one."""
        if not self._owed:
            return None
        since = self._owed.popleft()
        self._reschedule()
        return asyncio.get_running_loop().time() - since

    def _owe(self) -> None:
        self._owed.append(asyncio.get_running_loop().time())
        self._reschedule()

    @property
    def _due(self) -> float | None:
        return self._owed[0] + FINAL_S if self._owed else None

    def _reschedule(self) -> None:
        if self._timeout is not None and not self._timeout.expired():
            self._timeout.reschedule(self._due)
