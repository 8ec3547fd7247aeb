import asyncio
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from rtav.engines.avatar.portrait import ASSETS, PortraitAvatar
from rtav.engines.base import AvatarEngine, Moment
from rtav.errors import ConfigError, EngineUnavailable
from rtav.testing.contracts.avatar import AvatarContract


class TestPortrait(AvatarContract):
    def make(self) -> AvatarEngine:
        return PortraitAvatar()


@pytest.fixture
def engine() -> PortraitAvatar:
    portrait = PortraitAvatar()
    asyncio.run(portrait.start())
    return portrait


def test_the_standard_faces_have_names_voices_and_previews(engine: PortraitAvatar) -> None:
    faces = [(f.id, f.name, f.voice, f.preview) for f in engine.faces()]

    assert faces == [
        ("face1", "Mia", "alice", "faces/face1/preview.png"),
        ("face2", "Leo", "anthony", "faces/face2/preview.png"),
    ]
    assert all((ASSETS / face.preview).is_file() for face in engine.faces() if face.preview)


def test_the_documented_motions_are_there(engine: PortraitAvatar) -> None:
    assert {motion.id: motion.loops for motion in engine.motions()} == {
        "default": True,
        "idle": True,
        "Wink": False,
        "AgreeYesTotaly": False,
        "SmileTeeth": False,
        "IdleListeningEncouraging": True,
    }


def test_the_default_face_is_the_first(engine: PortraitAvatar) -> None:
    by_default, by_name, other = (
        engine.open(face, size_px=256, fps=25, seed=1).render(Moment(at=0))
        for face in ("default", "face1", "face2")
    )

    assert np.array_equal(by_default, by_name)
    assert not np.array_equal(by_default, other)


def test_calls_share_what_is_loaded(engine: PortraitAvatar) -> None:
    assert engine.asset("face1", 256) is engine.asset("default", 256)


@pytest.mark.parametrize("size_px", [100, 300, 2048])
def test_a_size_that_cannot_be_drawn_is_a_value_error(engine: PortraitAvatar, size_px: int) -> None:
    with pytest.raises(ValueError, match="multiple of 8"):
        engine.open("face1", size_px=size_px, fps=25, seed=1)


def test_an_empty_sequence_of_motions_is_a_value_error(engine: PortraitAvatar) -> None:
    avatar = engine.open("face1", size_px=256, fps=25, seed=1)

    with pytest.raises(ValueError, match="empty"):
        avatar.drive([], at=0)


def test_faces_and_motions_of_a_folder_join_the_standard_ones(tmp_path: Path) -> None:
    _copy_face(tmp_path, new_id="ann")
    driving = tmp_path / "driving"
    driving.mkdir()
    wave = {"format": "avatar-motion/1", "name": "Wave", "duration": 1, "loop": False}
    (driving / "Wave.json").write_text(json.dumps(wave | {"channels": {}}))
    engine = PortraitAvatar(assets=str(tmp_path))

    asyncio.run(engine.start())

    assert [face.id for face in engine.faces()] == ["face1", "face2", "ann"]
    assert "Wave" in [motion.id for motion in engine.motions()]
    engine.open("ann", size_px=256, fps=25, seed=1).drive(["wave", "default"], at=0)


def test_a_folder_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(EngineUnavailable, match="nowhere is missing"):
        asyncio.run(PortraitAvatar(assets=str(tmp_path / "nowhere")).start())


def test_a_broken_face_stops_the_start_and_is_named(tmp_path: Path) -> None:
    folder = _copy_face(tmp_path, new_id="ann")
    (folder / "face.npz").write_bytes(b"PK\x03\x04 not really")

    with pytest.raises(EngineUnavailable, match=r"ann/face\.npz"):
        asyncio.run(PortraitAvatar(assets=str(tmp_path)).start())


def test_the_options_error_names_the_setting() -> None:
    with pytest.raises(ConfigError, match=r"avatar\.portrait\.fast"):
        PortraitAvatar(fast=True)


def _copy_face(root: Path, *, new_id: str) -> Path:
    folder = root / "faces" / new_id
    shutil.copytree(ASSETS / "faces" / "face1", folder)
    facts = json.loads((folder / "face.json").read_text())
    (folder / "face.json").write_text(json.dumps(facts | {"id": new_id}))
    return folder
