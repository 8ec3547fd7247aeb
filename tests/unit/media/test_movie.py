from __future__ import annotations

import wave
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest

from rtav.media.movie import Kind, Movie, MovieFile, Stills
from rtav.media.pcm import I420
from rtav.runtime.film import say
from rtav.testing.engines import ScriptedTts
from rtav.testing.face import ScriptedAvatar, read
from rtav.testing.virtual import run

SIZE = 128
RED, BLUE = (0, 0, 220), (200, 0, 0)  # BGR


def plain(colour: tuple[int, int, int], *, height: int = SIZE) -> I420:
    picture = np.full((height, SIZE, 3), colour, np.uint8)
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2YUV_I420), np.uint8)


def matte() -> I420:
    """Red before black, opaque on the left, gone on the right, half there in the middle."""
    picture = np.zeros((2 * SIZE, SIZE, 3), np.uint8)
    picture[:SIZE, :48], picture[:SIZE, 48:80] = RED, (0, 0, 110)
    picture[SIZE:, :48] = 255
    picture[SIZE:, 48:80] = 128
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2YUV_I420), np.uint8)


def tone(samples: int) -> np.ndarray[Any, np.dtype[np.int16]]:
    return (6_000 * np.sin(np.arange(samples) * 0.1)).astype(np.int16)


def written(movie: Movie, frame: I420) -> None:
    for number in range(10):
        movie.sound(tone(960))
        movie.picture(frame, number * 960)
    movie.finish()


@pytest.mark.parametrize(
    ("kind", "video", "audio"), [("mp4", "h264", "aac"), ("webm", "vp9", "opus")]
)
def test_a_film_plays_for_as_long_as_it_was_made(
    tmp_path: Path, kind: Kind, video: str, audio: str
) -> None:
    path = tmp_path / f"film.{kind}"
    written(MovieFile(path, kind=kind, size=(SIZE, SIZE), fps=25), plain(RED))

    with av.open(str(path)) as film:
        assert film.streams.video[0].codec_context.name == video
        assert film.streams.audio[0].codec_context.name == audio
        frames = list(film.decode(video=0))
    assert [round(frame.time, 3) for frame in frames] == [n * 0.04 for n in range(10)]
    with av.open(str(path)) as film:
        heard_s = sum(frame.samples for frame in film.decode(audio=0)) / 48_000
    assert heard_s == pytest.approx(0.4, abs=0.03)  # whole frames of 20 ms, and what codecs add
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("kind", ["mp4", "webm"])
def test_colours_are_those_that_were_drawn(tmp_path: Path, kind: Kind) -> None:
    path = tmp_path / f"film.{kind}"
    written(MovieFile(path, kind=kind, size=(SIZE, SIZE), fps=25), plain(BLUE))

    with av.open(str(path)) as film:
        frame = next(film.decode(video=0))
    assert frame.colorspace == 6  # BT.601: a player must not guess the one of HD
    picture = frame.to_ndarray(format="bgr24")
    assert np.abs(picture[SIZE // 2, SIZE // 2].astype(int) - BLUE).max() <= 6


@pytest.mark.parametrize("kind", ["mp4", "webm"])
def test_picture_and_sound_are_of_the_same_instant(tmp_path: Path, kind: Kind) -> None:
    path = tmp_path / f"film.{kind}"
    tts = ScriptedTts(samples_per_char=2_400)
    film = run(say("aaa aa aaaa a aaaaa", tts=tts, voice="default", motions={}))
    face = ScriptedAvatar().open("face1", size_px=SIZE, fps=50, seed=1)
    movie = MovieFile(path, kind=kind, size=(SIZE, SIZE), fps=50)
    for shot in film.shots(face, fps=50, motions=("default",)):
        movie.sound(shot.pcm)
        for at, frame in shot.frames:
            movie.picture(frame, at)
    movie.finish()

    with av.open(str(path)) as opened:
        shown = [(f.time, read(f.to_ndarray(format="yuv420p"))) for f in opened.decode(video=0)]
    assert all(abs(stamp.at / 24_000 - time) < 0.001 for time, stamp in shown)
    is_open = [stamp.openness > 0 for _, stamp in shown]
    changes = [shown[i][0] for i in range(1, len(shown)) if is_open[i] != is_open[i - 1]]
    # 0.5 s of rest, then a tenth of a second for each character
    assert changes == pytest.approx([0.5, 0.8, 0.9, 1.1, 1.2, 1.6, 1.7, 1.8, 1.9, 2.4], abs=0.001)
    assert heard(path) == pytest.approx(changes, abs=0.006)


def heard(path: Path) -> list[float]:
    """When the sound begins and ends, over and over."""
    with av.open(str(path)) as film:
        frames = list(film.decode(audio=0))
    sound = np.abs(np.concatenate([f.to_ndarray().astype(np.float32).mean(0) for f in frames]))
    level = cv2.blur(sound[None], (241, 1))[0]  # 5 ms
    is_loud = level > level.max() / 2
    edges = np.flatnonzero(is_loud[1:] != is_loud[:-1]) + 1
    return [float(edge / 48_000 + frames[0].time) for edge in edges]


def test_what_is_transparent_is_so_in_webm(tmp_path: Path) -> None:
    path = tmp_path / "film.webm"
    written(MovieFile(path, kind="webm", size=(SIZE, SIZE), fps=25, has_alpha=True), matte())

    with av.open(str(path)) as film:
        stream = film.streams.video[0]
        assert stream.metadata["ALPHA_MODE"] == "1"
        decoder = av.CodecContext.create("libvpx-vp9", "r")  # FFmpeg's own does not read alpha
        frames = [f for packet in film.demux(stream) for f in decoder.decode(packet)]
    assert frames[0].format.name == "yuva420p"
    plane = frames[3].planes[3]
    alpha = np.frombuffer(memoryview(plane), np.uint8).reshape(plane.height, plane.line_size)
    assert [int(alpha[64, x]) for x in (16, 64, 112)] == pytest.approx([255, 128, 0], abs=3)
    colours = frames[3].reformat(format="bgr24").to_ndarray()
    assert [int(colours[64, x, 2]) for x in (16, 64, 79)] == pytest.approx([220] * 3, abs=10)


def test_what_is_transparent_is_so_in_pictures(tmp_path: Path) -> None:
    folder = tmp_path / "film"
    written(
        Stills(lambda n: folder / f"{n:04d}.png", folder / "sound.wav", has_alpha=True), matte()
    )

    assert sorted(entry.name for entry in folder.iterdir())[::5] == [
        "0001.png",
        "0006.png",
        "sound.wav",
    ]
    picture = cv2.imread(str(folder / "0001.png"), cv2.IMREAD_UNCHANGED)
    assert picture.shape == (SIZE, SIZE, 4)
    assert [int(picture[64, x, 3]) for x in (16, 64, 112)] == pytest.approx([255, 128, 0], abs=2)
    # red all over, not darkened where it is half there
    assert [int(picture[64, x, 2]) for x in (16, 64, 79)] == pytest.approx([220] * 3, abs=8)
    with wave.open(str(folder / "sound.wav")) as sound:
        assert (sound.getframerate(), sound.getnframes()) == (24_000, 9_600)


def test_nothing_is_left_of_a_film_that_is_given_up(tmp_path: Path) -> None:
    folder = tmp_path / "film"
    for movie in (
        MovieFile(tmp_path / "film.mp4", kind="mp4", size=(SIZE, SIZE), fps=25),
        MovieFile(tmp_path / "film.webm", kind="webm", size=(SIZE, SIZE), fps=25),
        Stills(lambda n: folder / f"{n}.png", folder / "sound.wav"),
    ):
        movie.sound(tone(960))
        movie.picture(plain(RED), 0)
        movie.discard()

    assert list(tmp_path.iterdir()) == []


def test_a_film_that_is_there_stays_until_the_new_one_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    path.write_bytes(b"the old one")
    movie = MovieFile(path, kind="mp4", size=(SIZE, SIZE), fps=25)
    movie.picture(plain(RED), 0)
    assert path.read_bytes() == b"the old one"
    movie.discard()
    assert path.read_bytes() == b"the old one"

    written(MovieFile(path, kind="mp4", size=(SIZE, SIZE), fps=25), plain(RED))
    assert path.read_bytes()[4:8] == b"ftyp"


def test_pictures_replace_no_pictures(tmp_path: Path) -> None:
    (tmp_path / "1.png").write_bytes(b"somebody's")
    movie = Stills(lambda n: tmp_path / f"{n}.png", tmp_path / "sound.wav")
    with pytest.raises(FileExistsError):
        movie.picture(plain(RED), 0)
    movie.discard()

    assert [entry.name for entry in tmp_path.iterdir()] == ["1.png"]
    assert (tmp_path / "1.png").read_bytes() == b"somebody's"
