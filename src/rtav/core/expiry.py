"""The end of a session whose time is over, and its announcement to who asked for it."""

from __future__ import annotations

import math

from rtav.core.answering import Answering
from rtav.core.common import Common
from rtav.core.outputs import HangUp
from rtav.errors import ProtocolError

WARNING = "session.expiring"

WARNING_S = 60.0
"""How long before the end it is announced: time to say goodbye. In the second half of a session
that lasts less than two minutes."""


class Expiry:
    def __init__(self, common: Common, answering: Answering) -> None:
        self._common, self._answering = common, answering
        self._ends_at: float | None = None
        self._warned: set[int] = set()

    def begin(self) -> None:
        """With the session's first input."""
        policy = self._common.policy
        if policy.expires_in_s is not None:
            began_at = self._common.now if policy.began_at is None else policy.began_at
            self._ends_at = began_at + policy.expires_in_s

    @property
    def deadline(self) -> float | None:
        if self._ends_at is None:
            return None
        return self._warns_at(self._ends_at) if self._unwarned() else self._ends_at

    def tick(self) -> None:
        """Announce the end, or come to it."""
        ends_at, now = self._ends_at, self._common.now
        if ends_at is None:
            return
        if now >= ends_at:
            self._end()
        elif now >= self._warns_at(ends_at):
            for number in self._unwarned():
                self._warned.add(number)
                self._common.send_to(
                    number,
                    WARNING,
                    expires_at=self._common.policy.expires_at,
                    seconds_left=math.ceil(ends_at - now),
                )

    # --- pieces ------------------------------------------------------------------------------

    def _unwarned(self) -> list[int]:
        """Who asked to be warned and can be told."""
        return [number for number in self._common.asking(WARNING) if number not in self._warned]

    def _warns_at(self, ends_at: float) -> float:
        lasts_s = self._common.policy.expires_in_s or 0.0
        return ends_at - min(WARNING_S, lasts_s / 2)

    def _end(self) -> None:
        self._ends_at = None
        self._answering.expire()
        lasted = _duration(self._common.policy.expires_in_s or 0.0)
        words = f"Your session hit the maximum duration of {lasted}."
        self._common.send_error(ProtocolError(words, code="session_expired"), None)
        self._common.put(HangUp("expired", words))


def _duration(seconds: float) -> str:
    minutes = seconds / 60
    number, unit = (minutes, "minute") if minutes >= 1 else (seconds, "second")
    return f"{number:.3g} {unit}" + ("" if number == 1 else "s")
