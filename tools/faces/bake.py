"""From pictures of a head to the folder the portrait engine loads."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType

import cv2
import numpy as np
from anatomy import BODY, EYES, HAIR_BACK, HEAD, SKIN
from features import Features
from heads import CAMERA_Y, CAMERA_Z, FOCAL, PIVOT, Person
from march import OF_HAIR, Picture
from numpy.typing import NDArray

Floats = NDArray[np.float32]

SIZE = 720  # px; larger frames show no more than this
GRID = 96  # nodes of the displacement fields
LID_POINTS = 25
SEAM_POINTS = 41
MOUTH_MARGIN = 8  # nodes around the mouth in which the lower lip has a field of its own
SIDES_Z, FRONT_Z = 0.10, 0.86  # head units: how far back the head's sides count, and its front
NEGLIGIBLE = 2e-5  # head units, 0.004 px at SIZE: zeros compress


def bake(person: Person, style: ModuleType, pictures: Mapping[int, Picture], folder: Path) -> None:
    """Write the face of `person`. `pictures` holds the five scenes, all of one size.

    `style` also gives the mouth's inside, `inside(person)`, and `backdrop(person, size)`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    front = pictures[HEAD].material == OF_HAIR
    layers = {
        "head": _layer(pictures[SKIN], pictures[SKIN].material > 0),
        "body": _layer(pictures[BODY], pictures[BODY].material > 0),
        "hair_back": _layer(pictures[HAIR_BACK], pictures[HAIR_BACK].material > 0),
        "hair_front": _layer(pictures[HEAD], front),
    }
    for name, image in layers.items():
        _write(folder / f"{name}.png", _straight(image))
    write_eyes(pictures[EYES], folder)
    write_inside(person, style, folder)
    _write(folder / "backdrop.png", style.backdrop(person, SIZE) / 255)
    names, arrays = _fields(person.features, pictures, front)
    np.savez_compressed(folder / "face.npz", **arrays)
    describe(person, names, folder)


def write_eyes(picture: Picture, folder: Path) -> None:
    """Write the balls that turn behind the lids."""
    _write(folder / "eyes.png", _straight(_layer(picture, picture.material > 0)))


def write_inside(person: Person, style: ModuleType, folder: Path) -> None:
    """Write what an open mouth shows."""
    for name, image in style.inside(person).items():
        _write(folder / f"{name}.png", _straight(image))


def describe(person: Person, names: list[str], folder: Path) -> None:
    """Write face.json; `names` are the shapes."""
    document = {
        "format": "avatar-face/1",
        "id": person.id,
        "name": person.name,
        "voice": person.voice,
        "license": "Apache-2.0",
        "generator": "tools/faces/make.py",
        "size": SIZE,
        "grid": GRID,
        "camera": {"z": CAMERA_Z, "focal": FOCAL, "y": CAMERA_Y},
        "pivot": list(PIVOT),
        "eyes": {side: list(eye) for side, eye in person.features.eyes().items()},
        "mouth_y": person.features.mouth_y,
        "lash": person.lash,
        **({"ink": dict(person.ink)} if person.ink else {}),
        "shapes": names,
    }
    (folder / "face.json").write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


# --- pictures --------------------------------------------------------------------------------


def _layer(picture: Picture, mask: NDArray[np.bool_]) -> Floats:
    """(SIZE, SIZE, 4) premultiplied BGRA, 0 to 1."""
    alpha = (mask if picture.cover is None else mask * picture.cover).astype(np.float32)
    image = np.dstack([picture.colour[..., ::-1] * alpha[..., None], alpha])
    return cv2.resize(image, (SIZE, SIZE), interpolation=cv2.INTER_AREA)


def _straight(image: Floats) -> Floats:
    alpha = image[..., 3:]
    colour = np.where(alpha > 1e-3, image[..., :3] / np.maximum(alpha, 1e-3), 0)
    return np.dstack([colour, alpha])


def _write(path: Path, image: Floats) -> None:
    pixels = np.clip(image * 255 + 0.5, 0, 255).astype(np.uint8)
    cv2.imwrite(str(path), pixels, [cv2.IMWRITE_PNG_COMPRESSION, 9])


# --- geometry --------------------------------------------------------------------------------


def _fields(
    features: Features, pictures: Mapping[int, Picture], front: NDArray[np.bool_]
) -> tuple[list[str], dict[str, NDArray[np.float16]]]:
    face = pictures[SKIN]
    on_face = (face.material > 0) & (face.position[..., 1] > -1.35)
    # what is farther back than this would be drawn out wide when the head turns
    head = _depth(on_face, np.maximum(face.position[..., 2], SIDES_Z), 1.3)
    behind = pictures[HAIR_BACK]
    back = _depth(behind.material > 0, behind.position[..., 2], 3.5)
    fringe = _depth(front, np.clip(pictures[HEAD].position[..., 2], SIDES_Z, FRONT_Z), 2.5)
    names, expressions = fit(features, head, _seam(features, on_face, face.position[..., 2]))
    arrays = {"depth_head": head, "depth_back": back, "depth_front": fringe}
    return names, {name: _compact(array) for name, array in arrays.items()} | expressions


def fit(
    features: Features, depth: Floats, lips: NDArray[np.float64]
) -> tuple[list[str], dict[str, NDArray[np.float16]]]:
    """All that moves a head: the shapes' names, displacement fields, lips and lids.

    `depth` is (GRID, GRID); `lips` the closed mouth line on the surface, (SEAM_POINTS, 3).
    """
    nodes, moved = _unproject(depth), features.displacements
    upper, lower = moved(nodes, upper=True), moved(nodes, upper=False)
    names = list(upper)
    over, under = _stack(upper, names), _stack(lower, names)
    rows, columns = _mouth_window(nodes, features.mouth_y)
    lips_up, lips_low = moved(lips, upper=True), moved(lips, upper=False)
    eyes, lids = features.eyes().values(), features.lids
    arrays = {
        "upper": over,
        "lower": (under - over)[:, rows, columns],
        "lower_at": np.array([rows.start, columns.start]),
        "seam": lips,
        "seam_upper": _stack(lips_up, names),
        "seam_lower": _stack(lips_low, names),
        **{
            f"lid_{part}": np.stack([lids.curve(eye, part, LID_POINTS) for eye in eyes])
            for part in ("up", "low", "shut")
        },
    }
    return names, {name: _compact(array) for name, array in arrays.items()}


def _compact(array: NDArray[np.floating]) -> NDArray[np.float16]:
    return np.where(np.abs(array) < NEGLIGIBLE, 0, array).astype(np.float16)


def _stack(shapes: Mapping[str, NDArray[np.float64]], names: list[str]) -> NDArray[np.float64]:
    return np.stack([shapes[name] for name in names])


def _depth(mask: NDArray[np.bool_], z: Floats, smooth: float) -> Floats:
    """(GRID, GRID) depth, pushed outwards from the silhouette and smoothed.

    A steep step at a silhouette makes the inverse of the warp diverge into wisps. All 0 if there
    is nothing.
    """
    if not mask.any():
        return np.zeros((GRID, GRID), np.float32)
    total = cv2.resize(
        np.where(mask, z, 0).astype(np.float32), (GRID, GRID), interpolation=cv2.INTER_AREA
    )
    share = cv2.resize(mask.astype(np.float32), (GRID, GRID), interpolation=cv2.INTER_AREA)
    known = (share > 0.02).astype(np.float32)
    depth = np.where(known > 0, total / np.maximum(share, 1e-3), 0).astype(np.float32)
    while not known.all():
        spread, count = cv2.blur(depth * known, (3, 3)), cv2.blur(known, (3, 3))
        fresh = (known == 0) & (count > 0)
        depth[fresh] = (spread / np.maximum(count, 1e-6))[fresh]
        known[fresh] = 1
    return cv2.GaussianBlur(depth, (0, 0), smooth)


def _unproject(depth: Floats) -> NDArray[np.float64]:
    centres = (np.arange(GRID) + 0.5) / GRID
    x, y = np.meshgrid(centres, centres)
    s = FOCAL / (CAMERA_Z - depth)
    return np.stack([(x * 2 - 1) / s, (1 - y * 2) / s + CAMERA_Y, depth], -1)


def _mouth_window(nodes: NDArray[np.float64], mouth_y: float) -> tuple[slice, slice]:
    """Rows and columns of the nodes around the mouth, with a margin for the inversion."""
    x, y = nodes[..., 0], nodes[..., 1]
    inside = (np.abs(x) < 0.46) & (y < mouth_y + 0.20) & (y > mouth_y - 0.64)
    rows, columns = np.flatnonzero(inside.any(1)), np.flatnonzero(inside.any(0))
    return tuple(
        slice(max(0, i[0] - MOUTH_MARGIN), min(GRID, i[-1] + 1 + MOUTH_MARGIN))
        for i in (rows, columns)
    )


def _seam(features: Features, mask: NDArray[np.bool_], z: Floats) -> NDArray[np.float64]:
    """(SEAM_POINTS, 3): the closed mouth line on the surface."""
    x = np.linspace(-1, 1, SEAM_POINTS) * features.mouth.half_width
    line = np.stack([x, features.mouth.seam(x), np.full_like(x, 0.78)], -1)
    surface = np.where(mask, z, 0).astype(np.float32)
    size = surface.shape[0]
    for _ in range(4):  # where the pixel is depends on the depth there
        s = FOCAL / (CAMERA_Z - line[:, 2])
        column = ((line[:, 0] * s + 1) * size / 2).astype(np.float32)[None]
        row = ((1 - (line[:, 1] - CAMERA_Y) * s) * size / 2).astype(np.float32)[None]
        found = cv2.remap(surface, column, row, cv2.INTER_LINEAR)[0]
        line[:, 2] = np.where(found > 0.3, found, line[:, 2])
    line[:, 2] = np.convolve(np.pad(line[:, 2], 3, mode="edge"), np.ones(7) / 7, "valid")
    return line
