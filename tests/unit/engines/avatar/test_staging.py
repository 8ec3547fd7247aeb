from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

import rtav
from rtav.engines.avatar.face import FaceFile, read_face
from rtav.engines.avatar.renderer import Renderer
from rtav.engines.avatar.scene import planes
from rtav.engines.avatar.staging import Staging, cover
from rtav.engines.look import PLAIN, Look, frame_px, picture_px

POSE = {"headYaw": 6.0, "jawOpen": 0.4, "breath": 1.0}


@pytest.fixture(scope="module")
def face() -> FaceFile:
    return read_face(Path(rtav.__file__).parent / "assets" / "faces" / "face1")


@pytest.fixture(scope="module")
def whole(face: FaceFile) -> FaceFile:
    """As of one picture: with its background, without an outline."""
    head = np.dstack([face.backdrop, np.full(face.backdrop.shape[:2], 255, np.uint8)])
    clear = dict.fromkeys(("body", "hair_back", "hair_front"), np.zeros_like(head))
    return replace(face, pictures={**face.pictures, "head": head, **clear})


def shown(staging: Staging) -> np.ndarray:
    return staging.compose([Renderer(asset).render(POSE) for asset in staging.assets])


def bgr(frame: np.ndarray) -> np.ndarray:
    return cv2.cvtColor(frame, cv2.COLOR_YUV2BGR_I420).astype(int)


def test_frames_are_1_to_1_9_to_16_and_16_to_9_in_whole_blocks() -> None:
    sizes = [frame_px(512, framing) for framing in ("square", "portrait", "landscape")]

    assert sizes == [(512, 512), (512, 912), (912, 512)]
    assert frame_px(1024, "landscape") == (1824, 1024)
    assert picture_px(256, Look(framing="portrait", background="matte")) == (256, 896)


def test_a_square_before_its_own_backdrop_is_the_renderers_picture(face: FaceFile) -> None:
    staging = Staging(face, 128, PLAIN)
    drawn = Renderer(staging.assets[0]).render(POSE)

    assert staging.compose([drawn]) is drawn


def test_a_landscape_is_the_square_with_more_of_the_backdrop_beside_it(face: FaceFile) -> None:
    staging = Staging(face, 128, Look(framing="landscape"))
    square = Renderer(staging.assets[0]).render(POSE)

    frame = staging.compose([square])

    assert frame.shape == (192, 224)
    assert np.array_equal(frame[:128, 48:176], square[:128])
    seams = np.abs(np.diff(bgr(frame), axis=1))[:100, [47, 175]]
    assert seams.max() <= 6  # the vignette goes on


def test_a_portrait_is_closer_and_stands_on_the_frames_foot(face: FaceFile) -> None:
    staging = Staging(face, 128, Look(framing="portrait"))
    square = Renderer(staging.assets[0]).render(POSE)

    frame = staging.compose([square])

    assert (square.shape, frame.shape) == ((264, 176), (336, 128))
    assert np.array_equal(frame[48:224], square[:176, 24:152])
    assert np.abs(np.diff(bgr(frame), axis=0))[47].max() <= 6


def test_a_colour_is_behind_the_face_and_nowhere_else(face: FaceFile) -> None:
    frame = bgr(shown(Staging(face, 128, Look(background="#10c020"))))

    assert np.abs(frame[:10, :10] - [0x20, 0xC0, 0x10]).max() <= 3
    own = bgr(shown(Staging(face, 128, PLAIN)))
    assert np.abs(frame[50:85, 54:74] - own[50:85, 54:74]).mean() < 1


def test_a_picture_covers_the_frame_without_being_stretched(face: FaceFile) -> None:
    behind = np.zeros((100, 300, 3), np.uint8)
    cv2.circle(behind, (150, 50), 40, (255, 255, 255), -1)

    covered = cover(behind, 224, 128)
    staging = Staging(face, 128, Look(framing="landscape", background="bg_1"), behind)

    assert covered.shape == (128, 224, 3)
    disc = covered[..., 0] > 127
    assert abs(int(disc.any(0).sum()) - int(disc.any(1).sum())) <= 2
    assert np.abs(bgr(shown(staging))[:8, :8]).max() <= 3


def test_a_picture_does_not_rise_with_the_breath(face: FaceFile) -> None:
    behind = np.zeros((128, 128, 3), np.uint8)
    behind[::16] = 255  # lines
    staging = Staging(face, 128, Look(background="bg_1"), behind)
    frames = [
        staging.compose([Renderer(staging.assets[0]).render({"breath": breath})])[:128].astype(int)
        for breath in (-1.0, 0.0, 1.0)
    ]

    assert all(np.array_equal(frames[0][:, :6], other[:, :6]) for other in frames)
    lines = frames[1][:, 3]
    assert (lines[::16] > 200).all()
    assert np.abs(frames[0] - frames[2])[100:, 40:90].mean() > 0.2  # the body does


def test_a_matte_and_its_colours_put_the_face_before_anything(face: FaceFile) -> None:
    matte = shown(Staging(face, 128, Look(background="matte")))[:256].astype(float)
    grey = shown(Staging(face, 128, Look(background="#a0a0a0")))[:128].astype(float)

    alpha = (matte[128:] - 16) / (235 - 16)
    laid = matte[:128] + (1 - alpha) * (grey[0, 0] - 16)  # brightness: it has the full resolution
    assert np.abs(laid - grey).max() <= 3


def test_the_alpha_of_a_matte_is_grey_from_16_to_235(face: FaceFile) -> None:
    matte = shown(Staging(face, 128, Look(framing="portrait", background="matte")))

    y, u, v = planes(matte, 448, 128)
    assert (int(y[224:].min()), int(y[224:].max())) == (16, 235)
    assert np.unique(u[112:]).tolist() == np.unique(v[112:]).tolist() == [128]
    assert y[224:256].max() == 16  # above the head there is nothing


def test_those_who_show_the_same_square_are_given_the_same_picture(face: FaceFile) -> None:
    staging = Staging(face, 128, Look(framing="landscape"))
    square = Renderer(staging.assets[0]).render(POSE)

    first = staging.compose([square])

    assert staging.compose([square]) is first
    assert not first.flags.writeable


def test_a_photograph_goes_on_beyond_its_square(whole: FaceFile) -> None:
    staging = Staging(whole, 128, Look(framing="landscape"))

    frame = bgr(shown(staging))

    assert np.abs(np.diff(frame, axis=1))[:, [47, 175]].max() <= 12


@pytest.mark.parametrize("background", ["matte", "#ffffff"])
def test_a_photograph_without_an_outline_keeps_its_background(
    whole: FaceFile, background: str
) -> None:
    assert not whole.has_outline
    with pytest.raises(ValueError, match="one picture with its background"):
        Staging(whole, 128, Look(background=background))


def test_an_unknown_background_is_a_value_error(face: FaceFile) -> None:
    with pytest.raises(ValueError, match="no background 'bg_9'"):
        Staging(face, 128, Look(background="bg_9"))
