"""What the conversation makes a face do: it nods when it listens and moves when it speaks."""

from __future__ import annotations

import math
from collections.abc import Mapping
from random import Random
from typing import get_args

from rtav.engines.avatar.channels import Pose, add, both, ease
from rtav.engines.avatar.wander import Bumps, Saccades, Wander, branch
from rtav.engines.base import Mood

CHANGE_S = 0.5  # from one mood to the next
GLANCES: Mapping[Mood, float] = {"idle": 1.0, "listening": 0.35, "thinking": 0.0, "speaking": 1.0}
"""How far the glances go that everybody casts now and then: a listener's eyes stay with you."""
MOODS: tuple[Mood, ...] = get_args(Mood)


class Manners:
    """What each mood would do, whether it shows or not. Times are seconds."""

    def __init__(self, random: Random) -> None:
        nods, beats = branch(random), branch(random)
        self._nods = Bumps(
            lambda: nods.uniform(5.0, 12.0),
            lambda: nods.uniform(1.4, 2.6),
            shape=nod,
            first_s=nods.uniform(2.0, 6.0),
        )
        self._beats = Bumps(
            lambda: beats.uniform(0.7, 2.2),
            lambda: beats.uniform(0.8, 2.8),
            shape=_beat,
            first_s=beats.uniform(0.1, 0.5),
        )
        self._lean = Wander(random, spread=1.6, gap_s=(2.5, 6.0), glide_s=1.2)
        self._speaking = {
            "headYaw": Wander(random, spread=2.2, gap_s=(0.7, 2.0), glide_s=0.7),
            "headPitch": Wander(random, spread=1.1, gap_s=(0.6, 1.6), glide_s=0.55),
            "headRoll": Wander(random, spread=1.4, gap_s=(0.9, 2.6), glide_s=0.8),
        }
        looks = branch(random)
        self._pondering = Saccades(
            lambda _: (
                (looks.uniform(8.5, 13.0), looks.uniform(2.0, 7.0)),
                looks.uniform(0.5, 1.8),
            ),
            first_s=0.0,
        )
        self._brows = Wander(random, spread=0.22, gap_s=(0.8, 2.4), glide_s=0.28)

    def at(self, t: float) -> Mapping[Mood, Pose]:
        """What every mood adds to the face at `t`, which never goes back.

        A thinker looks to the viewer's right; `turned` gives the other side.
        """
        return {
            "idle": {},
            "listening": self._listening(t),
            "thinking": self._thinking(t),
            "speaking": self._voicing(t),
        }

    def beat(self, t: float) -> Pose:
        """A stress that has nothing to do with what is said, for speakers that share a head."""
        beat = self._beats.at(t)
        return {
            "headPitch": beat,
            "browInnerUp": 0.03 * beat,
            **dict.fromkeys(both("browOuterUp"), 0.05 * beat),
        }

    def _listening(self, t: float) -> Pose:
        nod = self._nods.at(t)
        return {
            "headPitch": 0.8 + nod,
            "headRoll": self._lean.at(t),
            "browInnerUp": 0.1 + 0.04 * nod,
            **dict.fromkeys(both("mouthSmile"), 0.08),
        }

    def _thinking(self, t: float) -> Pose:
        across, upwards = self._pondering.at(t)
        return {
            "headYaw": 3.0 + 0.5 * math.sin(1.7 * t),
            "headPitch": -1.2,
            "headRoll": 1.6,
            "gazeX": across,
            "gazeY": upwards,
            "browInnerUp": 0.12,
            "mouthPucker": 0.1,
            **dict.fromkeys(both("browDown"), 0.22),
        }

    def _voicing(self, t: float) -> Pose:
        pose = {name: wander.at(t) for name, wander in self._speaking.items()}
        brow = max(0.0, self._brows.at(t))
        pose["browInnerUp"] = 0.6 * brow
        pose.update(dict.fromkeys(both("browOuterUp"), brow))
        return pose


class Behaviour:
    """The moods of one face: how much of what they would do shows."""

    def __init__(self) -> None:
        self._mood: Mood = "idle"
        self._since_s = -CHANGE_S
        self._before = dict.fromkeys(MOODS, 0.0)
        self._aside = -1.0

    @property
    def shown(self) -> tuple[Mood, float]:
        """The mood, and the side to which a thinker looks."""
        return self._mood, self._aside if self._mood == "thinking" else 0.0

    def glancing(self, t: float) -> float:
        """How far glances leave the viewer at `t`, the latest instant posed."""
        return sum(weight * GLANCES[mood] for mood, weight in self._weights(t).items())

    def is_settled(self, t: float) -> bool:
        """Whether nothing is seen of an earlier mood at `t`."""
        return t - self._since_s >= CHANGE_S

    def pose(self, t: float, mood: Mood, parts: Mapping[Mood, Pose]) -> Pose:
        """What to add to the face at `t` seconds, which never goes back.

        `parts` is what the manners say for `t`.
        """
        if mood != self._mood:
            self._before = self._weights(t)
            self._mood, self._since_s = mood, t
            if mood == "thinking" and self._before["thinking"] == 0.0:
                self._aside = -self._aside
        pose: Pose = {}
        for name, weight in self._weights(t).items():
            if weight > 0.0:
                part = parts[name]
                add(
                    pose,
                    turned(part) if name == "thinking" and self._aside < 0 else part,
                    weight=weight,
                )
        return pose

    def _weights(self, t: float) -> dict[Mood, float]:
        change = ease((t - self._since_s) / CHANGE_S)
        return {
            mood: self._before[mood] * (1 - change) + (change if mood == self._mood else 0.0)
            for mood in MOODS
        }


def turned(pose: Pose) -> Pose:
    """The same to the other side."""
    aside = ("headYaw", "headRoll", "gazeX")
    return {name: -value if name in aside else value for name, value in pose.items()}


def nod(t: float) -> float:
    """Down and up twice within 0.9 s, the second time half as far."""
    if t >= 0.9:
        return 0.0
    return (1.0 if t < 0.5 else 0.5) * _hump(t / 0.5 if t < 0.5 else (t - 0.5) / 0.4)


def _beat(t: float) -> float:
    """A stress: down in 0.15 s, back in 0.3 s."""
    return ease(t / 0.15) if t < 0.15 else 1.0 - ease((t - 0.15) / 0.3)


def _hump(x: float) -> float:
    return 0.5 - 0.5 * math.cos(2 * math.pi * min(1.0, max(0.0, x)))
