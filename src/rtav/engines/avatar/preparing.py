"""What the portrait engine makes of files that callers bring: see `AdoptsAssets.preparer`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rtav.engines.avatar.archive import unpack_face, write_face
from rtav.engines.avatar.background import write_background
from rtav.engines.avatar.cutout import cut_out
from rtav.engines.avatar.detecting import landmarks_of
from rtav.engines.avatar.face import FaceFile
from rtav.engines.avatar.landmarks import Point, missing, read_landmarks
from rtav.engines.avatar.likeness import make_face
from rtav.engines.avatar.motion_upload import write_motion
from rtav.engines.avatar.paint import U8
from rtav.engines.avatar.picture import picture_size, read_alpha, read_picture
from rtav.engines.look import COLOUR, MATTE, ORIGINAL, bgr
from rtav.errors import ProtocolError


def prepare_face(upload: bytes, folder: Path, wish: Mapping[str, Any]) -> dict[str, Any]:
    """A face archive, or a picture with `consent` and `landmarks`.

    `mediapipe_python` in the wish is the operator's; with it landmarks can be missing.
    Raises ProtocolError `invalid_face`, `missing_landmarks`, `missing_required_parameter`.
    """
    if upload[:2] == b"PK":
        return unpack_face(upload, folder, face_id=wish["id"], name=wish["name"])
    picture_size(upload)
    python = wish.get("mediapipe_python")
    if not (wish.get("landmarks") or python):  # before seconds are spent on 40 megapixels
        raise missing()
    if not wish.get("consent"):
        raise ProtocolError(
            "A picture needs `consent`: who is shown, and how they agreed; or who drew it.",
            code="missing_required_parameter",
            param="consent",
        )
    check_background(wish.get("background"))
    picture = read_picture(upload)  # turned as it is seen: width and height may change places
    given = landmarks_of(wish.get("landmarks"), picture, python)
    points = read_landmarks(given, picture.shape[1], picture.shape[0])
    face = likeness(upload, picture, points, name=wish["name"], background=wish.get("background"))
    return write_face(face, folder, face_id=wish["id"], name=wish["name"])


def check_background(wished: str | None) -> None:
    """Raises ProtocolError for what no picture can have: see `likeness`."""
    if wished is None or wished in (ORIGINAL, MATTE):
        return
    if not COLOUR.fullmatch(wished):
        raise ProtocolError(
            f"`background` is {ORIGINAL}, {MATTE} (cut out of its own) or #rrggbb",
            code="invalid_value",
            param="background",
        )


def likeness(
    upload: bytes, picture: U8, points: Mapping[str, Point], *, name: str, background: str | None
) -> FaceFile:
    """A face of a picture, which is `upload` decoded, before its own background or what is wished.

    A picture with alpha is cut out already. Raises ProtocolError `invalid_face`.
    """
    alpha, behind = read_alpha(upload), None
    if background is not None and background != ORIGINAL:
        if alpha is None:
            picture, alpha, points = cut_out(picture, points)
        if COLOUR.fullmatch(background):
            behind = bgr(background)
    return make_face(picture, points, name=name, alpha=alpha, behind=behind)


def examine_face(upload: bytes, folder: Path, wish: Mapping[str, Any]) -> dict[str, Any]:
    """Where the face is in a picture. As `prepare_face`, but nothing is made."""
    del folder
    picture_size(upload)
    if not wish.get("mediapipe_python"):
        raise missing()
    picture = read_picture(upload)
    height, width = picture.shape[:2]
    found = landmarks_of(None, picture, wish["mediapipe_python"])
    return {"width": width, "height": height, "landmarks": dict(found)}


def prepare_motion(upload: bytes, folder: Path, wish: Mapping[str, Any]) -> dict[str, Any]:
    """A motion, JSON or NPZ. Raises ProtocolError `invalid_driving`."""
    return write_motion(upload, folder, motion_id=wish["id"])


def prepare_background(upload: bytes, folder: Path, wish: Mapping[str, Any]) -> dict[str, Any]:
    """A picture. Raises ProtocolError `invalid_background`."""
    del wish
    return write_background(upload, folder)
