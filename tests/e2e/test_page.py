"""The demo page, as a visitor uses it."""

from typing import Any

import numpy as np
import pytest

from rtav.testing.browser import KEEP_EVENTS, chromium, events, faults, wait_for
from rtav.testing.running import RunningServer

pytestmark = [pytest.mark.browser, pytest.mark.real_time]

PICTURE = """() => {
  const video = document.getElementById('face');
  const canvas = new OffscreenCanvas(64, 64);
  const brush = canvas.getContext('2d');
  brush.drawImage(video, 0, 0, 64, 64);
  return Array.from(brush.getImageData(0, 0, 64, 64).data);
}"""


def picture(page: Any) -> np.ndarray:
    return np.array(page.evaluate(PICTURE), dtype=float)


def test_a_visitor_types_and_changes_the_face_and_hangs_up(server: RunningServer) -> None:
    with chromium() as browser:
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        broken: list[str] = []
        page.on("pageerror", lambda error: broken.append(str(error)))
        page.add_init_script(KEEP_EVENTS)
        page.goto(f"{server.url}/#key={server.key}")
        page.wait_for_function("document.getElementById('frame').dataset.live === 'true'")
        assert "key" not in page.url
        first = picture(page)

        page.fill("#say", "What is seven times eight?")
        page.keyboard.press("Enter")
        wait_for(page, "response.done")
        assert "fifty" in page.inner_text("#messages").lower() or "56" in page.inner_text(
            "#messages"
        )

        page.get_by_title("Leo", exact=True).click()
        wait_for(page, "session.updated")
        page.wait_for_timeout(1500)
        assert np.abs(picture(page) - first).mean() > 12

        page.get_by_role("button", name="Wink").click()
        wait_for(page, "session.updated", count=2)
        updated = [event for event in events(page) if event["type"] == "session.updated"]
        assert updated[0]["session"]["face"] == "face2"
        assert updated[1]["session"]["driving"] == ["Wink", "default"]

        page.click("#hang-up")
        page.wait_for_function(
            "document.getElementById('status-words').textContent !== 'Press Talk, or type'"
        )
        page.wait_for_timeout(1000)
        assert faults(page) == []
        assert broken == []
    assert " s: hangup" in server.log()


def test_a_wrong_key_is_asked_for_again(server: RunningServer) -> None:
    with chromium() as browser:
        page = browser.new_page()
        page.goto(f"{server.url}/#key=wrong")
        page.wait_for_selector("#key-dialog[open]")
        assert "Invalid API key" in page.inner_text("#key-words")
