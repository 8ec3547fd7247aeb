"""Where a face is in a picture, by a detector that the operator has installed: MediaPipe."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2

from rtav.engines.avatar.landmarks import missing
from rtav.engines.avatar.paint import U8
from rtav.engines.avatar.picture import refused
from rtav.errors import ConfigError, ProtocolError

WORKER = Path(__file__).with_name("mediapipe_worker.py")
LIMIT_S = 50.0  # it takes 2 s, most of it to load; the first time on a slow disk it takes 20
LONG_PX = 1600  # more finds no more, and takes longer to hand over

Landmarks = Mapping[str, list[float]]
"""Names to [x, y] in pixels of the picture."""


def python_with_mediapipe(named: Path | None) -> Path | None:
    """The Python to find faces with: the one named, this one if it can, or None.

    Raises ConfigError if the one that is named is none.
    """
    if named is None:
        return Path(sys.executable) if importlib.util.find_spec("mediapipe") else None
    if not named.is_file():
        raise ConfigError("assets.mediapipe_python", f"{named} is no Python")
    return named.absolute()  # a link's target would not know its virtual environment


def find_landmarks(picture: U8, python: Path | None) -> Landmarks:
    """Of the one face in `picture`, (H, W, 3) BGR.

    Raises ProtocolError: `missing_landmarks` if there is no detector or it fails, `invalid_face` if
    there is no face, or more than one.
    """
    if python is None:
        raise missing()
    scale = min(1.0, LONG_PX / max(picture.shape[:2]))
    if scale < 1:
        picture = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)  # type: ignore[assignment] # of the same kind
    faces = _asked(picture, python)
    if not faces:
        raise refused("no face is found in the picture: place the points by hand")
    if len(faces) > 1:
        raise refused("the picture shows more than one face: cut it so that one is left")
    return {name: [x / scale, y / scale] for name, (x, y) in faces[0].items()}


def _asked(picture: U8, python: Path) -> list[dict[str, list[float]]]:
    height, width = picture.shape[:2]
    try:
        answer = subprocess.run(
            [str(python), str(WORKER)],
            input=f"{width} {height}\n".encode()
            + cv2.cvtColor(picture, cv2.COLOR_BGR2RGB).tobytes(),
            capture_output=True,
            timeout=LIMIT_S,
            check=True,
        )
        found: list[dict[str, list[float]]] = json.loads(answer.stdout)["faces"]
    except (OSError, subprocess.SubprocessError, ValueError, KeyError) as error:
        said = getattr(error, "stderr", b"") or b""
        reason = said.decode(errors="replace").strip().rpartition("\n")[2][:200]
        raise ProtocolError(
            f"The detector does not work here ({reason or type(error).__name__}): place the points"
            " by hand.",
            code="missing_landmarks",
            param="landmarks",
        ) from None
    return found


def landmarks_of(given: Any, picture: U8, python: str | None) -> Any:  # JSON
    """What was given, or what is found. Raises as `find_landmarks`."""
    return given or find_landmarks(picture, None if python is None else Path(python))
