"""A face as it lies on disk (`avatar-face/1`): read and checked before anything is built on it."""

from __future__ import annotations

import json
import math
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import cv2
import numpy as np

from rtav.engines.avatar.camera import F32
from rtav.engines.avatar.channels import RANGES, SIDES
from rtav.engines.avatar.ink import Ink, read_ink
from rtav.engines.avatar.paint import U8
from rtav.errors import EngineUnavailable

FORMAT = "avatar-face/1"
MAX_SIZE_PX = 2048
MAX_GRID = 256
LAYERS = ("head", "hair_back", "hair_front", "body", "eyes")
SPRITES = ("tongue", "teeth_lower", "teeth_upper")


@dataclass(frozen=True, slots=True, kw_only=True)
class FaceFile:
    """Everything of a face folder. Lengths are head units: y up, +z towards the camera."""

    id: str
    name: str
    voice: str | None
    size_px: int
    """Of the layers' pictures, square."""
    camera: tuple[float, float, float]
    """Its distance z, focal length and height y."""
    pivot: tuple[float, float, float]
    eyes: Mapping[str, tuple[float, float, float, float]]
    """Side to centre and radius."""
    mouth_y: float
    lash: float
    shapes: tuple[str, ...]
    """The K channels that the displacement fields stand for."""
    backdrop: U8
    """(size, size, 3) BGR."""
    pictures: Mapping[str, U8]
    """LAYERS and SPRITES: (H, W, 4) straight BGRA."""
    arrays: Mapping[str, F32]
    """`hold` is there if not all of the head follows its turning: (grid, grid), 0 to 1."""
    ink: Ink = Ink()

    @property
    def has_outline(self) -> bool:
        """Something is seen behind it: not if it is made of one picture without alpha."""
        return bool((self.pictures["head"][..., 3] < 255).any())


def read_face(folder: Path) -> FaceFile:
    """Read a face. Raises EngineUnavailable naming the file and what is wrong with it."""
    facts = _facts(folder / "face.json")
    size_px = facts["size_px"]
    grid = facts.pop("grid")
    pictures = {name: _picture(folder / f"{name}.png", 4) for name in LAYERS + SPRITES}
    backdrop = _picture(folder / "backdrop.png", 3)
    for name, picture in (("backdrop", backdrop), *((n, pictures[n]) for n in LAYERS)):
        if picture.shape[:2] != (size_px, size_px):
            raise _wrong(folder / f"{name}.png", f"must be {size_px} x {size_px}")
    arrays = _arrays(folder / "face.npz", grid=grid, shapes=len(facts["shapes"]))
    return FaceFile(**facts, backdrop=backdrop, pictures=pictures, arrays=arrays)


def _wrong(path: Path, message: object) -> EngineUnavailable:
    return EngineUnavailable("portrait", f"{path}: {message}")


def _facts(path: Path) -> dict[str, Any]:  # the keyword arguments of FaceFile, and `grid`
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(document, dict) or document.get("format") != FORMAT:
            raise ValueError(f"not an {FORMAT} document")
        camera, shapes = document["camera"], document["shapes"]
        if not isinstance(shapes, list) or not shapes or not set(shapes) <= set(RANGES):
            raise ValueError("shapes must be a list of known channels")
        voice = document.get("voice")
        return {
            "id": str(document["id"]),
            "name": str(document["name"]),
            "voice": None if voice is None else str(voice),
            "size_px": _whole(document["size"], 64, MAX_SIZE_PX),
            "grid": _whole(document["grid"], 8, MAX_GRID),
            "camera": _numbers([camera[key] for key in ("z", "focal", "y")], 3),
            "pivot": _numbers(document["pivot"], 3),
            "eyes": {side: _numbers(document["eyes"][side], 4) for side in SIDES},
            "mouth_y": _numbers([document["mouth_y"]], 1)[0],
            "lash": _numbers([document["lash"]], 1)[0],
            "shapes": tuple(shapes),
            "ink": read_ink(document.get("ink", {})),
        }
    except KeyError as error:
        raise _wrong(path, f"{error} is missing") from error
    except (OSError, ValueError, TypeError) as error:
        raise _wrong(path, error) from error


def _whole(value: Any, low: int, high: int) -> int:  # JSON
    if not isinstance(value, int) or not low <= value <= high:
        raise ValueError(f"{value!r} must be a whole number from {low} to {high}")
    return value


def _numbers(values: Any, count: int) -> tuple[float, ...]:  # JSON
    if not isinstance(values, list) or len(values) != count:
        raise ValueError(f"{values!r} must be {count} numbers")
    numbers = tuple(float(value) for value in values)
    if not all(math.isfinite(number) and abs(number) < 100 for number in numbers):
        raise ValueError(f"{values!r} must be finite")
    return numbers


def _picture(path: Path, channels: int) -> U8:
    if not path.is_file():
        raise _wrong(path, "is missing")
    image = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    if image is None or image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != channels:
        raise _wrong(path, f"must be a picture with {channels} channels of 8 bits")
    if max(image.shape) > MAX_SIZE_PX:
        raise _wrong(path, f"must be at most {MAX_SIZE_PX} px")
    return cast(U8, image)


def _arrays(path: Path, *, grid: int, shapes: int) -> dict[str, F32]:
    any_length = None
    expected: dict[str, tuple[int | None, ...]] = {
        **dict.fromkeys(("depth_head", "depth_back", "depth_front"), (grid, grid)),
        "upper": (shapes, grid, grid, 3),
        "lower": (shapes, any_length, any_length, 3),
        "lower_at": (2,),
        "seam": (any_length, 3),
        "seam_upper": (shapes, any_length, 3),
        "seam_lower": (shapes, any_length, 3),
        **dict.fromkeys(("lid_up", "lid_low", "lid_shut"), (2, any_length, 3)),
    }
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            if "hold" in stored.files:
                expected["hold"] = (grid, grid)
            arrays = {name: stored[name].astype(np.float32) for name in expected}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise _wrong(path, error) from error
    for name, shape in expected.items():
        array = arrays[name]
        fits = len(shape) == array.ndim and all(
            want in (None, have) for want, have in zip(shape, array.shape, strict=True)
        )
        if not fits or not array.size:
            raise _wrong(path, f"{name} must have the shape {shape}, not {array.shape}")
        if not np.isfinite(array).all():
            raise _wrong(path, f"{name} must be finite")
    _check_lengths(path, arrays, grid)
    return arrays


def _check_lengths(path: Path, arrays: Mapping[str, F32], grid: int) -> None:
    seams = {arrays[name].shape[-2] for name in ("seam", "seam_upper", "seam_lower")}
    lids = {arrays[name].shape[-2] for name in ("lid_up", "lid_low", "lid_shut")}
    if len(seams) > 1 or len(lids) > 1 or min(seams | lids) < 5:
        raise _wrong(path, "curves of one kind must have the same 5 or more points")
    rows, columns = (int(v) for v in arrays["lower_at"])
    h, w = arrays["lower"].shape[1:3]
    if min(rows, columns) < 0 or rows + h > grid or columns + w > grid:
        raise _wrong(path, "lower lies outside the grid")
