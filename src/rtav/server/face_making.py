"""What `rtav face make` does: a face folder, or an archive to upload, out of one picture."""

from __future__ import annotations

import json
import re
import shutil
import tempfile
import unicodedata
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rtav.engines.avatar.archive import write_face
from rtav.engines.avatar.detecting import find_landmarks, python_with_mediapipe
from rtav.engines.avatar.landmarks import read_landmarks
from rtav.engines.avatar.picture import read_picture
from rtav.engines.avatar.preparing import check_background, likeness
from rtav.engines.look import ORIGINAL
from rtav.errors import ConfigError, ProtocolError
from rtav.server.progress import Told
from rtav.settings import Settings

MAX_NAME, MAX_CONSENT = 100, 1000  # characters, as of an upload
OPTIONS = {
    "file": "PICTURE",
    "landmarks": "--landmarks",
    "consent": "--consent",
    "background": "--background",
}
"""What a field of an upload is called here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FaceWish:
    """What the options say."""

    picture: Path
    name: str | None
    """None: the file's own."""
    out: Path
    """A folder that will have `faces/<id>/`, or an archive `*.zip`."""
    landmarks: Path | None
    consent: str | None
    background: str = ORIGINAL
    """`original`, `matte` or `#rrggbb`."""


def make(settings: Settings, wish: FaceWish, *, progress: Told) -> Path:
    """Make the face; returns where it is: its folder, or the archive.

    Raises ConfigError naming the option; then nothing is there.
    """
    name = (wish.name or wish.picture.stem).strip()[:MAX_NAME]
    face_id = slug(name)
    is_archive = wish.out.suffix.lower() == ".zip"
    place = wish.out if is_archive else wish.out / "faces" / face_id
    if place.exists():
        raise ConfigError("--out" if is_archive else "--name", f"{place} is there already")
    consent = (wish.consent or "").strip()
    if not 0 < len(consent) <= MAX_CONSENT:
        raise ConfigError(
            "--consent", "say who is shown, and how they agreed; or who drew the picture"
        )
    given = _given(wish.landmarks)
    try:
        check_background(wish.background)
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch) / face_id
            folder.mkdir()
            _make(settings, wish, given, _Face(folder, face_id, name, consent), progress)
            _keep(folder, place)
    except ProtocolError as error:
        raise ConfigError(_option(error), _explained(error, settings)) from None
    except OSError as error:
        raise ConfigError("--out", f"{place}: {error.strerror}") from None
    return place


@dataclass(frozen=True, slots=True)
class _Face:
    folder: Path
    id: str
    name: str
    consent: str


def _make(
    settings: Settings, wish: FaceWish, given: Any, face: _Face, progress: Told
) -> None:  # Any: JSON
    steps = 4
    progress(0, steps)
    upload = _read(wish.picture, settings.assets.max_face_bytes)
    picture = read_picture(upload)
    progress(1, steps)
    if given is None:
        given = find_landmarks(picture, python_with_mediapipe(settings.assets.mediapipe_python))
    points = read_landmarks(given, picture.shape[1], picture.shape[0])
    progress(2, steps)
    made = likeness(upload, picture, points, name=face.name, background=wish.background)
    progress(3, steps)
    write_face(made, face.folder, face_id=face.id, name=face.name)
    document = json.loads((face.folder / "face.json").read_text(encoding="utf-8"))
    document["consent"] = face.consent
    (face.folder / "face.json").write_text(json.dumps(document), encoding="utf-8")
    progress(4, steps)


def slug(name: str) -> str:
    """An id: small letters, digits and dashes."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:64] or "face"


def _read(path: Path, max_bytes: int) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(max_bytes + 1)
    except OSError as error:
        raise ConfigError("PICTURE", f"{path}: {error.strerror}") from None
    if len(content) > max_bytes:
        raise ConfigError("PICTURE", f"{path}: is over {max_bytes} bytes (assets.max_face_bytes)")
    return content


def _given(path: Path | None) -> Any:  # JSON
    if path is None:
        return None
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError("--landmarks", f"{path}: {error.strerror}") from None
    except ValueError as error:
        raise ConfigError("--landmarks", f"{path}: is not JSON: {error}") from None


def _keep(folder: Path, place: Path) -> None:
    """Put it where it belongs, whole or not at all."""
    place.parent.mkdir(parents=True, exist_ok=True)
    if place.suffix.lower() != ".zip":
        shutil.copytree(folder, part := place.with_name(f".{place.name}.part"))
        part.rename(place)
        return
    part = place.with_name(f".{place.name}.part")
    with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(folder.iterdir()):
            archive.write(file, f"{folder.name}/{file.name}")
    part.rename(place)


def _option(error: ProtocolError) -> str:
    return OPTIONS.get((error.param or "file").partition(".")[0], "PICTURE")


def _explained(error: ProtocolError, settings: Settings) -> str:
    if error.code != "missing_landmarks":
        return error.message.removeprefix("landmarks: ")
    page = f"http://{settings.server.host}:{settings.server.port or 8000}/face.html"
    return f"{error.message} Place them on {page} (rtav serve) and save them from there."
