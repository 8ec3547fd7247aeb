import io
import json
import pickle
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import rtav
from rtav.engines.avatar.channels import RANGES
from rtav.engines.avatar.motion import read_motion
from rtav.engines.avatar.motion_upload import write_motion
from rtav.errors import ProtocolError

WINK = Path(rtav.__file__).parent / "assets" / "driving" / "Wink.json"
BOW = {
    "format": "avatar-motion/1",
    "name": "Bow",
    "duration": 1.5,
    "loop": False,
    "channels": {"headPitch": [[0, 0], [0.7, 10], [1.5, 0]]},
}


def kept(upload: bytes, tmp_path: Path):
    folder = tmp_path / "made"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    shown = write_motion(upload, folder, motion_id="driving_1")
    return shown, read_motion(folder / "motion.json")


def document(**changes) -> bytes:
    return json.dumps(BOW | changes).encode()


def npz(**arrays) -> bytes:
    out = io.BytesIO()
    np.savez_compressed(out, **arrays)
    return out.getvalue()


def refused(upload: bytes, tmp_path: Path) -> str:
    with pytest.raises(ProtocolError) as error:
        kept(upload, tmp_path)
    assert (error.value.code, error.value.param) == ("invalid_driving", "file")
    return error.value.message


def test_a_document_is_kept_as_the_player_reads_it(tmp_path):
    shown, motion = kept(WINK.read_bytes(), tmp_path)
    original = read_motion(WINK)
    assert motion.name == "driving_1"
    assert motion.tracks == original.tracks
    assert motion.description == "Winks with the left eye and a crooked smile"
    assert shown == {
        "duration_seconds": 2.2,
        "loop": False,
        "description": "Winks with the left eye and a crooked smile",
    }


def test_channels_that_no_face_has_are_left_out_and_named(tmp_path):
    channels = BOW["channels"] | {"earWiggle": [[0, 1]], "tail": "?"}
    shown, motion = kept(document(channels=channels), tmp_path)
    assert shown["ignored_channels"] == ["earWiggle", "tail"]
    assert motion.tracks.keys() == {"headPitch"}


@pytest.mark.parametrize(
    ("upload", "message"),
    [
        (b"", "neither JSON nor NPZ"),
        (b"[]", "must be an object"),
        (b"\xff\xfe\x00", "nothing else is taken"),
        (b'{"a": NaN}', "NaN is no number"),
        (b"[" * 100_000, "neither JSON nor NPZ"),
        (document(format="avatar-motion/2"), "not an avatar-motion/1 document"),
        (document(duration=1e9), "duration must be 0.1 to 600"),
        (document(loop="yes"), "loop must be true or false"),
        (document(channels={"tail": [[0, 1]]}), "no channel is known; there are jawOpen"),
        (document(channels={"headPitch": [[0, 99]]}), "headPitch: value must be -12 to 12"),
        (document(channels={"headPitch": [[1, 0], [0, 0]]}), "headPitch: times must rise"),
        (document(channels={"headPitch": [[0, True]]}), "headPitch: value must be a number"),
    ],
)
def test_a_document_that_is_no_motion_is_told_why(tmp_path, upload, message):
    assert message in refused(upload, tmp_path)


def test_a_motion_of_many_keys_is_refused(tmp_path):
    keys = [[k / 1000, 0.5] for k in range(10_001)]
    channels = {"jawOpen": keys, "mouthClose": keys}
    assert "at most 20000 keys" in refused(document(duration=11, channels=channels), tmp_path)


def test_a_dense_motion_is_thinned_and_stays_where_it_was(tmp_path):
    t = np.arange(250) / 25
    frames = np.stack([5 * np.sin(t), np.zeros_like(t), 0.5 - 0.5 * np.cos(2 * t)], 1)
    names = np.array(["headYaw", "jawOpen", "eyeBlinkLeft"])
    shown, motion = kept(npz(names=names, frames=frames.astype(np.float16), fps=25), tmp_path)
    assert shown == {"duration_seconds": 9.96, "loop": False}
    assert motion.tracks.keys() == {"headYaw", "eyeBlinkLeft"}
    assert len(motion.tracks["headYaw"].times) < 60
    for name, column, range_ in (("headYaw", 0, 30), ("eyeBlinkLeft", 2, 1)):
        off = [abs(motion.tracks[name].at(s)[0] - frames[i, column]) for i, s in enumerate(t)]
        assert max(off) < 0.02 * range_


def test_a_dense_loop_ends_where_it_begins(tmp_path):
    frames = np.array([[1.0], [3.0], [2.0]])
    shown, motion = kept(npz(names=["headYaw"], frames=frames, fps=5, loop=True), tmp_path)
    assert shown == {"duration_seconds": 0.6, "loop": True}
    assert motion.at(0.0)[0] == motion.at(0.6)[0] == {"headYaw": 1.0}


def test_a_captured_value_beyond_its_range_is_held_inside(tmp_path):
    _, motion = kept(npz(names=["jawOpen"], frames=[[0.0], [1.7], [-3.0]], fps=10), tmp_path)
    assert motion.at(0.1)[0] == {"jawOpen": 1.0}
    assert motion.at(0.2)[0] == {"jawOpen": 0.0}


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"frames": [[1.0], [2.0]]}, "names must be a list of texts"),
        ({"names": ["jawOpen"]}, "frames must be numbers"),
        ({"names": ["jawOpen"], "frames": [[1.0, 2.0], [1.0, 2.0]]}, "a column for each"),
        ({"names": ["jawOpen"], "frames": [[1.0]]}, "2 rows or more"),
        ({"names": ["jawOpen"], "frames": [[1.0], [np.inf]]}, "must be finite"),
        ({"names": ["jawOpen"], "frames": [[1.0], [0.5]], "fps": 0}, "fps must be 1 to 240"),
        ({"names": ["jawOpen"], "frames": [[1.0], [0.5]], "fps": [1, 2]}, "one number"),
        ({"names": ["jawOpen"], "frames": [[1.0], [0.5]], "hook": 1}, "'hook' is none of"),
        ({"names": ["jawOpen"] * 2, "frames": [[1.0, 1.0]] * 2}, "a channel twice"),
        ({"names": ["tail"], "frames": [[1.0], [0.5]]}, "no channel is known"),
        ({"names": ["jawOpen"], "frames": np.zeros((700, 1)), "fps": 1}, "at most 600 s"),
        ({"names": ["jawOpen"], "frames": np.zeros((3, 1))}, "no channel is known"),
    ],
)
def test_arrays_that_are_no_motion_are_told_why(tmp_path, arrays, message):
    assert message in refused(npz(**arrays), tmp_path)


class _Bomb:
    def __reduce__(self):
        return (print, ("a pickle was executed",))


def test_a_pickle_is_never_executed(tmp_path, capsys):
    inside = npz(names=["jawOpen"], frames=np.array([_Bomb(), _Bomb()], dtype=object))
    assert "Object arrays cannot be loaded" in refused(inside, tmp_path)
    refused(pickle.dumps(_Bomb()), tmp_path)
    bare = io.BytesIO()
    with zipfile.ZipFile(bare, "w") as archive:
        archive.writestr("names.npy", pickle.dumps(_Bomb()))
    refused(bare.getvalue(), tmp_path)
    assert capsys.readouterr().out == ""


def test_arrays_that_unpack_to_much_are_refused_unread(tmp_path):
    bomb = npz(names=["jawOpen"], frames=np.zeros((4_200_000, 1)))
    assert len(bomb) < 100_000
    assert "more than 32 MB" in refused(bomb, tmp_path)


FUZZ = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
anything = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner),
)
keys = st.lists(st.lists(st.floats(-20, 20) | scalars, min_size=1, max_size=3), max_size=5)


@FUZZ
@given(
    changes=st.fixed_dictionaries(
        {},
        optional={
            "duration": anything,
            "loop": anything,
            "blend_in": anything,
            "channels": anything
            | st.dictionaries(
                st.sampled_from(sorted(RANGES)) | st.text(max_size=3), keys, max_size=4
            ),
        },
    )
)
def test_any_document_is_a_motion_inside_its_ranges_or_is_refused(tmp_path, changes):
    """Whatever a document holds: a ProtocolError, or a motion that never leaves a range."""
    _stays_inside(document(**changes), tmp_path)


@FUZZ
@given(
    upload=st.binary(max_size=200) | st.binary(max_size=200).map(lambda junk: b"PK\x03\x04" + junk)
)
def test_any_bytes_are_refused(tmp_path, upload):
    """Whatever the bytes: a ProtocolError."""
    refused(upload, tmp_path)


DENSE = npz(names=["headYaw", "jawOpen"], frames=np.ones((20, 2)) * np.arange(20)[:, None], fps=10)


@FUZZ
@given(at=st.integers(0, len(DENSE) - 1), junk=st.binary(min_size=1, max_size=8))
def test_damaged_arrays_are_a_motion_or_are_refused(tmp_path, at, junk):
    """Whatever bytes are changed: a ProtocolError, or a motion that never leaves a range."""
    _stays_inside(DENSE[:at] + junk + DENSE[at + len(junk) :], tmp_path)


def _stays_inside(upload: bytes, tmp_path: Path) -> None:
    try:
        shown, motion = kept(upload, tmp_path)
    except ProtocolError:
        return
    for step in range(41):
        for name, value in motion.at(shown["duration_seconds"] * step / 40)[0].items():
            low, high = RANGES[name]
            assert low - 1e-6 <= value <= high + 1e-6
