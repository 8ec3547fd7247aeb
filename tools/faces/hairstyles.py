"""How the hair of our people is cut and worn."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from combing import SKULL, Cut, Knot, Points, ramp, tie, unit, wear
from heads import Head
from numpy.typing import NDArray
from strands import Strands


def _toward(*way: float) -> Points:
    return np.array([way])


def _parted(at: float) -> Callable[[Points], NDArray[np.int64]]:
    return lambda roots: np.where(roots[:, 0] < at, -1, 1)


def _bob() -> list[Cut | Knot]:
    part = -0.20

    def flow(p: Points, roots: Points, t: float) -> Points:
        side = _parted(part)(roots)
        top = ramp(0.25, 0.95, p[:, 1])
        inwards = 0.55 * ramp(0.72, 1.0, np.full(len(p), t))
        fringe = ramp(0.30, 0.62, roots[:, 2])
        return np.stack(
            [
                side * 1.1 * top - np.sign(p[:, 0]) * inwards,
                -(1 - top) - 0.20 - 0.45 * fringe,
                0.05 - 0.10 * top + 0.15 * fringe,
            ],
            -1,
        )

    def lift(p: Points, roots: Points, t: float) -> NDArray[np.float64]:
        ends = 1 - 0.45 * ramp(0.7, 1.0, np.full(len(p), t))
        return np.asarray(0.035 + 0.105 * min(1, 3 * t) * ends)

    def keeps(p: Points) -> NDArray[np.bool_]:
        return p[:, 1] > -0.66 + 0.10 * np.clip(p[:, 2], -0.5, 0.5)

    return [
        Cut(
            flow=flow,
            length=lambda roots: 1.25 + 0.62 * ramp(-0.3, 0.9, roots[:, 1]),
            lift=lift,
            keeps=keeps,
            side=_parted(part),
            guides=1100,
            strands=20000,
            stiff=0.6,
            hug=0.22,
            stray=0.07,
            face=0.60,
        )
    ]


def _crop() -> list[Cut | Knot]:
    def top(roots: Points) -> NDArray[np.float64]:
        return ramp(0.50, 0.74, roots[:, 1])

    def flow(p: Points, roots: Points, t: float) -> Points:
        front = ramp(0.1, 0.6, roots[:, 2])
        above = top(roots)[:, None]
        over = np.stack([0.40 + 0 * front, 0.25 + 0.75 * front - 1.1 * t, 0.55 - 0.2 * front], -1)
        down = _toward(0.0, -1.0, -0.25)
        return over * above + down * (1 - above)

    def lift(p: Points, roots: Points, t: float) -> NDArray[np.float64]:
        rise = 0.07 + 0.12 * ramp(-0.2, 0.6, roots[:, 2])
        return 0.012 + rise * top(roots) * np.sin(min(1.0, 1.4 * t) * np.pi / 2)

    def length(roots: Points) -> NDArray[np.float64]:
        fade = 0.022 + 0.075 * ramp(-0.05, 0.55, roots[:, 1])
        return fade + 0.22 * top(roots)

    return [
        Cut(
            flow=flow,
            length=length,
            lift=lift,
            where=lambda roots: ramp(-0.22, -0.06, roots[:, 1]),
            guides=2600,
            strands=26000,
            points=12,
            stiff=0.45,
            hug=0.3,
            spring=0.8,
            stray=0.17,
            clump=0.60,
            width=0.0058,
        )
    ]


def _bun() -> list[Cut | Knot]:
    knot = Knot(centre=(0.04, 1.17, -0.30), radius=0.235)
    base = np.array(knot.centre) - [0.0, 0.16, 0.0]

    def drawn(p: Points, roots: Points, t: float) -> Points:
        return unit(base - p)

    def curtain(p: Points, roots: Points, t: float) -> Points:
        side = _parted(0.03)(roots)
        return np.stack(
            [side * (1.0 - 0.85 * t), -0.65 - 0.6 * t + 0 * side, 0.20 - 0.4 * t + 0 * side], -1
        )

    def wisps(p: Points, roots: Points, t: float) -> Points:
        return np.stack(
            [0.18 * np.sign(p[:, 0]) * (1 - 2 * t), -1 + 0 * p[:, 0], 0.22 + 0 * p[:, 0]], -1
        )

    def front(roots: Points) -> NDArray[np.float64]:
        return ramp(0.36, 0.46, roots[:, 2]) * ramp(0.42, 0.36, np.abs(roots[:, 0]))

    def beside(roots: Points) -> NDArray[np.float64]:
        x, y, z = np.abs(roots[:, 0]), roots[:, 1], roots[:, 2]
        return (x > 0.56) * (z > 0.10) * (y < 0.42) * 1.0

    return [
        Cut(
            flow=drawn,
            length=lambda roots: 0.15 + np.linalg.norm(roots - base, axis=1) * 1.15,
            lift=lambda p, roots, t: 0.022 + 0.055 * ramp(0.1, 0.5, np.full(len(p), t)),
            keeps=lambda p: np.linalg.norm(p - base, axis=1) > 0.13,
            guides=900,
            strands=17000,
            stiff=0.35,
            hug=0.75,
            spring=0.25,
            stray=0.06,
            clump=0.55,
            flyaway=0.035,
        ),
        knot,
        Cut(
            flow=curtain,
            length=lambda roots: 0.62 + 0.25 * np.abs(roots[:, 0]),
            lift=lambda p, roots, t: 0.03 + 0.055 * np.full(len(p), np.sin(min(1.0, 2 * t) * 1.57)),
            where=front,
            side=_parted(0.03),
            guides=90,
            strands=1500,
            stiff=0.6,
            hug=0.35,
            stray=0.06,
            clump=0.8,
            wave=(0.008, 1.0),
            face=0.50,
        ),
        Cut(
            flow=wisps,
            length=lambda roots: 0.75 + 0.2 * roots[:, 1],
            lift=lambda p, roots, t: np.full(len(p), 0.04),
            where=beside,
            guides=16,
            strands=420,
            stiff=0.7,
            hug=0.10,
            clump=0.85,
            wave=(0.018, 1.2),
            flyaway=0.06,
        ),
    ]


def _afro() -> list[Cut | Knot]:
    middle, radii = np.array([0.0, 0.40, -0.14]), np.array([1.04, 0.89, 1.00])

    def flow(p: Points, roots: Points, t: float) -> Points:
        return unit(roots - SKULL) + _toward(0.0, 0.12, 0.05)

    def shape(p: Points) -> NDArray[np.bool_]:
        uneven = np.sin(9 * p[:, 0] + 2) * np.sin(8 * p[:, 1]) * np.sin(7 * p[:, 2] + 1)
        return np.asarray(np.linalg.norm((p - middle) / radii, axis=1) < 1 + 0.06 * uneven)

    return [
        Cut(
            flow=flow,
            length=lambda roots: 0.38 + 0.16 * ramp(0.1, 0.9, roots[:, 1]),
            lift=lambda p, roots, t: np.full(len(p), 0.02),
            keeps=shape,
            guides=1700,
            strands=20000,
            points=34,
            stiff=0.5,
            hug=0.0,
            spring=1.0,
            stray=0.28,
            clump=0.70,
            curl=(0.030, 5.0),
            width=0.0058,
            flyaway=0.10,
            wild=1.8,
            variety=0.30,
        )
    ]


def _silver() -> list[Cut | Knot]:
    part = 0.27

    def top(roots: Points) -> NDArray[np.float64]:
        return ramp(0.48, 0.72, roots[:, 1])

    def flow(p: Points, roots: Points, t: float) -> Points:
        side = _parted(part)(roots)
        above = top(roots)[:, None]
        front = ramp(0.1, 0.6, roots[:, 2])
        over = np.stack([side * 0.9, 0.35 * front - 0.9 * t, -0.55 + 0.15 * front], -1)
        return over * above + _toward(0.0, -0.85, -0.55) * (1 - above)

    def lift(p: Points, roots: Points, t: float) -> NDArray[np.float64]:
        rise = 0.045 + 0.060 * ramp(0.0, 0.6, roots[:, 2])
        return 0.014 + rise * top(roots) * np.sin(min(1.0, 1.5 * t) * np.pi / 2)

    return [
        Cut(
            flow=flow,
            length=lambda roots: 0.05 + 0.07 * ramp(-0.1, 0.5, roots[:, 1]) + 0.30 * top(roots),
            lift=lift,
            side=_parted(part),
            guides=1300,
            strands=22000,
            points=14,
            stiff=0.5,
            hug=0.4,
            spring=0.6,
            stray=0.13,
            clump=0.6,
            variety=0.22,
        )
    ]


CUTS: dict[str, Callable[[], list[Cut | Knot]]] = {
    "bob": _bob,
    "crop": _crop,
    "bun": _bun,
    "afro": _afro,
    "silver": _silver,
}


def hair_of(cut: str, head: Head, colour: NDArray[np.float64]) -> list[Strands]:
    """The hair of a head, part by part."""
    return [
        tie(part, colour, seed) if isinstance(part, Knot) else wear(part, head, colour, seed)
        for seed, part in enumerate(CUTS[cut](), 1)
    ]
