"""What the portrait engine makes of files that callers bring: see `AdoptsAssets.preparer`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rtav.engines.avatar.archive import unpack_face
from rtav.engines.avatar.motion_upload import write_motion
from rtav.errors import ProtocolError


def prepare_face(upload: bytes, folder: Path, wish: Mapping[str, Any]) -> dict[str, Any]:
    """A face archive. Raises ProtocolError `invalid_face`."""
    if upload[:2] != b"PK":
        raise ProtocolError(
            "Send a face archive: a zip of a face's folder", code="invalid_face", param="file"
        )
    return unpack_face(upload, folder, face_id=wish["id"], name=wish["name"])


def prepare_motion(upload: bytes, folder: Path, wish: Mapping[str, Any]) -> dict[str, Any]:
    """A motion, JSON or NPZ. Raises ProtocolError `invalid_driving`."""
    return write_motion(upload, folder, motion_id=wish["id"])
