"""Decides when a silent peer is asked whether it is there, and when it is gone."""

from __future__ import annotations

from dataclasses import dataclass

ASK_EVERY_S = 1.0  # a lost question must not cost a call: five are asked in the default 5 s
STALL_S = 0.05  # every timer is a little late; forgiving that, too, would put the end off for ever


@dataclass(frozen=True, slots=True)
class Verdict:
    ask: bool
    gone: bool
    look_again_in_s: float


class Consent:
    """The silence of one peer. Any packet counts as life; times are seconds of one clock.

    A look that comes late is our own stall, with packets waiting in the socket: it is not held
    against the peer.
    """

    def __init__(self, now: float, *, vanished_after_s: float) -> None:
        self._heard_at = now
        self._due: float | None = None
        self._vanished_after_s = vanished_after_s
        self._ask_every_s = min(ASK_EVERY_S, vanished_after_s / 4)

    def heard(self, now: float) -> None:
        """Something has arrived at `now`."""
        self._heard_at = max(self._heard_at, now)

    def judge(self, now: float) -> Verdict:
        """Look at `now`, and again when the verdict says."""
        if self._due is not None:
            stall = now - self._due
            if stall > STALL_S:
                self._heard_at = min(now, self._heard_at + stall)
        silence = now - self._heard_at
        left = self._vanished_after_s - silence
        if left <= 0:
            return Verdict(ask=False, gone=True, look_again_in_s=0.0)
        again = min(self._ask_every_s, left)
        self._due = now + again
        return Verdict(ask=silence >= self._ask_every_s, gone=False, look_again_in_s=again)
