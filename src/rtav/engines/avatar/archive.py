"""Face archives: a zip of a face folder from a stranger, checked, drawn once, written anew."""

from __future__ import annotations

import io
import json
import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import cv2
import numpy as np

from rtav.engines.avatar.asset import FaceAsset
from rtav.engines.avatar.channels import RANGES
from rtav.engines.avatar.face import FORMAT, LAYERS, MAX_SIZE_PX, SPRITES, FaceFile, read_face
from rtav.engines.avatar.ink import write_ink
from rtav.engines.avatar.picture import refused
from rtav.engines.avatar.renderer import Renderer
from rtav.errors import EngineUnavailable

PREVIEW_PX = 384
MAX_UNPACKED_BYTES = 96 << 20  # nine pictures of 2048 px would be 150 MB raw; ours have 1 MB
MAX_ENTRIES = 40  # a face has twelve files; the rest are folders and what archivers add
MAX_POINTS = 256  # of a curve: lips and lids are drawn every frame
REACH = 4.0  # head units: nothing of a head is farther from its centre
TRIALS: tuple[Mapping[str, float], ...] = (
    {},
    {"jawOpen": 1.0, "mouthSmileLeft": 1.0, "headYaw": 15.0, "eyeBlinkLeft": 1.0},
    {"mouthPucker": 1.0, "headYaw": -15.0, "headPitch": 12.0, "gazeX": 25.0, "headZ": 0.5},
)
"""Poses that touch every layer: whoever draws these draws all."""

_PICTURES = frozenset(f"{name}.png" for name in (*LAYERS, *SPRITES, "backdrop"))
_FILES = _PICTURES | {"face.json", "face.npz"}
_PNG = b"\x89PNG\r\n\x1a\n"


def unpack_face(archive: bytes, folder: Path, *, face_id: str, name: str) -> dict[str, Any]:
    """Check an archive and write its face into `folder`, which is empty, under another id.

    Nothing of the stranger's own bytes is kept: pictures and arrays are encoded again. Returns
    what is to be shown of it. Raises ProtocolError `invalid_face`.
    """
    with tempfile.TemporaryDirectory(dir=folder.parent) as place:
        unpacked = Path(place)
        for file, content in _contents(archive):
            (unpacked / file).write_bytes(content)
        try:
            face = read_face(unpacked)
        except EngineUnavailable as error:
            raise refused(str(error).replace(f"portrait: {unpacked}/", "")) from None
    return write_face(face, folder, face_id=face_id, name=name)


def write_face(face: FaceFile, folder: Path, *, face_id: str, name: str) -> dict[str, Any]:
    """Check what a face means, draw it, and write it with a preview. As `unpack_face`."""
    _check(face)
    preview = _drawn(face)
    document = {
        "format": FORMAT,
        "id": face_id,
        "name": name,
        "voice": face.voice,
        "size": face.size_px,
        "grid": int(face.arrays["depth_head"].shape[0]),
        "camera": dict(zip(("z", "focal", "y"), face.camera, strict=True)),
        "pivot": list(face.pivot),
        "eyes": {side: list(ball) for side, ball in face.eyes.items()},
        "mouth_y": face.mouth_y,
        "lash": face.lash,
        "ink": write_ink(face.ink),
        "shapes": list(face.shapes),
    }
    (folder / "face.json").write_text(json.dumps(document), encoding="utf-8")
    for part, picture in (*face.pictures.items(), ("backdrop", face.backdrop)):
        cv2.imwrite(str(folder / f"{part}.png"), picture)
    np.savez_compressed(
        folder / "face.npz",
        allow_pickle=False,
        **{part: _compact(array) for part, array in face.arrays.items()},
    )
    cv2.imwrite(str(folder / "preview.png"), preview)
    return {
        "preview": True,
        "has_outline": face.has_outline,
        **({"voice": face.voice} if face.voice else {}),
    }


# --- the archive -----------------------------------------------------------------------------


def _contents(archive: bytes) -> Iterator[tuple[str, bytes]]:
    """Each file of the face, by its own name. What else is in the archive is an error."""
    try:
        with zipfile.ZipFile(io.BytesIO(archive)) as opened:
            entries = _entries(opened)
            for file, entry in entries.items():
                with opened.open(entry) as stream:
                    content = stream.read(entry.file_size + 1)
                if file in _PICTURES:
                    _check_header(file, content)
                elif file == "face.npz":
                    _check_arrays(content)
                yield file, content
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError) as error:
        raise refused(f"the archive cannot be read: {error}") from None


def _entries(opened: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    entries = [entry for entry in opened.infolist() if not _is_clutter(entry)]
    if len(entries) > MAX_ENTRIES:
        raise refused(f"the archive has more than {MAX_ENTRIES} files")
    if sum(entry.file_size for entry in entries) > MAX_UNPACKED_BYTES:
        raise refused(f"the archive has more than {MAX_UNPACKED_BYTES >> 20} MB unpacked")
    found: dict[str, zipfile.ZipInfo] = {}
    folders = set()
    for entry in entries:
        path = PurePosixPath(entry.filename)
        folders.add(path.parent)
        if path.name not in _FILES or path.name in found or len(path.parts) > 2:
            raise refused(f"{entry.filename[:80]!r} is no file of a face, or is there twice")
        found[path.name] = entry
    if len(folders) > 1 or any({"..", "/"} & {*folder.parts} for folder in folders):
        raise refused("all files of a face are in one folder")
    if missing := sorted(_FILES - found.keys()):
        raise refused(f"the archive lacks {', '.join(missing)}")
    return found


def _is_clutter(entry: zipfile.ZipInfo) -> bool:
    """Folders, what macOS adds, and the preview, which is drawn anew."""
    path = PurePosixPath(entry.filename)
    return (
        entry.is_dir()
        or path.parts[:1] == ("__MACOSX",)
        or path.name in (".DS_Store", "preview.png")
    )


def _check_arrays(content: bytes) -> None:
    with zipfile.ZipFile(io.BytesIO(content)) as arrays:
        if sum(entry.file_size for entry in arrays.infolist()) > MAX_UNPACKED_BYTES:
            raise refused(f"face.npz: has more than {MAX_UNPACKED_BYTES >> 20} MB unpacked")


def _check_header(file: str, content: bytes) -> None:
    """Before it is decoded: a picture of a few KB may claim to be of some GB."""
    width, height = (int.from_bytes(content[at : at + 4], "big") for at in (16, 20))
    if not content.startswith(_PNG) or content[12:16] != b"IHDR":
        raise refused(f"{file}: must be a PNG")
    if not 1 <= max(width, height) <= MAX_SIZE_PX or not min(width, height):
        raise refused(f"{file}: must be at most {MAX_SIZE_PX} px")


# --- the face --------------------------------------------------------------------------------


def _check(face: FaceFile) -> None:
    """What `read_face` takes on trust from the project's own faces."""
    z, focal, _ = face.camera
    if not 2 <= z <= 50 or not 0.5 <= focal <= 50:
        raise refused("face.json: the camera must be 2 to 50 away, its focal length 0.5 to 50")
    if any(not 0.02 <= ball[3] <= 1 for ball in face.eyes.values()):
        raise refused("face.json: an eye's radius must be 0.02 to 1")
    if not 0 <= face.lash <= 3:
        raise refused("face.json: lash must be 0 to 3")
    if len(set(face.shapes)) != len(face.shapes):
        raise refused("face.json: a shape is there twice")
    if face.voice is not None and len(face.voice) > 64:
        raise refused("face.json: voice is a name of at most 64 characters")
    _check_values(face.arrays)
    if not face.pictures["head"][..., 3].any():
        raise refused("head.png: is wholly transparent")


def _check_values(arrays: Mapping[str, Any]) -> None:  # of float32
    for name, array in arrays.items():
        if name != "lower_at" and float(np.abs(array).max()) > REACH:
            raise refused(f"face.npz: {name} must be within {REACH:g} of the head's centre")
        if name.startswith(("seam", "lid")) and array.shape[-2] > MAX_POINTS:
            raise refused(f"face.npz: {name} has more than {MAX_POINTS} points")
    hold = arrays.get("hold")
    if hold is not None and not 0 <= float(hold.min()) <= float(hold.max()) <= 1:
        raise refused("face.npz: hold must be 0 to 1")


def _drawn(face: FaceFile) -> Any:  # (PREVIEW_PX, PREVIEW_PX, 3) uint8
    """The face at rest, after it has been drawn in every trial."""
    assert all(name in RANGES for trial in TRIALS for name in trial), "the channels have changed"
    try:
        renderer = Renderer(FaceAsset(face, PREVIEW_PX))
        for trial in reversed(TRIALS):
            planes = renderer.render(dict(trial))
    except (cv2.error, ValueError, IndexError, ArithmeticError) as error:
        raise refused(f"the face cannot be drawn: {str(error)[:200]}") from None
    return cv2.cvtColor(planes, cv2.COLOR_YUV2BGR_I420)


def _compact(array: Any) -> Any:  # float32 in; float16 where nothing is lost by it
    half = array.astype(np.float16)
    return half if np.array_equal(half.astype(np.float32), array) else array
