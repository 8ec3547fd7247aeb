import json
import os
import stat
import zipfile
from pathlib import Path

import cv2
import pytest
from typer.testing import CliRunner

from rtav.cli import app
from rtav.engines.avatar.archive import unpack_face
from rtav.engines.avatar.face import read_face
from rtav.server.face_making import slug
from rtav.testing.sitter import portrait

CONSENT = ("--consent", "Drawn by us.")


@pytest.fixture
def make(monkeypatch, tmp_path):
    monkeypatch.setattr("rtav.log.configure", lambda **_: None)  # pytest's handlers stay
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RTAV_STATE_DIR", str(tmp_path / "state"))
    picture, points = portrait(512)
    cv2.imwrite("mia.png", picture)
    Path("points.json").write_text(json.dumps({"points": points}))
    return lambda *arguments: CliRunner().invoke(app, ["face", "make", *arguments])


def detector(*faces: dict[str, list[float]]) -> tuple[str, str]:
    """Stands in for a Python with MediaPipe: finds these faces in every picture."""
    script = Path("python")
    script.write_text(f"#!/bin/sh\ncat > /dev/null\necho '{json.dumps({'faces': faces})}'\n")
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    return "--set", f"assets.mediapipe_python={script.resolve()}"


def test_a_picture_becomes_a_folder_that_a_server_serves(make):
    result = make("mia.png", "--landmarks", "points.json", "--name", "Mia Müller", *CONSENT)

    assert (result.exit_code, result.stdout) == (0, "my-assets/faces/mia-muller\n")
    assert "rtav serve --set avatar.options.assets=my-assets" in result.stderr
    folder = Path("my-assets/faces/mia-muller")
    assert read_face(folder).name == "Mia Müller"
    assert json.loads((folder / "face.json").read_text())["consent"] == "Drawn by us."
    film = CliRunner().invoke(
        app,
        [
            *("render", "film.mp4", "--say", "Hi.", "--face", "mia-muller", "--size", "128"),
            *("--set", "avatar.options.assets=my-assets"),
        ],
    )
    assert (film.exit_code, film.stderr) == (0, "")


def test_an_archive_is_one_that_can_be_uploaded(make, tmp_path):
    result = make("mia.png", "--landmarks", "points.json", "--out", "mia.zip", *CONSENT)

    assert (result.exit_code, result.stderr) == (0, "")
    assert zipfile.is_zipfile("mia.zip")
    (folder := tmp_path / "unpacked").mkdir()
    facts = unpack_face(Path("mia.zip").read_bytes(), folder, face_id="face_1", name="Mia")
    assert facts == {"preview": True, "has_outline": False}


@pytest.mark.parametrize(
    ("background", "colour"), [("matte", (198, 206, 214)), ("#ff8000", (0, 128, 255))]
)
def test_a_picture_is_cut_out_of_its_background(make, background, colour):
    wish = ("--landmarks", "points.json", "--background", background, *CONSENT)
    assert make("mia.png", *wish).exit_code == 0

    face = read_face(Path("my-assets/faces/mia"))
    assert face.backdrop[5, 5] == pytest.approx(colour)
    alpha = face.pictures["head"][..., 3]
    assert (alpha[5, 5], alpha[400, 360]) == (0, 255)


@pytest.mark.skipif(os.name == "nt", reason="the stand-in is a shell script")
def test_a_detector_finds_the_points(make):
    assert make("mia.png", *detector(portrait(512)[1]), *CONSENT).exit_code == 0
    assert Path("my-assets/faces/mia/preview.png").is_file()


@pytest.mark.skipif(os.name == "nt", reason="the stand-in is a shell script")
@pytest.mark.parametrize(
    ("faces", "line"),
    [
        (0, "rtav: PICTURE: no face is found in the picture: place the points by hand"),
        (2, "rtav: PICTURE: the picture shows more than one face: cut it so that one is left"),
    ],
)
def test_a_picture_shows_one_face(make, faces, line):
    result = make("mia.png", *detector(*[portrait(512)[1]] * faces), *CONSENT)

    assert (result.exit_code, result.stderr) == (2, line + "\n")
    assert not Path("my-assets").exists()


def test_a_detector_that_does_not_work_says_what_to_do(make):
    broken = Path("python")
    broken.write_text("#!/bin/sh\necho 'ModuleNotFoundError: mediapipe' >&2\nexit 1\n")
    broken.chmod(0o755)
    result = make("mia.png", "--set", "assets.mediapipe_python=python", *CONSENT)

    assert result.exit_code == 2
    assert "does not work here (ModuleNotFoundError: mediapipe)" in result.stderr
    assert "/face.html" in result.stderr


def changed(**points: list[float]) -> None:
    Path("points.json").write_text(json.dumps(portrait(512)[1] | points))


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["mia.png", "--landmarks", "points.json"], "rtav: --consent: say who is shown"),
        (["no.png", *CONSENT], "rtav: PICTURE: no.png: No such file"),
        (["points.json", *CONSENT], "rtav: PICTURE: send a face archive (zip), or a picture"),
        (["mia.png", "--landmarks", "no.json", *CONSENT], "rtav: --landmarks: no.json: No such"),
        (["mia.png", "--landmarks", "mia.png", *CONSENT], "rtav: --landmarks: mia.png: is not"),
        (["mia.png", *CONSENT], "rtav: --landmarks: A picture needs `landmarks`"),
        (["mia.png", "--background", "red", *CONSENT], "rtav: --background: `background` is"),
        (["mia.png", "--name", "there", *CONSENT], "rtav: --name: my-assets/faces/there is there"),
        (["mia.png", "--out", "there.zip", *CONSENT], "rtav: --out: there.zip is there already"),
        (
            ["mia.png", "--set", "assets.mediapipe_python=nowhere", *CONSENT],
            "rtav: assets.mediapipe_python: nowhere is no Python",
        ),
        (
            ["mia.png", "--set", "assets.max_face_bytes=1000", *CONSENT],
            "rtav: PICTURE: mia.png: is over 1000 bytes",
        ),
    ],
)
def test_a_mistake_is_one_readable_line(make, monkeypatch, arguments, line):
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    Path("my-assets/faces/there").mkdir(parents=True)
    Path("there.zip").touch()
    result = make(*arguments)

    assert result.exit_code == 2
    assert result.stderr.startswith(line)
    assert result.stderr.count("\n") == 1
    assert [path.name for path in Path("my-assets/faces").iterdir()] == ["there"]


def test_a_profile_is_no_face_from_the_front(make):
    points = portrait(512)[1]
    changed(noseTip=[points["chin"][0] + 60, 300.0])
    result = make("mia.png", "--landmarks", "points.json", *CONSENT)

    assert result.exit_code == 2
    assert result.stderr.startswith("rtav: --landmarks: noseTip the face looks to the side")


@pytest.mark.parametrize(
    ("name", "expected"),
    [("Mia Müller", "mia-muller"), ("../../etc", "etc"), ("王", "face"), ("A" * 99, "a" * 64)],
)
def test_ids_are_safe_names_of_folders(name, expected):
    assert slug(name) == expected
