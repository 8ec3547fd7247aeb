"""Writes docs/images/page.png: the demo page in a real call (`python tools/page_picture.py`)."""

import tempfile
from pathlib import Path

from rtav.testing.browser import KEEP_EVENTS, chromium, microphone, wait_for
from rtav.testing.running import running_server

PICTURE = Path(__file__).parents[1] / "docs" / "images" / "page.png"


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, running_server() as server:
        wav = microphone(Path(folder) / "microphone.wav", 60.0)
        with chromium(wav) as browser:
            page = browser.new_page(viewport={"width": 1280, "height": 820})
            page.add_init_script(KEEP_EVENTS)
            page.goto(f"{server.url}/#key={server.key}")
            page.wait_for_timeout(2500)
            page.click("#talk")
            for number, words in enumerate(("My name is Ada.", "What can you do?"), 1):
                page.fill("#say", words)
                page.keyboard.press("Enter")
                wait_for(page, "response.done", count=number)
            page.fill("#say", "Tell me a story.")
            page.keyboard.press("Enter")
            wait_for(page, "output_audio_buffer.started", count=3)
            page.wait_for_timeout(3400)
            page.screenshot(path=PICTURE)


if __name__ == "__main__":
    main()
