import json
import shutil
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from rtav.engines.avatar.face import read_face
from rtav.engines.avatar.ink import Ink, read_ink, write_ink
from rtav.engines.avatar.portrait import ASSETS
from rtav.errors import EngineUnavailable


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(ASSETS / "faces" / "face1", tmp_path / "ann"))


def test_a_standard_face_is_read() -> None:
    face = read_face(ASSETS / "faces" / "face2")

    assert (face.id, face.name, face.voice) == ("face2", "Leo", "anthony")
    assert face.pictures["head"].shape == (face.size_px, face.size_px, 4)
    assert face.arrays["upper"].shape[0] == len(face.shapes)
    assert face.arrays["upper"].dtype == np.float32


def test_a_face_without_ink_is_inked_as_people_are(folder: Path) -> None:
    assert read_face(folder).ink == Ink()


def test_a_face_may_be_inked_in_its_own_colours(folder: Path) -> None:
    edit_json(ink={"lash": "#112233", "glint": 0})(folder)

    ink = read_face(folder).ink

    assert (ink.lash, ink.glint, ink.shade) == ((0x33, 0x22, 0x11), 0.0, 1.0)
    assert read_ink(write_ink(ink)) == ink


@pytest.mark.parametrize("face_id", sorted(path.name for path in (ASSETS / "faces").iterdir()))
def test_a_standard_face_is_small(face_id: str) -> None:
    files = (ASSETS / "faces" / face_id).iterdir()

    assert sum(path.stat().st_size for path in files) < 1_300_000


def edit_json(**change: object) -> Callable[[Path], None]:
    def edit(folder: Path) -> None:
        path = folder / "face.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | change))

    return edit


def edit_arrays(change: Callable[[dict[str, np.ndarray]], None]) -> Callable[[Path], None]:
    def edit(folder: Path) -> None:
        with np.load(folder / "face.npz") as stored:
            arrays = dict(stored)
        change(arrays)
        np.savez(folder / "face.npz", **arrays)

    return edit


def drop(name: str) -> Callable[[dict[str, np.ndarray]], None]:
    def change(arrays: dict[str, np.ndarray]) -> None:
        del arrays[name]

    return change


def put(name: str, value: np.ndarray) -> Callable[[dict[str, np.ndarray]], None]:
    return lambda arrays: arrays.update({name: value})


@pytest.mark.parametrize(
    ("harm", "complaint"),
    [
        (edit_json(format="other"), r"face\.json: not an avatar-face/1 document"),
        (edit_json(shapes=["noSuchShape"]), r"face\.json: shapes must be a list of known"),
        (edit_json(size="720"), r"face\.json: '720' must be a whole number"),
        (edit_json(pivot=[0, 0]), r"face\.json: \[0, 0\] must be 3 numbers"),
        (edit_json(mouth_y=float("inf")), r"face\.json: \[inf\] must be finite"),
        (edit_json(eyes={"Left": [0, 0, 0, 1]}), r"face\.json: 'Right' is missing"),
        (edit_json(ink=["#ffffff"]), r"face\.json: ink must be an object"),
        (edit_json(ink={"lash": "black"}), r"face\.json: ink\.lash must be a colour as #rrggbb"),
        (edit_json(ink={"glint": 41}), r"face\.json: ink\.glint must be a number from 0 to 40"),
        (edit_json(ink={"shade": True}), r"face\.json: ink\.shade must be a number from 0 to 1"),
        (edit_json(ink={"blood": 1}), r"face\.json: ink\.blood is unknown"),
        (lambda f: (f / "face.json").write_text("{"), r"face\.json: Expecting"),
        (lambda f: (f / "face.json").unlink(), r"face\.json"),
        (lambda f: (f / "head.png").unlink(), r"head\.png: is missing"),
        (lambda f: (f / "head.png").write_bytes(b"GIF89a"), r"head\.png: must be a picture"),
        (
            lambda f: cv2.imwrite(str(f / "body.png"), np.zeros((64, 64, 4), np.uint8)),
            r"body\.png: must be 720 x 720",
        ),
        (
            lambda f: cv2.imwrite(str(f / "eyes.png"), np.zeros((720, 720, 3), np.uint8)),
            r"eyes\.png: must be a picture with 4 channels",
        ),
        (lambda f: (f / "face.npz").write_bytes(b"PK\3\4"), r"face\.npz"),
        (lambda f: (f / "face.npz").write_bytes(b""), r"face\.npz"),
        (edit_arrays(drop("seam")), r"face\.npz: .*seam"),
        (edit_arrays(put("seam", np.zeros((41, 2)))), r"face\.npz: seam must have the shape"),
        (edit_arrays(put("seam", np.zeros((9, 3)))), r"face\.npz: curves of one kind"),
        (
            edit_arrays(put("depth_head", np.full((96, 96), np.nan))),
            r"face\.npz: depth_head must be finite",
        ),
        (edit_arrays(put("lower_at", np.array([90, 90]))), r"face\.npz: lower lies outside"),
    ],
)
def test_a_face_that_cannot_be_drawn_is_refused_by_file(
    folder: Path, harm: Callable[[Path], object], complaint: str
) -> None:
    harm(folder)

    with pytest.raises(EngineUnavailable, match=complaint):
        read_face(folder)


def test_a_pickle_in_a_face_is_never_loaded(folder: Path) -> None:
    with np.load(folder / "face.npz") as stored:
        arrays = dict(stored)
    arrays["seam"] = np.array([{"print": "boo"}], dtype=object)
    np.savez(folder / "face.npz", **arrays)

    with pytest.raises(EngineUnavailable, match="allow_pickle=False"):
        read_face(folder)
