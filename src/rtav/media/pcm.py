"""The types and rates of everything that is heard or seen."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Pcm = NDArray[np.int16]
"""Shape (samples,), mono."""

I420 = NDArray[np.uint8]
"""Shape (height * 3 / 2, width): the planes Y, U, V one below the other."""

MIC_RATE_HZ = 16_000
"""What detectors and recognisers hear."""

SESSION_RATE_HZ = 24_000
"""The rate of a session's positions: replies, playout and faces are counted in these samples."""

TICK_SAMPLES = SESSION_RATE_HZ // 50
"""20 ms: one Opus packet, one step of the egress clock."""
