"""The page that makes a face of one picture, as a visitor uses it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import httpx
import numpy as np
import pytest

from rtav.engines.avatar.asset import FaceAsset
from rtav.engines.avatar.camera import Camera
from rtav.engines.avatar.face import read_face
from rtav.engines.avatar.portrait import ASSETS
from rtav.engines.avatar.renderer import Renderer
from rtav.testing.browser import chromium
from rtav.testing.running import RunningServer

pytestmark = [pytest.mark.browser, pytest.mark.real_time]

SIZE = 640
KEEP_FILES = """
window.sentFiles = [];
const ask = window.fetch;
window.fetch = async (url, options) => {
  const file = options?.body?.get?.('file');
  if (file) window.sentFiles.push([...new Uint8Array(await file.arrayBuffer())]);
  return ask(url, options);
};
"""


@pytest.fixture
def portrait(tmp_path: Path) -> tuple[Path, dict[str, list[float]]]:
    """A picture of our own making, and where some of its points are."""
    face = read_face(ASSETS / "faces" / "face2")
    picture = cv2.cvtColor(Renderer(FaceAsset(face, SIZE)).render({}), cv2.COLOR_YUV2BGR_I420)
    path = tmp_path / "Leo at home.png"
    path.write_bytes(cv2.imencode(".png", picture)[1].tobytes())
    z, focal, y = face.camera
    camera = Camera(z=z, focal=focal, y=y, size_px=SIZE)
    points = {}
    for i, side in enumerate(("Left", "Right")):
        up, low = (
            camera.project(face.arrays["lid_up"][i]),
            camera.project(face.arrays["lid_low"][i]),
        )
        points[f"pupil{side}"] = (up[12] + low[12]) / 2
    points["mouthCentre"] = camera.project(face.arrays["seam"])[20]
    return path, {name: [float(v) for v in point] for name, point in points.items()}


def drag(page: Any, name: str, to: list[float]) -> None:
    handle = page.locator(f"[data-point={name}]").bounding_box()
    board = page.locator("#picture").bounding_box()
    scale = board["width"] / SIZE
    page.mouse.move(handle["x"] + handle["width"] / 2, handle["y"] + handle["height"] / 2)
    page.mouse.down()
    page.mouse.move(board["x"] + to[0] * scale, board["y"] + to[1] * scale, steps=3)
    page.mouse.up()


def place_of(page: Any, name: str) -> list[float]:
    """In pixels of the picture, as a screen reader hears it."""
    words = page.locator(f"[data-point={name}]").get_attribute("aria-label").split(", ")
    return [float(words[-2].split()[0]), float(words[-1].split()[0])]


def test_a_visitor_makes_a_face_and_calls_it(
    server: RunningServer, portrait: tuple[Path, dict[str, list[float]]]
) -> None:
    picture, points = portrait
    with chromium() as browser:
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        broken: list[str] = []
        page.on("pageerror", lambda error: broken.append(str(error)))
        page.goto(f"{server.url}/#key={server.key}")
        page.get_by_role("link", name="Your own face").click()

        page.set_input_files("#file", picture)
        page.wait_for_selector("#table:not([hidden])")
        assert page.input_value("#name") == "Leo at home"
        assert page.locator(".point:visible").count() == 3
        for name, to in points.items():
            drag(page, name, to)
            assert place_of(page, name) == pytest.approx(to, abs=1.5)
        assert page.locator(".point:visible").count() == 16
        assert page.inner_text("#verdict") == "The points can be a face."
        assert page.locator("#make").is_disabled()

        page.fill("#consent", "Drawn by ourselves.")
        page.select_option("#background", "colour")
        page.fill("#colour", "#336699")
        page.click("#make")
        page.wait_for_function("!make.disabled", timeout=60_000)
        assert page.inner_text("#outcome") == ""
        page.wait_for_selector("#result:not([hidden])")
        page.wait_for_function("document.getElementById('made').naturalWidth === 384")
        first = page.get_attribute("#call", "href")
        page.click("#make")  # again: it replaces the first
        page.wait_for_function("call.getAttribute('href') !== " + json.dumps(first), timeout=60_000)
        listed = httpx.get(
            f"{server.url}/v1/faces", headers={"Authorization": f"Bearer {server.key}"}
        ).json()["faces"]
        own = [face for face in listed if face["type"] == "custom"]
        assert [(face["name"], face["consent"]) for face in own] == [
            ("Leo at home", "Drawn by ourselves.")
        ]
        assert own[0]["has_outline"] is True

        page.click("#call")
        page.wait_for_function("document.getElementById('frame').dataset.live === 'true'")
        chosen = page.evaluate("document.querySelector('#faces input:checked').value")
        assert chosen == own[0]["id"]
        assert broken == []


def test_points_are_moved_with_the_keyboard_and_saved(
    server: RunningServer, portrait: tuple[Path, dict[str, list[float]]]
) -> None:
    with chromium() as browser:
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.goto(f"{server.url}/face.html#key={server.key}")
        page.set_input_files("#file", portrait[0])
        page.wait_for_selector("#table:not([hidden])")
        page.click("#all-points")
        page.focus("[data-point=chin]")
        x, y = place_of(page, "chin")
        for key in ("ArrowRight", "Shift+ArrowRight", "ArrowUp"):
            page.keyboard.press(key)
        assert place_of(page, "chin") == [x + 11, y - 1]
        assert page.inner_text("#point-words") == "Tip of the chin"
        assert page.locator("#magnifier").is_visible()

        for _ in range(12):
            page.keyboard.press("Shift+ArrowUp")
        assert page.inner_text("#verdict") == "The chin must be below the mouth."
        assert "wrong" in page.get_attribute("[data-point=chin]", "class")
        assert page.locator("#save").is_disabled()
        for _ in range(12):
            page.keyboard.press("Shift+ArrowDown")
        with page.expect_download() as saved:
            page.click("#save")
        content = json.loads(Path(saved.value.path()).read_text())
        assert content["points"]["chin"] == pytest.approx([x + 11, y - 1], abs=1)
        assert len(content["points"]) == 16


def test_what_is_no_picture_is_said_at_once(server: RunningServer, tmp_path: Path) -> None:
    (tmp_path / "notes.png").write_text("not a picture")
    with chromium() as browser:
        page = browser.new_page()
        page.goto(f"{server.url}/face.html#key={server.key}")
        page.set_input_files("#file", tmp_path / "notes.png")
        page.wait_for_function("document.getElementById('outcome').textContent !== ''")
        assert "not a picture" in page.inner_text("#outcome")
        assert not page.locator("#table").is_visible()


def test_a_picture_is_sent_as_it_is_seen_and_without_its_metadata(
    server: RunningServer, tmp_path: Path
) -> None:
    """A photograph lies on its side in the file, and its EXIF data says how it was held."""
    tall = np.zeros((400, 300, 3), np.uint8)
    tall[:200] = 255
    lying = cv2.imencode(".jpg", np.rot90(tall))[1].tobytes()
    exif = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0"
    segment = b"\xff\xe1" + (len(exif) + 2).to_bytes(2, "big") + exif
    (tmp_path / "photo.jpg").write_bytes(lying[:2] + segment + lying[2:])
    with chromium() as browser:
        page = browser.new_page()
        page.add_init_script(KEEP_FILES)
        page.goto(f"{server.url}/face.html#key={server.key}")
        page.set_input_files("#file", tmp_path / "photo.jpg")
        page.wait_for_selector("#table:not([hidden])")
        page.wait_for_function("picture.width === 300 && picture.height === 400")
        page.wait_for_function("window.sentFiles.length > 0")
        sent = bytes(page.evaluate("window.sentFiles[0]"))

    assert sent[:2] == b"\xff\xd8"
    assert b"Exif" not in sent
    shown = cv2.imdecode(np.frombuffer(sent, np.uint8), cv2.IMREAD_COLOR)
    assert shown.shape == (400, 300, 3)
    assert shown[50].mean() > 200 > 50 > shown[350].mean()
