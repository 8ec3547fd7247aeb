import contextlib
import io
import json
import shutil
import struct
import zipfile
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import rtav
from rtav.engines.avatar import archive
from rtav.engines.avatar.archive import unpack_face
from rtav.engines.avatar.face import read_face
from rtav.engines.avatar.ink import Ink
from rtav.engines.avatar.preparing import prepare_face
from rtav.errors import ProtocolError

FACE = Path(rtav.__file__).parent / "assets" / "faces" / "face2"
FILES = {path.name: path.read_bytes() for path in FACE.iterdir()}


def zipped(files: dict[str, bytes], *, folder: str = "leo/") -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in files.items():
            archive.writestr(folder + name, content)
    return out.getvalue()


def unpacked(content: bytes, tmp_path: Path) -> Path:
    folder = tmp_path / "made"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    unpack_face(content, folder, face_id="face_1", name="Mine")
    return folder


def refused(content: bytes, tmp_path: Path) -> str:
    with pytest.raises(ProtocolError) as error:
        unpacked(content, tmp_path)
    assert (error.value.code, error.value.param) == ("invalid_face", "file")
    assert str(tmp_path) not in error.value.message
    return error.value.message


def changed(**facts) -> bytes:
    return zipped(
        FILES | {"face.json": json.dumps(json.loads(FILES["face.json"]) | facts).encode()}
    )


def with_arrays(**changes) -> bytes:
    with np.load(FACE / "face.npz") as stored:
        arrays = {name: stored[name] for name in stored.files}
    out = io.BytesIO()
    np.savez_compressed(out, **{name: a for name, a in (arrays | changes).items() if a is not None})
    return zipped(FILES | {"face.npz": out.getvalue()})


def png(width: int, height: int) -> bytes:
    """The header of a picture that claims to be this large, and nothing in it."""
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + header
        + struct.pack(">I", zlib.crc32(header)) + struct.pack(">I", 0) + b"IEND\xaeB`\x82"
    )  # fmt: skip


@pytest.mark.parametrize("folder", ["", "leo/"])
def test_the_archive_of_a_face_becomes_the_same_face_under_another_id(tmp_path, folder):
    face, original = read_face(unpacked(zipped(FILES, folder=folder), tmp_path)), read_face(FACE)
    assert (face.id, face.name, face.voice) == ("face_1", "Mine", original.voice)
    assert face.shapes == original.shapes
    for name, array in original.arrays.items():
        assert np.array_equal(face.arrays[name], array), name
    for name, picture in original.pictures.items():
        assert np.array_equal(face.pictures[name], picture), name


def test_its_ink_is_kept(tmp_path):
    face = read_face(unpacked(changed(ink={"lash": "#102030", "crease": 0}), tmp_path))
    assert face.ink == Ink(lash=(0x30, 0x20, 0x10), crease=0.0)


def test_its_preview_is_drawn_and_not_taken(tmp_path):
    folder = unpacked(zipped(FILES | {"preview.png": b"not a picture"}), tmp_path)
    preview = cv2.imread(str(folder / "preview.png"))
    assert preview.shape == (384, 384, 3)
    assert preview[150:230, 150:230].std() > 5
    assert not list(folder.parent.glob("tmp*"))


def test_what_archivers_add_is_passed_over(tmp_path):
    clutter = {"__MACOSX/leo/._face.json": b"x", ".DS_Store": b"x"}
    assert unpacked(zipped(FILES | clutter, folder=""), tmp_path).is_dir()


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"evil.py": b"x"}, "'leo/evil.py' is no file of a face"),
        ({"deeper/head.png": b"x"}, "is no file of a face, or is there twice"),
        ({"../head.png": b"x"}, "is no file of a face, or is there twice"),
    ],
)
def test_a_file_that_does_not_belong_there_is_named(tmp_path, files, message):
    assert message in refused(zipped(FILES | files), tmp_path)


@pytest.mark.parametrize("folder", ["../", "/", "a/b/", "../../tmp/"])
def test_a_path_leads_nowhere(tmp_path, folder):
    refused(zipped(FILES, folder=folder), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["made"]


def test_a_file_that_is_missing_is_named(tmp_path):
    files = {name: content for name, content in FILES.items() if name != "eyes.png"}
    assert refused(zipped(files), tmp_path) == "the archive lacks eyes.png"


def test_an_archive_of_many_files_is_refused(tmp_path):
    files = {f"head{number}.png": b"" for number in range(41)}
    assert "more than 40 files" in refused(zipped(files), tmp_path)


def test_an_archive_that_unpacks_to_much_is_refused_unread(tmp_path):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as bomb:
        bomb.writestr("head.png", bytes(97 << 20))
    assert len(out.getvalue()) < 200_000
    assert "96 MB unpacked" in refused(out.getvalue(), tmp_path)


def test_arrays_that_unpack_to_much_are_refused_unread(tmp_path):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as bomb:
        bomb.writestr("upper.npy", bytes(97 << 20))
    assert "face.npz" in refused(zipped(FILES | {"face.npz": out.getvalue()}), tmp_path)


@pytest.mark.parametrize(
    ("picture", "message"),
    [
        (png(60000, 60000), "head.png: must be at most 2048 px"),
        (png(0, 10), "head.png: must be at most 2048 px"),
        (b"GIF89a" + bytes(40), "head.png: must be a PNG"),
        (b"", "head.png: must be a PNG"),
        (png(720, 720), "head.png: must be a picture with 4 channels of 8 bits"),
    ],
)
def test_a_picture_that_is_none_is_named(tmp_path, picture, message):
    assert refused(zipped(FILES | {"head.png": picture}), tmp_path) == message


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        ({"format": "other"}, "not an avatar-face/1 document"),
        ({"size": 360}, "must be 360 x 360"),
        ({"camera": {"z": 0.1, "focal": 4, "y": 0}}, "the camera must be 2 to 50 away"),
        ({"eyes": {"Left": [0, 0, 0, 0], "Right": [0, 0, 0, 1]}}, "an eye's radius"),
        ({"lash": 1e9}, "must be finite"),
        ({"lash": 9}, "lash must be 0 to 3"),
        ({"voice": "v" * 65}, "voice is a name"),
        ({"pivot": [0, 0]}, "must be 3 numbers"),
    ],
)
def test_a_document_that_means_no_face_is_told_why(tmp_path, facts, message):
    assert message in refused(changed(**facts), tmp_path)


def test_a_shape_that_is_there_twice_is_refused(tmp_path):
    shapes = json.loads(FILES["face.json"])["shapes"]
    assert "a shape is there twice" in refused(changed(shapes=shapes[:-1] + shapes[:1]), tmp_path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"seam": np.full((41, 3), np.nan)}, "seam must be finite"),
        ({"seam": np.full((41, 3), 9.0)}, "seam must be within 4"),
        ({"seam": None}, "seam"),
        ({"depth_head": np.zeros((4, 4))}, "depth_head must have the shape"),
        ({"seam": np.array([{"code": "object"}])}, "Object arrays cannot be loaded"),
    ],
)
def test_arrays_that_mean_no_face_are_told_why(tmp_path, changes, message):
    assert message in refused(with_arrays(**changes), tmp_path)


def test_a_curve_of_many_points_is_refused(tmp_path):
    long = {"lid_up", "lid_low", "lid_shut"}
    content = with_arrays(**{name: np.zeros((2, 300, 3)) for name in long})
    assert "more than 256 points" in refused(content, tmp_path)


def test_what_is_no_archive_is_told_what_to_send(tmp_path):
    with pytest.raises(ProtocolError, match="send a face archive"):
        prepare_face(b"GIF89a", tmp_path, {"id": "face_1", "name": "n"})


def test_an_archive_cut_short_is_refused(tmp_path):
    assert "the archive cannot be read" in refused(zipped(FILES)[:5000], tmp_path)


WHOLE = zipped(FILES)


@settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(at=st.integers(0, len(WHOLE) - 1), junk=st.binary(min_size=1, max_size=64))
def test_a_damaged_archive_is_a_face_or_is_refused(tmp_path, monkeypatch, at, junk):
    """Whatever bytes are changed: a ProtocolError, or a face that can be drawn."""
    monkeypatch.setattr(archive, "PREVIEW_PX", 128)
    damaged = WHOLE[:at] + junk + WHOLE[at + len(junk) :]
    with contextlib.suppress(ProtocolError):
        read_face(unpacked(damaged, tmp_path))
