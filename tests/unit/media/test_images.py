from __future__ import annotations

import cv2
import numpy as np

from rtav.media.images import jpeg


def test_a_frame_keeps_its_size_and_colours() -> None:
    red = np.zeros((64, 96, 3), np.uint8)
    red[:, :, 2] = 200
    frame = cv2.cvtColor(red, cv2.COLOR_BGR2YUV_I420)

    picture = cv2.imdecode(np.frombuffer(jpeg(frame), np.uint8), cv2.IMREAD_COLOR)

    assert picture.shape == (64, 96, 3)
    blue, green, red_mean = picture.reshape(-1, 3).mean(axis=0)
    assert abs(red_mean - 200) < 6
    assert blue < 6
    assert green < 6


def test_a_lower_quality_is_smaller() -> None:
    frame = np.random.default_rng(1).integers(0, 255, (96, 64), np.uint8)

    assert len(jpeg(frame, quality=30)) < len(jpeg(frame, quality=90))
