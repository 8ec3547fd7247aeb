"""The faces that are no lifelike people: a drawn woman."""

from __future__ import annotations

import numpy as np
from features import Features, Lids
from heads import FEATURES, MOUTH_HALF_WIDTH, Person
from numpy.typing import NDArray

from rtav.engines.avatar.shapes import Mouth


def _smiling_seam(x: NDArray[np.float64]) -> NDArray[np.float64]:
    u = np.abs(x) / MOUTH_HALF_WIDTH
    return -0.508 + 0.055 * u * u - 0.006 * np.exp(-((x / 0.05) ** 2))


DRAWN = Features(
    eye=FEATURES.eye,
    mouth=Mouth(MOUTH_HALF_WIDTH, _smiling_seam),
    mouth_y=-0.508,
    lids=Lids(
        half_width=0.200,
        up=(0.122, 2.3, -0.06),
        low=(0.096, 2.6, 0.06),
        shut=(-0.070, -0.028),
        tilt=0.020,
    ),
)

CREATURES = {
    person.id: person
    for person in (
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
