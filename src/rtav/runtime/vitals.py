"""What the media clock of a call tells the operator."""

from __future__ import annotations

import logging

from rtav import metrics
from rtav.media.egress import LATE_S, Egress

logger = logging.getLogger(__name__)


class Vitals:
    """Counts as the clock ticks: what is counted only at the end is missing while it matters."""

    def __init__(self, offered_at: float) -> None:
        """`offered_at` is when the client asked for the call, by the loop's time."""
        self._offered_at = offered_at
        self._frames = 0

    def ticked(self, egress: Egress, now: float) -> None:
        if egress.late_s > LATE_S:
            metrics.ticks_late_total.inc()
        if new := egress.frames_sent - self._frames:
            if not self._frames:
                self._first_frame(now - self._offered_at)
            metrics.frames_sent_total.inc(new)
            self._frames += new

    @staticmethod
    def _first_frame(seconds: float) -> None:
        logger.info("first frame after %d ms", round(seconds * 1000))
        metrics.first_frame_seconds.observe(seconds)
