from pathlib import Path

import cv2
import numpy as np
import pytest

from rtav.engines.avatar.background import read_background
from rtav.engines.avatar.preparing import prepare_background
from rtav.errors import ProtocolError


def encoded(width: int, height: int, extension: str = ".png") -> bytes:
    rows, columns = np.mgrid[0:height, 0:width]
    picture = np.dstack([rows * 255 // height, columns * 255 // width, np.full_like(rows, 90)])
    return cv2.imencode(extension, picture.astype(np.uint8))[1].tobytes()


def test_a_picture_becomes_a_background_with_a_preview(tmp_path: Path) -> None:
    facts = prepare_background(encoded(640, 360), tmp_path, {})

    assert facts == {"width": 640, "height": 360, "preview": True}
    assert read_background(tmp_path).shape == (360, 640, 3)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["background.jpg", "preview.png"]
    assert cv2.imread(str(tmp_path / "preview.png")).shape == (144, 256, 3)


def test_a_large_picture_is_kept_as_large_as_a_frame_can_be(tmp_path: Path) -> None:
    facts = prepare_background(encoded(4000, 1000, ".jpg"), tmp_path, {})

    assert (facts["width"], facts["height"]) == (2048, 512)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"GIF89a" + bytes(40), "^send a picture as PNG, JPEG or WebP$"),
        (b"PK\x03\x04", "^send a picture as PNG, JPEG or WebP$"),
        (encoded(100, 300), "too small: 100 x 300 px"),
        (encoded(200, 200)[:60], "the picture is damaged"),
    ],
)
def test_what_is_no_picture_is_told_why(content: bytes, message: str, tmp_path: Path) -> None:
    with pytest.raises(ProtocolError, match=message) as refused:
        prepare_background(content, tmp_path, {})

    assert (refused.value.code, refused.value.param) == ("invalid_background", "file")
    assert list(tmp_path.iterdir()) == []


def test_a_background_whose_files_are_gone_is_a_value_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="there is no background"):
        read_background(tmp_path)
