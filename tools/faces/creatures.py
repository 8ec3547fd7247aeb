"""The faces that are no lifelike people: a red panda and a drawn woman."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from features import Features, Lids
from heads import FEATURES, MOUTH_HALF_WIDTH, Person
from numpy.typing import NDArray

from rtav.engines.avatar.shapes import Mouth


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
    ),
)


class Build(NamedTuple):
    """Of an animal, in head units."""

    collar: float


PANDA = Features(
    eye=(0.315, 0.075, 0.520, 0.255),
    mouth=Mouth(MOUTH_HALF_WIDTH, _cats_seam),
    mouth_y=-0.500,
    lids=Lids(
        half_width=0.204,
        up=(0.152, 2.1, -0.02),
        low=(0.116, 2.1, 0.04),
        shut=(-0.066, -0.03),
        tilt=0.010,
    ),
)

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
            lash=0.9,
            features=PANDA,
            ink={"rim": "#3a1c16", "lash": "#1c0f0c", "crease": 0.0, "throat": "#3a1015"},
            style="panda",
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
