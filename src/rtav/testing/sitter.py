"""A picture to make a face of, and where its features are: a standard face sits for it."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from rtav.engines.avatar.asset import FaceAsset
from rtav.engines.avatar.camera import Camera
from rtav.engines.avatar.face import read_face
from rtav.engines.avatar.paint import U8
from rtav.engines.avatar.portrait import ASSETS
from rtav.engines.avatar.renderer import Renderer

CHIN, NOSE_TIP = (0.0, -0.93, 0.55), (0.0, -0.2, 0.8)  # of face1, in head units


def portrait(size_px: int) -> tuple[U8, dict[str, list[float]]]:
    """A picture of face1, (size_px, size_px, 3) BGR, and its landmarks in pixels."""
    face = read_face(ASSETS / "faces" / "face1")
    drawn = Renderer(FaceAsset(face, size_px)).render({})
    z, focal, y = face.camera
    camera, arrays = Camera(z=z, focal=focal, y=y, size_px=size_px), face.arrays
    points: dict[str, NDArray[np.float32]] = {}
    for i, side in enumerate(("Left", "Right")):
        up, low = camera.project(arrays["lid_up"][i]), camera.project(arrays["lid_low"][i])
        ends = sorted((up[0], up[-1]), key=lambda end: abs(end[0] - size_px / 2))
        points |= {f"eye{side}Inner": ends[0], f"eye{side}Outer": ends[1]}
        points |= {f"eye{side}Top": up[12], f"eye{side}Bottom": low[12]}
    seam = camera.project(arrays["seam"])
    points |= {"mouthRight": seam[0], "mouthCentre": seam[20], "mouthLeft": seam[-1]}
    for name, place in (("chin", CHIN), ("noseTip", NOSE_TIP)):
        points[name] = camera.project(np.array(place))
    picture = cv2.cvtColor(drawn, cv2.COLOR_YUV2BGR_I420).astype(np.uint8, copy=False)
    return picture, {name: [float(v) for v in point] for name, point in points.items()}
