import numpy as np
import pytest

from rtav.engines.avatar.asset import FaceAsset
from rtav.engines.avatar.channels import Pose
from rtav.engines.avatar.face import read_face
from rtav.engines.avatar.geometry import Geometry
from rtav.engines.avatar.lips import mouth
from rtav.engines.avatar.portrait import ASSETS
from rtav.engines.avatar.renderer import Renderer
from rtav.engines.base import Viseme

SIZE_PX = 256
FACES = sorted(path.name for path in (ASSETS / "faces").iterdir())


def asset_of(face_id: str) -> FaceAsset:
    return FaceAsset(read_face(ASSETS / "faces" / face_id), SIZE_PX)


def sound(*names: str) -> Pose:
    """The mouth in the middle of the last of sounds of 200 ms."""
    length = 4800
    visemes = [Viseme(name=n, start=i * length, end=(i + 1) * length) for i, n in enumerate(names)]
    return mouth((len(names) - 0.5) * 0.2, visemes, rate_hz=24_000)


def opening(asset: FaceAsset, pose: Pose) -> tuple[float, float]:
    """How wide and how high the mouth is open, px."""
    geometry = Geometry(asset)
    geometry.pose(pose)
    lips, n = geometry.pixels("lips"), asset.mouth.points
    return float(np.ptp(lips[0, :n])), float((lips[1, n:] - lips[1, :n]).max())


@pytest.mark.parametrize("face_id", FACES)
def test_every_standard_face_opens_wide_for_a_and_narrow_for_u(face_id: str) -> None:
    asset = asset_of(face_id)

    (a_width, a_height), (u_width, u_height) = (opening(asset, sound(n)) for n in ("aa", "U"))

    assert a_height > 10
    assert 1 < u_height < a_height
    assert u_width < 0.75 * a_width


@pytest.mark.parametrize("face_id", FACES)
@pytest.mark.parametrize("before", ["aa", "U", "O", "E"])
def test_every_standard_face_shuts_its_lips_after_any_vowel(face_id: str, before: str) -> None:
    asset = asset_of(face_id)

    assert opening(asset, sound(before, "PP"))[1] < 0.3


def test_a_robots_shell_stays_as_it_is_while_its_mouth_opens() -> None:
    renderer = Renderer(asset_of("face7"))

    shut, wide = (renderer.render(pose)[:SIZE_PX].astype(int) for pose in ({}, {"jawOpen": 1.0}))

    changed = np.abs(wide - shut) > 12
    rows, columns = np.flatnonzero(changed.any(1)), np.flatnonzero(changed.any(0))
    assert (rows.min() > 120, rows.max() < 178) == (True, True)  # the glass ends at 178
    assert (columns.min() > 74, columns.max() < 182) == (True, True)
