from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from typer.testing import CliRunner, Result

import rtav
from rtav.cli import app
from rtav.engines.avatar.lips import mouth
from rtav.runtime.film import say
from rtav.server.films import pictures
from rtav.server.selection import tts_engine
from rtav.settings import Settings

SMALL = ("--size", "128", "--fps", "10")


@pytest.fixture
def render(monkeypatch, tmp_path):
    monkeypatch.setattr("rtav.log.configure", lambda **_: None)  # pytest's handlers stay
    monkeypatch.setenv("RTAV_STATE_DIR", str(tmp_path / "state"))
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")

    def run(*arguments: str, text: str | None = None) -> Result:
        return CliRunner().invoke(app, ["render", *arguments], input=text)

    return run


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["film.avi", "--say", "Hi"], "rtav: OUT: film.avi: a film is *.mp4, *.webm,"),
        (["film.png", "--say", "Hi"], "rtav: OUT: film.png: pictures are numbered"),
        (["no/film.mp4", "--say", "Hi"], "rtav: OUT: no/film.mp4: No such file or directory"),
        (["film.mp4", "--say", " "], "rtav: --say: there is no text"),
        (["film.mp4", "--say", "?!"], "rtav: --say: there is nothing in it that can be said"),
        (["film.mp4", "--say", "x" * 50_001], "rtav: --say: a text has at most 50000 characters"),
        (["film.mp4", "--say", "Hi", "--face", "nobody"], "rtav: --face: there is no face of"),
        (["film.mp4", "--say", "Hi", "--voice", "nobody"], "rtav: --voice: there is no voice of"),
        (["film.mp4", "--say", "Hi", "--driving", "Fly"], "rtav: --driving: there is no driving"),
        (["film.mp4", "--say", "Hi", "--size", "100"], "rtav: --size: a face is 128 to"),
        (["film.mp4", "--say", "Hi", "--fps", "0"], "rtav: --fps: 0 is not in 1 to 60"),
        (
            ["film.mp4", "--say", "Hi", "--size", "256", "--upsample", "2"],
            "rtav: --upsample: it excludes --size",
        ),
        (["film.mp4", "--say", "Hi", "--upsample", "3"], "rtav: --upsample: 3 is not in 0.5 to 2"),
        (
            ["film.mp4", "--say", "Hi", "--framing", "round"],
            "rtav: --framing: 'round' is none of square, portrait, landscape",
        ),
        (
            ["film.mp4", "--say", "Hi", "--background", "red"],
            "rtav: --background: 'red' is neither original",
        ),
        (
            ["film.mp4", "--say", "Hi", "--background", "transparent"],
            "rtav: --background: MP4 has no transparency",
        ),
        (
            ["a.webm", "--say", "Hi", "--background", "transparent", "--size", "100"],
            "rtav: --size: a face is 128 to",
        ),
    ],
)
def test_a_wish_that_cannot_be_is_one_readable_line(render, arguments, line):
    result = render(*arguments)

    assert result.exit_code == 2
    assert result.stderr.startswith(line)
    assert result.stderr.count("\n") == 1
    assert list(Path().iterdir()) == []


def test_the_text_comes_from_stdin(render):
    result = render("film.mp4", "--say", "-", *SMALL, text="Hello.")

    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "")
    with av.open("film.mp4") as film:
        assert (film.streams.video[0].width, film.streams.video[0].height) == (128, 128)
        assert film.streams.video[0].average_rate == 10


def test_the_same_wish_gives_the_same_pictures(render):
    for folder in ("one", "other"):
        assert render(f"{folder}/", "--say", "Hi.", "--driving", "Wink", *SMALL).exit_code == 0

    assert Path("one/sound.wav").stat().st_size == Path("other/sound.wav").stat().st_size
    ones = sorted(Path("one").glob("*.png"))
    assert [path.name for path in ones[:2]] == ["0001.png", "0002.png"]
    for path in ones:  # flite dithers: a sample differs by 2 at most, and stress goes by sound
        one, other = (cv2.imread(str(Path(f) / path.name)).astype(int) for f in ("one", "other"))
        assert np.abs(one - other).max() <= 6


def test_a_face_is_also_a_folder(render):
    folder = Path(av.__file__).parent  # not a face
    assert "--face: there is no face" in render(
        "film.mp4", "--say", "Hi", "--face", str(folder)
    ).stderr.replace("\n", " ")
    face = Path(__file__).parents[2] / "src" / "rtav" / "assets" / "faces" / "face2"

    assert render("film.webm", "--say", "Hi.", "--face", str(face), *SMALL).exit_code == 0


def test_a_film_has_the_look_that_is_wished(render):
    assert (
        render(
            "film.webm", "--say", "Hi.", "--framing", "portrait", "--background", "#00ff00", *SMALL
        ).exit_code
        == 0
    )

    with av.open("film.webm") as film:
        picture = next(film.decode(video=0)).to_ndarray(format="rgb24")
    assert picture.shape == (224, 128, 3)
    assert picture[4, 4] == pytest.approx((0, 255, 0), abs=8)


def test_a_picture_is_put_behind_the_face(render):
    cv2.imwrite("sky.png", np.full((200, 300, 3), (200, 120, 40), np.uint8))
    assert render("film/", "--say", "Hi.", "--background", "sky.png", *SMALL).exit_code == 0

    assert cv2.imread("film/0001.png")[4, 4] == pytest.approx((200, 120, 40), abs=6)
    Path("notes.png").write_text("no picture")
    refused = render("other/", "--say", "Hi.", "--background", "notes.png", *SMALL)
    assert refused.stderr.startswith("rtav: --background: notes.png: send a picture as PNG")
    assert (refused.exit_code, refused.stderr.count("\n")) == (2, 1)


def test_pictures_before_nothing_lie_on_anything(render):
    """The alpha that is written, over a colour, is what is drawn before that colour."""
    for folder, background in (("cut", "transparent"), ("green", "#20c040")):
        wish = ("--say", "Hi.", "--background", background, "--size", "256", "--fps", "5")
        assert render(folder, *wish).exit_code == 0
    cut, green = (
        cv2.imread(f"{folder}/0003.png", cv2.IMREAD_UNCHANGED).astype(np.float32)
        for folder in ("cut", "green")
    )

    share = cut[..., 3:] / 255
    laid = cut[..., :3] * share + np.array([0x40, 0xC0, 0x20], np.float32) * (1 - share)
    assert 0.2 < share.mean() < 0.9
    assert np.abs(laid - green).mean() < 1.5


@pytest.mark.parametrize(
    ("out", "third", "sound"),
    [
        ("film", "film/0003.png", "film/sound.wav"),
        ("a/film-%04d.png", "a/film-0003.png", "a/film.wav"),
        ("%d.png", "3.png", "sound.wav"),
    ],
)
def test_pictures_are_numbered_from_one(out, third, sound):
    numbered, beside = pictures(out)

    assert (str(numbered(3)), str(beside)) == (third, sound)


@pytest.mark.skipif(os.name == "nt", reason="signals of Unix")
def test_ctrl_c_leaves_nothing(tmp_path):
    command = [sys.executable, "-m", "rtav", "render", "film.mp4", "--say", "Hello there. " * 200]
    with subprocess.Popen(
        command,
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(Path(rtav.__file__).parents[1])},
    ) as process:
        for _ in range(600):
            if (tmp_path / ".film.mp4.part").exists():
                break
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        _, complaint = process.communicate(timeout=20)

    assert process.returncode != 0
    assert complaint.strip() in ("Aborted.", "Aborted!", "")
    assert list(tmp_path.iterdir()) == []


def test_the_mouth_moves_as_the_voice_sounds(render):
    text = "Papa may buy a map. Bob bought a big mop for a baby. Oh, how far are we?"
    assert render("film.mp4", "--say", text, "--size", "256", "--fps", "50").exit_code == 0

    async def spoken():
        tts = tts_engine(Settings())
        await tts.start()
        try:
            return await say(text, tts=tts, voice=tts.voices()[0].id, motions={})
        finally:
            await tts.close()

    visemes = asyncio.run(spoken()).track.visemes
    with av.open("film.mp4") as film:
        seen = np.array([gap(f.to_ndarray(format="bgr24")) for f in film.decode(video=0)])
    times = np.arange(len(seen)) / 50 - 0.5

    def wanted(late_s: float) -> np.ndarray:
        poses = [mouth(t - late_s, visemes, rate_hz=24_000) for t in times]
        return np.array([p.get("jawOpen", 0) * (1 - p.get("mouthClose", 0)) for p in poses])

    offsets = np.arange(-0.2, 0.201, 0.01)
    fits = [np.corrcoef(wanted(offset), seen)[0, 1] for offset in offsets]
    assert max(fits) > 0.6
    assert abs(offsets[int(np.argmax(fits))]) <= 0.02
    closed = [seen[round((v.start + v.end) / 2 / 480) + 25] for v in visemes if v.name == "PP"]
    assert len(closed) >= 10
    assert np.median(closed) < 0.15 * np.percentile(seen, 90)


def gap(picture: np.ndarray) -> float:
    """How dark it is where the mouth is: lips that are apart show what is behind them."""
    size = picture.shape[0]
    part = picture[int(0.55 * size) : int(0.75 * size), int(0.38 * size) : int(0.62 * size)]
    grey = cv2.cvtColor(part, cv2.COLOR_BGR2GRAY)
    return float(np.count_nonzero(grey < 0.3 * np.median(grey)))
