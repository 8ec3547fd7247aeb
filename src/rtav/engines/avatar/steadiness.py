"""How far a face is from where it was."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rtav.engines.avatar.camera import F32
from rtav.engines.avatar.channels import both

EYES = (*both("eyeBlink"), *both("eyeSquint"), *both("eyeWide"), "gazeX", "gazeY")
"""The channels that move nothing but the eyes."""

# Of the frame's height:
UNSEEN = 0.0004  # 0.2 px at 512: nobody sees this of a mouth or an eye
STILL = 0.0004  # the same of a head at rest, whose movements are slow
LIVELY = 0.0010  # 0.5 px at 512: unseen in a head that nods or turns
STEADY = 0.0016  # 0.8 px at 512: unseen in a head that moves while it speaks
STEPS = 1.9  # frames: a head at rest that moves faster than slowly is drawn every second time
PATIENCE = 4  # frames: then a quarter of all this is enough, for a face must not stand still


@dataclass(frozen=True, slots=True)
class Bearing:
    """Where a face is, as far as one can see it from there."""

    head: F32
    """(3, n): some of its points in pixels, whatever the mouth and the eyes do, and the breath."""
    mouth: F32
    """(k,): the channels that speech moves, each in the pixels it may move something by."""
    eyes: F32
    """(k,): the same of the channels that move the eyes alone."""

    def head_px(self, other: Bearing) -> float:
        """The farthest that any point of the head is from where it is in `other`."""
        return float(np.abs(self.head - other.head).max())

    def mouth_px(self, other: Bearing) -> float:
        """No point of the mouth is farther away, as a whole beside the head's movement."""
        return float(np.abs(self.mouth - other.mouth).sum())

    def eyes_px(self, other: Bearing) -> float:
        return float(np.abs(self.eyes - other.eyes).sum())
