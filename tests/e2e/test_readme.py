"""The README's own example, in a browser."""

import re
from pathlib import Path

import pytest

from rtav.testing.browser import KEEP_EVENTS, chromium, faults, microphone, wait_for
from rtav.testing.running import RunningServer

pytestmark = [pytest.mark.browser, pytest.mark.real_time]

README = Path(__file__).parents[2] / "README.md"


def test_the_example_of_the_readme_shows_a_face_and_is_answered(
    server: RunningServer, elsewhere: str, tmp_path: Path
) -> None:
    found = re.search(r"```js\n(.*?)```", README.read_text(), re.DOTALL)
    assert found is not None
    setup, _, during = found[1].partition("// During the call")
    code = setup.replace("http://127.0.0.1:8000", server.url)
    wav = microphone(tmp_path / "mic.wav", 60.0)
    with chromium(wav) as browser:
        page = browser.new_page()
        page.add_init_script(KEEP_EVENTS)
        page.goto(elsewhere)
        page.evaluate(
            f"async () => {{ const KEY = '{server.key}'; {code} window.channel = dataChannel; }}"
        )
        wait_for(page, "session.created")
        page.evaluate(f"() => {{ const dataChannel = window.channel; {during} }}")
        wait_for(page, "session.updated")
        wait_for(page, "response.done")
        assert page.evaluate("document.getElementById('remoteVideo').videoWidth") == 512
        assert faults(page) == []
