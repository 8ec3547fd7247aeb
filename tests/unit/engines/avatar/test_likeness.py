import contextlib
import json
import struct

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rtav.engines.avatar.asset import FaceAsset
from rtav.engines.avatar.face import read_face
from rtav.engines.avatar.landmarks import REQUIRED, read_landmarks
from rtav.engines.avatar.likeness import frame, make_face
from rtav.engines.avatar.picture import read_alpha, read_picture
from rtav.engines.avatar.preparing import prepare_face
from rtav.engines.avatar.renderer import Renderer
from rtav.errors import ProtocolError
from rtav.testing.sitter import portrait

SIZE = 720


PICTURE, POINTS = portrait(SIZE)


def encoded(picture: np.ndarray, extension: str = ".png") -> bytes:
    return cv2.imencode(extension, picture)[1].tobytes()


def turned(picture, points, *, degrees: float, scale: float, shift: tuple[float, float]):
    matrix = cv2.getRotationMatrix2D((360, 300), degrees, scale)
    matrix[:, 2] += shift
    moved = cv2.warpAffine(picture, matrix, (SIZE, SIZE), borderMode=cv2.BORDER_REPLICATE)
    return moved, {
        name: (matrix[:, :2] @ np.array(point) + matrix[:, 2]).tolist()
        for name, point in points.items()
    }


@pytest.fixture(scope="module")
def draw():
    asset = FaceAsset(made(PICTURE, POINTS), 256)

    def drawn(**pose: float) -> np.ndarray:
        return cv2.cvtColor(Renderer(asset).render(pose), cv2.COLOR_YUV2GRAY_I420).astype(float)

    return drawn


def made(picture, points):
    return make_face(picture, read_landmarks(points, SIZE, SIZE), name="Mine")


def changes(a: np.ndarray, b: np.ndarray, where: tuple[slice, slice]) -> float:
    return float(np.abs(a - b)[where].mean())


MOUTH, EYES = (slice(130, 175), slice(95, 160)), (slice(75, 115), slice(75, 180))
EDGES = (slice(0, 10), slice(None))


# --- the face ---------------------------------------------------------------------------------


def test_at_rest_the_face_is_the_picture(draw):
    cut = frame(PICTURE, read_landmarks(POINTS, SIZE, SIZE)).picture
    grey = cv2.resize(
        cv2.cvtColor(cut, cv2.COLOR_BGR2GRAY), (256, 256), interpolation=cv2.INTER_AREA
    )
    assert (
        changes(grey.astype(float) * 219 / 255 + 16, draw(), (slice(20, 236), slice(20, 236))) < 4
    )


@pytest.mark.parametrize(
    ("pose", "moves", "rests"),
    [
        ({"jawOpen": 0.8}, MOUTH, EYES),
        ({"mouthSmileLeft": 1.0, "mouthSmileRight": 1.0}, MOUTH, EDGES),
        ({"eyeBlinkLeft": 1.0, "eyeBlinkRight": 1.0}, EYES, MOUTH),
        ({"gazeX": 20.0}, EYES, MOUTH),
        ({"headYaw": 12.0}, EYES, EDGES),
    ],
)
def test_what_a_channel_is_for_moves_and_the_rest_rests(draw, pose, moves, rests):
    rest, posed = draw(), draw(**pose)
    assert changes(rest, posed, moves) > 3
    assert changes(rest, posed, rests) < 0.6


def test_an_open_mouth_is_dark_and_shut_lids_are_skin(draw):
    lips = slice(140, 165), slice(112, 144)
    assert draw(jawOpen=0.9)[lips].min() < 0.5 * draw()[lips].min() + 20
    skin = np.median(draw()[118:128, 100:156])
    assert np.median(draw(eyeBlinkLeft=1.0, eyeBlinkRight=1.0)[85:92, 85:115]) > 0.7 * skin


def test_a_tilted_head_off_the_middle_stands_upright():
    picture, points = turned(PICTURE, POINTS, degrees=-14, scale=0.9, shift=(40, 10))
    face = made(picture, points)
    assert face.eyes["Left"][0] == pytest.approx(-face.eyes["Right"][0], abs=0.01)
    assert face.eyes["Left"][1] == pytest.approx(face.eyes["Right"][1], abs=0.01)
    assert face.eyes["Left"][0] == pytest.approx(0.30, abs=0.01)
    assert face.mouth_y == pytest.approx(-0.495, abs=0.03)


def test_a_picture_becomes_a_folder_that_is_read_again(tmp_path):
    wish = {"id": "face_1", "name": "Mine", "landmarks": POINTS, "consent": "drawn by us"}
    shown = prepare_face(encoded(PICTURE, ".jpg"), tmp_path, wish)
    face = read_face(tmp_path)
    assert shown == {"preview": True, "has_outline": False}
    assert (face.id, face.name) == ("face_1", "Mine")
    assert 0.55 < face.arrays["hold"].max() <= 0.6
    assert face.arrays["hold"][0].max() < 0.02


def test_a_picture_without_consent_or_landmarks_is_told_so(tmp_path):
    wish = {"id": "face_1", "name": "Mine", "landmarks": POINTS}
    with pytest.raises(ProtocolError) as error:
        prepare_face(encoded(PICTURE), tmp_path, wish)
    assert (error.value.code, error.value.param) == ("missing_required_parameter", "consent")
    with pytest.raises(ProtocolError, match="eyeLeftInner, eyeLeftOuter") as error:
        prepare_face(encoded(PICTURE), tmp_path, {"id": "face_1", "name": "Mine"})
    assert (error.value.code, error.value.param) == ("missing_landmarks", "landmarks")
    assert list(tmp_path.iterdir()) == []


# --- landmarks --------------------------------------------------------------------------------


def moved(**points) -> dict:
    return {name: point for name, point in (POINTS | points).items() if point is not None}


@pytest.mark.parametrize(
    ("points", "param", "message"),
    [
        (moved(chin=None), "landmarks", "chin missing"),
        ([1, 2], "landmarks", "A picture needs `landmarks`"),
        (moved(ear=[1, 2]), "landmarks.ear", "ear is none of"),
        (moved(chin=[1]), "landmarks.chin", r"must be \[x, y\]"),
        (moved(chin=[True, 1]), "landmarks.chin", r"must be \[x, y\]"),
        (moved(chin=[360, float("nan")]), "landmarks.chin", r"must be \[x, y\]"),
        (moved(chin=[360, 721]), "landmarks.chin", "outside the picture of 720 x 720 px"),
        (moved(chin=[360, 100]), "landmarks.chin", "not below the mouth"),
        (moved(mouthCentre=[100, 400]), "landmarks.mouthCentre", "between the mouth's corners"),
        (moved(mouthLeft=[300, 400]), "landmarks.mouthLeft", "the corners of a mouth"),
        (
            moved(eyeLeftOuter=POINTS["eyeLeftInner"]),
            "landmarks.eyeLeftOuter",
            "two corners of an eye",
        ),
        (moved(eyeLeftTop=POINTS["eyeLeftBottom"]), "landmarks.eyeLeftTop", "must be open"),
        (
            moved(pupilLeft=POINTS["eyeRightInner"]),
            "landmarks.pupilLeft",
            "between the corners of its eye",
        ),
        (moved(pupilRight=POINTS["mouthRight"]), "landmarks.pupilRight", "between the corners"),
        (moved(noseTip=[480, 380]), "landmarks.noseTip", "looks to the side"),
    ],
)
def test_points_that_mean_no_face_are_named(points, param, message):
    with pytest.raises(ProtocolError, match=message) as error:
        read_landmarks(points, SIZE, SIZE)
    assert error.value.param == param


def test_left_is_the_subjects_own():
    swapped = {
        name.replace("Left", "?").replace("Right", "Left").replace("?", "Right"): point
        for name, point in POINTS.items()
    }
    with pytest.raises(ProtocolError, match="its left eye is on the right"):
        read_landmarks(swapped, SIZE, SIZE)


def test_a_small_or_fallen_face_is_refused():
    small = {name: [x / 5, y / 5] for name, (x, y) in POINTS.items()}
    with pytest.raises(ProtocolError, match="px apart, at least 48"):
        read_landmarks(small, SIZE, SIZE)
    _, fallen = turned(PICTURE, POINTS, degrees=40, scale=0.7, shift=(0, 0))
    with pytest.raises(ProtocolError, match="tilted by more than 25"):
        read_landmarks(fallen, SIZE, SIZE)


def test_pupils_are_in_the_middle_unless_they_are_placed():
    assert read_landmarks({"points": POINTS}, SIZE, SIZE)["pupilLeft"][0] == pytest.approx(
        (POINTS["eyeLeftInner"][0] + POINTS["eyeLeftOuter"][0]) / 2, abs=3
    )
    placed = moved(pupilLeft=[430.0, 260.0])
    assert read_landmarks(placed, SIZE, SIZE)["pupilLeft"].tolist() == [430, 260]


@settings(max_examples=25, deadline=None)
@given(shifts=st.lists(st.tuples(st.floats(-60, 60), st.floats(-60, 60)), min_size=12, max_size=12))
def test_wherever_the_points_are_a_face_can_be_drawn_or_is_refused(shifts):
    """However badly points are placed: a ProtocolError, or a face that can be drawn."""
    points = dict(POINTS)
    for name, (dx, dy) in zip(REQUIRED, shifts, strict=True):
        points[name] = [points[name][0] + dx, points[name][1] + dy]
    with contextlib.suppress(ProtocolError):
        renderer = Renderer(FaceAsset(made(PICTURE, points), 128))
        renderer.render({"jawOpen": 1.0, "headYaw": 15.0, "eyeBlinkLeft": 0.5, "gazeX": 20.0})


# --- pictures ---------------------------------------------------------------------------------


@pytest.mark.parametrize("extension", [".png", ".jpg", ".webp"])
def test_a_picture_is_read_in_colour(extension):
    read = read_picture(encoded(PICTURE, extension))
    assert read.shape == (SIZE, SIZE, 3)
    assert np.abs(read.astype(int) - PICTURE).mean() < 4


def test_a_photograph_is_turned_as_it_is_seen_and_its_metadata_is_not_kept(tmp_path):
    """It lies on its side in the file; orientation 6 says how it was held."""
    lying = encoded(np.ascontiguousarray(np.rot90(PICTURE)), ".jpg")
    place = b"49.4875N 8.4660E"
    exif = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0" + place
    segment = b"\xff\xe1" + (len(exif) + 2).to_bytes(2, "big") + exif
    photo = lying[:2] + segment + lying[2:]
    wish = {"id": "face_1", "name": "Mia", "landmarks": POINTS, "consent": "Drawn by us."}

    assert np.abs(read_picture(photo).astype(int) - PICTURE).mean() < 4
    prepare_face(photo, tmp_path, wish)
    assert all(place not in path.read_bytes() for path in tmp_path.iterdir())


def test_grey_deep_and_cut_out_pictures_are_brought_to_colour():
    grey = cv2.cvtColor(PICTURE, cv2.COLOR_BGR2GRAY)
    assert read_picture(encoded(grey)).shape == (SIZE, SIZE, 3)
    deep = read_picture(encoded(PICTURE.astype(np.uint16) * 257))
    assert np.abs(deep.astype(int) - PICTURE).max() <= 1
    clear = np.dstack([PICTURE, np.zeros((SIZE, SIZE), np.uint8)])
    assert read_picture(encoded(clear))[0, 0].tolist() == [198, 206, 214]


def test_a_picture_that_is_cut_out_becomes_a_face_with_an_outline():
    alpha = np.zeros((SIZE, SIZE), np.uint8)
    cv2.ellipse(alpha, (360, 360), (250, 330), 0, 0, 360, 255, -1, cv2.LINE_AA)
    alpha[500:] = 255
    content = encoded(np.dstack([PICTURE, alpha]))
    picture, found = read_picture(content), read_alpha(content)
    points = read_landmarks(POINTS, SIZE, SIZE)

    face = make_face(picture, points, name="Mine", alpha=found)

    assert face.has_outline
    assert not make_face(PICTURE, points, name="Mine").has_outline
    assert np.unique(face.backdrop.reshape(-1, 3), axis=0).tolist() == [[198, 206, 214]]
    head = face.pictures["head"].astype(int)
    edge = (head[..., 3] > 60) & (head[..., 3] < 255)
    framed = frame(PICTURE, points).picture.astype(int)
    assert np.abs(head[..., :3] - framed)[edge].mean() < 8  # nothing of the grey is left
    assert np.array_equal(found, alpha)


@pytest.mark.parametrize("extension", [".jpg", ".png"])
def test_a_picture_without_alpha_is_all_there(extension):
    assert read_alpha(encoded(PICTURE, extension)) is None


def test_a_picture_whose_alpha_says_nothing_is_all_there():
    solid = np.full((SIZE, SIZE), 255, np.uint8)
    assert read_alpha(encoded(np.dstack([PICTURE, solid]))) is None


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + bytes(4)


def png(width: int, height: int, more: bytes = b"") -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + more + chunk(b"IEND", b"")


def jpeg(width: int, height: int, components: int) -> bytes:
    frame = struct.pack(">BHHB", 8, height, width, components) + bytes(3 * components)
    return b"\xff\xd8\xff\xff\xe0\x00\x04xx\xff\xc0" + struct.pack(">H", 2 + len(frame)) + frame


def webp(kind: bytes, body: bytes) -> bytes:
    return b"RIFF" + bytes(4) + b"WEBP" + kind + struct.pack("<I", len(body)) + body


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"GIF89a" + bytes(40), "as PNG, JPEG or WebP"),
        (b"", "as PNG, JPEG or WebP"),
        (json.dumps(POINTS).encode(), "as PNG, JPEG or WebP"),
        (png(100, 300), "too small: 100 x 300 px"),
        (png(60000, 60000), "too large: 60000 x 60000"),
        (png(8000, 8000), "too large"),
        (png(300, 300), "the picture is damaged"),
        (png(300, 300, chunk(b"acTL", bytes(8))), "animated"),
        (b"\x89PNG\r\n\x1a\n" + bytes(10), "the picture is damaged"),
        (jpeg(300, 300, 4), "CMYK"),
        (jpeg(300, 300, 3), "the picture is damaged"),
        (b"\xff\xd8\xff\xd9", "the picture is damaged"),
        (webp(b"VP8X", b"\x02\0\0\0" + bytes(6)), "animated"),
        (webp(b"VP8X", b"\0\0\0\0\xff\xff\xff\xff\xff\xff"), "too large: 16777216 x 16777216"),
        (webp(b"VP8L", b"\x2f\xff\xff\xff\xff" + bytes(5)), "too large: 16384 x 16384"),
        (webp(b"VP8 ", bytes(6) + b"\x10\0\x10\0"), "too small: 16 x 16"),
        (webp(b"????", bytes(10)), "the picture is damaged"),
        (webp(b"VP8X", b""), "the picture is damaged"),
    ],
)
def test_what_is_no_picture_of_a_face_is_told_why(content, message):
    with pytest.raises(ProtocolError, match=message) as error:
        read_picture(content)
    assert error.value.code == "invalid_face"


JPEG = encoded(PICTURE, ".jpg")


@settings(max_examples=60, deadline=None)
@given(at=st.integers(2, 700), junk=st.binary(min_size=1, max_size=40))
def test_a_damaged_picture_is_a_picture_or_is_refused(at, junk):
    """Whatever bytes of the headers are changed: a ProtocolError, or a picture."""
    with contextlib.suppress(ProtocolError):
        assert read_picture(JPEG[:at] + junk + JPEG[at + len(junk) :]).ndim == 3
