"""Finds faces with MediaPipe, in whatever Python has it: `PYTHON mediapipe_worker.py`.

Run by its path and importing nothing of rtav: MediaPipe 0.10.21, the last one that brings its
models, needs another numpy than rtav does. Takes one picture from stdin: a line `WIDTH HEIGHT`,
then RGB bytes. Writes `{"faces": [{name: [x, y], …}, …]}` in pixels to stdout, the largest first.
"""

from __future__ import annotations

import json
import sys
from typing import Any

MAX_FACES = 2  # more would tell nothing more
POINTS = {
    "eyeRightOuter": 33, "eyeRightInner": 133, "eyeRightTop": 159, "eyeRightBottom": 145,
    "eyeLeftInner": 362, "eyeLeftOuter": 263, "eyeLeftTop": 386, "eyeLeftBottom": 374,
    "mouthRight": 61, "mouthLeft": 291, "chin": 152, "noseTip": 1,
    "pupilRight": 468, "pupilLeft": 473,
}  # fmt: skip
"""Of MediaPipe's 478 points."""
LIPS = (13, 14)  # where they meet, in their middle: of the upper one and of the lower one


def main() -> None:
    """Answer one picture. A missing MediaPipe is an ImportError, on stderr, as ever."""
    import mediapipe  # noqa: PLC0415 - only here, in a Python that has it
    import numpy  # noqa: PLC0415 - that Python's own

    width, height = (int(number) for number in sys.stdin.buffer.readline().split())
    content = sys.stdin.buffer.read(width * height * 3)
    picture = numpy.frombuffer(content, numpy.uint8).reshape(height, width, 3)
    mesh = mediapipe.solutions.face_mesh.FaceMesh(
        static_image_mode=True, max_num_faces=MAX_FACES, refine_landmarks=True
    )
    found = mesh.process(picture).multi_face_landmarks or []
    faces = [_named(face.landmark, width, height) for face in found]
    faces.sort(key=lambda face: face["eyeRightOuter"][0] - face["eyeLeftOuter"][0])
    json.dump({"faces": faces}, sys.stdout)


def _named(marks: Any, width: int, height: int) -> dict[str, list[float]]:  # MediaPipe's types
    def at(index: int) -> list[float]:
        return [round(marks[index].x * width, 1), round(marks[index].y * height, 1)]

    upper, lower = at(LIPS[0]), at(LIPS[1])
    middle = [(upper[0] + lower[0]) / 2, (upper[1] + lower[1]) / 2]
    return {"mouthCentre": middle} | {name: at(index) for name, index in POINTS.items()}


if __name__ == "__main__":
    main()
