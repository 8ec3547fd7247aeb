"""What a face does by itself: blinks, glances, breathing, resting lids and a head never still."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from random import Random

from rtav.engines.avatar.channels import Pose, both, ease
from rtav.engines.avatar.wander import Bumps, Wander, branch

BLINK_GAP_S = 3.6  # median; people in conversation blink every 2 to 5 seconds
BLINK_GAP_RANGE_S = (1.1, 9.0)
DOUBLE_BLINK_SHARE = 0.12
RESTING = {**dict.fromkeys(both("eyeBlink"), 0.13), **dict.fromkeys(both("eyeSquint"), 0.12)}
"""Lids of someone at ease: fully open eyes stare, 0.2 and more look sleepy."""
SACCADE_S = 0.025  # time constant: the eyes jump, they do not glide
GAZE_HOLD = 0.7  # share of a head turn that the eyes make up for, to stay with the viewer


@dataclass(frozen=True, slots=True, kw_only=True)
class Signs:
    """The signs of life at one instant."""

    drift: Mapping[str, float]
    gaze: tuple[float, float]
    breath: float
    lid: float

    def add_to(self, pose: Pose, *, blinking: float = 1.0) -> None:
        """Add them over everything else, in place; `blinking` is how far blinks close the eyes."""
        for name, drift in self.drift.items():
            pose[name] = pose.get(name, 0.0) + drift
        gaze_x, gaze_y = self.gaze
        hold_x = -GAZE_HOLD * pose.get("headYaw", 0.0)
        hold_y = GAZE_HOLD * pose.get("headPitch", 0.0)
        pose["gazeX"] = pose.get("gazeX", 0.0) + gaze_x + hold_x
        pose["gazeY"] = pose.get("gazeY", 0.0) + gaze_y + hold_y
        pose["breath"] = pose.get("breath", 0.0) + self.breath
        for name, value in RESTING.items():
            pose[name] = max(pose.get(name, 0.0), value)
        for name in both("eyeBlink"):
            pose[name] = max(pose[name], blinking * self.lid)


class Life:
    """Where the signs of life come from. Times are seconds."""

    def __init__(self, random: Random) -> None:
        self._blink_random, self._gaze_random, self._breath_random = (
            branch(random) for _ in range(3)
        )
        self._blinks = Bumps(
            self._blink_gap, lambda: 1.0, shape=_lid, first_s=self._blink_random.uniform(0.8, 3.0)
        )
        self._gaze_from = self._gaze_to = (0.0, 0.0)
        self._gaze_since_s = 0.0
        self._gaze_next_s = 0.6
        self._breath_start_s = -self._breath_random.uniform(0.0, 3.0)
        self._breath_length_s = 3.8
        self._breath_depth = 1.0
        self._drift = {
            "headYaw": Wander(random, spread=0.7, gap_s=(1.6, 3.8), glide_s=1.5),
            "headPitch": Wander(random, spread=0.5, gap_s=(1.4, 3.6), glide_s=1.3),
            "headRoll": Wander(random, spread=0.5, gap_s=(2.0, 5.0), glide_s=1.9),
            "browInnerUp": Wander(random, spread=0.04, gap_s=(1.5, 5.0), glide_s=0.5),
        }

    def at(self, t: float) -> Signs:
        """What shows at `t`, which never goes back."""
        drift = {name: wander.at(t) for name, wander in self._drift.items()}
        gaze, breath = self._gaze(t), self._breath(t)
        return Signs(drift=drift, gaze=gaze, breath=breath, lid=self._blinks.at(t))

    def _blink_gap(self) -> float:
        random = self._blink_random
        if random.random() < DOUBLE_BLINK_SHARE:
            return random.uniform(0.36, 0.48)
        low, high = BLINK_GAP_RANGE_S
        return min(high, max(low, random.lognormvariate(math.log(BLINK_GAP_S), 0.45)))

    def _gaze(self, t: float) -> tuple[float, float]:
        while t >= self._gaze_next_s:
            random = self._gaze_random
            target = (random.gauss(0.0, 2.0), random.gauss(0.0, 1.1))
            if math.dist(target, self._gaze_to) > 5.0:  # a large jump takes a blink along
                self._blinks.at(self._gaze_next_s)
                self._blinks.ask(self._gaze_next_s)
            self._gaze_from = self._gaze_at(self._gaze_next_s)
            self._gaze_to, self._gaze_since_s = target, self._gaze_next_s
            self._gaze_next_s += random.uniform(0.4, 2.2)
        return self._gaze_at(t)

    def _gaze_at(self, t: float) -> tuple[float, float]:
        left = math.exp(-(t - self._gaze_since_s) / SACCADE_S)
        (x0, y0), (x1, y1) = self._gaze_from, self._gaze_to
        return x1 + (x0 - x1) * left, y1 + (y0 - y1) * left

    def _breath(self, t: float) -> float:
        while t >= self._breath_start_s + self._breath_length_s:
            self._breath_start_s += self._breath_length_s
            self._breath_length_s = self._breath_random.uniform(3.2, 4.8)
            self._breath_depth = self._breath_random.uniform(0.6, 1.0)
        phase = (t - self._breath_start_s) / self._breath_length_s
        # in over two fifths of the time, out over the rest
        return self._breath_depth * (ease(phase / 0.4) if phase < 0.4 else ease((1 - phase) / 0.6))


def _lid(t: float) -> float:
    """A blink `t` seconds after its start: shut in 80 ms, 40 ms closed, open 180 ms later."""
    if t < 0.08:
        return t / 0.08
    if t < 0.12:
        return 1.0
    return (1.0 - min(1.0, (t - 0.12) / 0.18)) ** 2
