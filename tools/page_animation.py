"""Writes docs/images/call.webp: a real call on the demo page (`python tools/page_animation.py`)."""

from __future__ import annotations

import base64
import tempfile
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from cv2.typing import MatLike
from playwright.sync_api import CDPSession, Page

from rtav.testing.browser import KEEP_EVENTS, chromium, microphone, wait_for
from rtav.testing.running import running_server

ANIMATION = Path(__file__).parents[1] / "docs" / "images" / "call.webp"
WIDTH_PX = 640
FPS = 12.5  # every second frame of the face
QUALITY = 80
TALK_S = 9.0


class Recorder:
    """The page's pictures, each with the second it was shown."""

    def __init__(self, page: Page) -> None:
        self._session: CDPSession = page.context.new_cdp_session(page)
        self.frames: list[tuple[float, bytes]] = []

    def start(self) -> None:
        self._session.on("Page.screencastFrame", self._keep)
        self._session.send(
            "Page.startScreencast", {"format": "jpeg", "quality": 92, "everyNthFrame": 2}
        )

    def stop(self) -> None:
        self._session.remove_listener("Page.screencastFrame", self._keep)
        self._session.send("Page.stopScreencast")

    def _keep(self, shown: dict[str, Any]) -> None:
        self.frames.append((shown["metadata"]["timestamp"], base64.b64decode(shown["data"])))
        self._session.send("Page.screencastFrameAck", {"sessionId": shown["sessionId"]})


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, running_server() as server:
        wav = microphone(Path(folder) / "microphone.wav", 60.0)
        with chromium(wav) as browser:
            page = browser.new_page(viewport={"width": 1280, "height": 820})
            page.add_init_script(KEEP_EVENTS)
            page.goto(f"{server.url}/#key={server.key}")
            page.wait_for_timeout(2500)
            page.click("#talk")
            page.fill("#say", "My name is Ada.")
            page.keyboard.press("Enter")
            wait_for(page, "response.done", count=1)
            recorder = Recorder(page)
            recorder.start()
            page.wait_for_timeout(1200)
            page.type("#say", "Tell me a story.", delay=45)
            page.keyboard.press("Enter")
            page.wait_for_timeout(int(TALK_S * 1000))
            recorder.stop()
    write(ANIMATION, recorder.frames)


def write(path: Path, shown: list[tuple[float, bytes]]) -> None:
    """Write the pictures at FPS, WIDTH_PX wide, as an animation without end."""
    first, last = shown[0][0], shown[-1][0]
    times = np.array([at for at, _ in shown])
    animation = cv2.Animation()
    animation.loop_count = 0
    animation.frames = [
        _small(shown[int(np.searchsorted(times, at, side="right")) - 1][1])
        for at in np.arange(first, last, 1 / FPS)
    ]
    animation.durations = [round(1000 / FPS)] * len(animation.frames)
    if not cv2.imwriteanimation(str(path), animation, [cv2.IMWRITE_WEBP_QUALITY, QUALITY]):
        raise SystemExit(f"{path} could not be written")


def _small(jpeg: bytes) -> MatLike:
    picture = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None, "the browser sends pictures"
    height = round(picture.shape[0] * WIDTH_PX / picture.shape[1])
    small = cv2.resize(picture, (WIDTH_PX, height), interpolation=cv2.INTER_AREA)
    return cv2.cvtColor(small, cv2.COLOR_BGR2BGRA)


if __name__ == "__main__":
    main()
