import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from rtav.engines.avatar.asset import FaceAsset
from rtav.engines.avatar.channels import RANGES, Pose, both
from rtav.engines.avatar.face import read_face
from rtav.engines.avatar.folds import STARTS, strengths
from rtav.engines.avatar.portrait import ASSETS
from rtav.engines.avatar.renderer import Renderer

SIZE_PX = 256
SMILE = dict.fromkeys(both("mouthSmile"), 0.9)


def face(folder: Path, *, fold: float) -> FaceAsset:
    shutil.copytree(ASSETS / "faces" / "face1", folder)
    path = folder / "face.json"
    document = json.loads(path.read_text())
    path.write_text(json.dumps(document | {"ink": {"fold": fold}}))
    return FaceAsset(read_face(folder), SIZE_PX)


def luma(asset: FaceAsset, pose: Pose) -> np.ndarray:
    return Renderer(asset).render(pose)[:SIZE_PX].astype(int)


def test_a_face_at_rest_has_no_folds() -> None:
    resting = dict.fromkeys((*both("mouthSmile"), *both("cheekSquint"), "browInnerUp"), 0.15)

    assert strengths({}, STARTS) == {}
    assert set(strengths(resting, STARTS)) <= {"smileLeft", "smileRight"}
    assert max(strengths(resting, STARTS).values()) < 0.05


def test_folds_deepen_with_the_expression_and_never_beyond_their_depth() -> None:
    depths = [
        strengths({"mouthSmileLeft": smile / 50}, STARTS).get("smileLeft", 0.0)
        for smile in range(51)
    ]

    assert all(0 <= b - a < 0.05 for a, b in zip(depths, depths[1:], strict=False))
    assert depths[-1] > 0.9
    assert max(strengths(dict.fromkeys(RANGES, 1.0), STARTS).values()) == 1.0


def test_each_half_of_a_smile_folds_its_own_cheek() -> None:
    assert set(strengths({"mouthSmileLeft": 1.0}, STARTS)) == {"smileLeft"}


def test_a_smile_shades_the_skin_beside_the_nose(tmp_path: Path) -> None:
    smooth, folding = (face(tmp_path / f"{fold}", fold=fold) for fold in (0.0, 1.0))

    change = luma(folding, SMILE) - luma(smooth, SMILE)

    assert change[120:150].min() < -15  # from the nose's wings to the mouth's corners
    assert np.abs(change[:90]).max() == np.abs(change[180:]).max() == 0
    assert np.array_equal(luma(folding, {}), luma(smooth, {}))


@pytest.mark.parametrize("yaw", [-15.0, 15.0])
def test_folds_turn_with_the_head(tmp_path: Path, yaw: float) -> None:
    smooth, folding = (face(tmp_path / f"{fold}", fold=fold) for fold in (0.0, 1.0))
    pose = SMILE | {"headYaw": yaw}

    where = np.argwhere(np.abs(luma(folding, pose) - luma(smooth, pose)) > 8)

    ahead = np.argwhere(np.abs(luma(folding, SMILE) - luma(smooth, SMILE)) > 8)
    assert np.sign(where[:, 1].mean() - ahead[:, 1].mean()) == np.sign(yaw)
