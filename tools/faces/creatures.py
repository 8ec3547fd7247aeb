"""The faces that are no lifelike people: a red panda, a robot and a drawn woman."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from features import Features, Lids
from heads import FEATURES, MOUTH_HALF_WIDTH, Person
from numpy.typing import NDArray

from rtav.engines.avatar.shapes import Mouth, step


def _cats_seam(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """As `panda.seam`."""
    u = np.abs(x) / MOUTH_HALF_WIDTH
    return -0.500 + 0.040 * u * u - 0.012 * np.exp(-(((np.abs(x) - 0.085) / 0.07) ** 2))


def _smiling_seam(x: NDArray[np.float64]) -> NDArray[np.float64]:
    u = np.abs(x) / MOUTH_HALF_WIDTH
    return -0.508 + 0.048 * u * u - 0.006 * np.exp(-((x / 0.05) ** 2))


DRAWN = Features(
    eye=FEATURES.eye,
    mouth=Mouth(MOUTH_HALF_WIDTH, _smiling_seam),
    mouth_y=-0.508,
    lids=Lids(
        half_width=0.200,
        up=(0.122, 2.3, -0.06),
        low=(0.096, 2.6, 0.06),
        shut=(-0.002, -0.078),
        tilt=0.020,
        ends=0.7,
    ),
)


class Build(NamedTuple):
    """Of an animal, in head units."""

    collar: float


PANDA = Features(
    eye=(0.315, 0.075, 0.520, 0.255),
    mouth=Mouth(MOUTH_HALF_WIDTH, _cats_seam),
    mouth_y=-0.500,
    lift=0.045,
    lids=Lids(
        half_width=0.204,
        up=(0.152, 2.1, -0.02),
        low=(0.116, 2.1, 0.04),
        shut=(-0.066, -0.03),
        tilt=0.010,
    ),
)


def _robots_seam(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """As `robot.seam`."""
    u = np.abs(x) / MOUTH_HALF_WIDTH
    return -0.500 + 0.036 * u * u


def _on_glass(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """1 in the middle of the robot's glass, 0 on its frame and the shell."""
    x, y = points[..., 0] / 0.64, points[..., 1] + 0.145
    y = np.where(y > 0, y / 0.74, y / 0.64)  # the jaw's reach ends before the frame's rim
    away = (np.abs(x) ** 4 + np.abs(y) ** 4) ** 0.25
    return 1 - step(0.70, 1.00, away)


ROBOT = Features(
    eye=(0.300, 0.060, 0.470, 0.255),
    mouth=Mouth(MOUTH_HALF_WIDTH, _robots_seam),
    mouth_y=-0.500,
    lids=Lids(
        half_width=0.176, up=(0.176, 3.4, 0.0), low=(0.156, 3.4, 0.0), shut=(-0.030, -0.012),
        middle=0.0, tilt=0.0, ends=1.0,
    ),
    lift=0.10,
    soft=_on_glass,
)  # fmt: skip

CREATURES = {
    person.id: person
    for person in (
        Person(
            id="face6",
            name="Kito",
            voice="anthony",
            head=Build(collar=0.500),
            colours=("#bd572a", "#fff3e0", "#3a211b", "#2f6d63", "#7a4a1e"),
            backdrop=("#dfe3cf", "#9aa78c"),
            lash=0.4,
            features=PANDA,
            ink={
                "rim": "#3a1c16",
                "lash": "#1c0f0c",
                "crease": 0.0,
                "fold": 0.0,
                "throat": "#3a1015",
            },
            style="panda",
        ),
        Person(
            id="face7",
            name="Juno",
            voice="alice",
            head=Build(collar=0.0),
            colours=("#cdd3da", "#2b3440", "#0b1018", "#c3cad3", "#59e6ff"),
            backdrop=("#d8dce6", "#8f98ad"),
            lash=0.0,
            features=ROBOT,
            ink={
                "lash": "#7df0ff",
                "rim": "#7df0ff",
                "throat": "#9df4ff",
                "crease": 0.0,
                "glint": 0.0,
                "shade": 0.0,
                "fold": 0.0,
            },
            style="robot",
        ),
        Person(
            id="face8",
            name="Nora",
            voice="alice",
            head=(),
            colours=("#f9cfb0", "#d0655f", "#c9552f", "#34406b", "#4f9a86"),
            backdrop=("#cfe6e1", "#a9cfcb"),
            lash=2.2,
            features=DRAWN,
            ink={
                "fold": 0.0,
                "lash": "#2b141d",
                "rim": "#b9745f",
                "throat": "#5a1826",
                "crease": 0.55,
                "glint": 6.5,
                "shade": 0.5,
            },
            style="drawn",
        ),
    )
}
