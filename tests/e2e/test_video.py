"""The face as a browser receives it."""

import sys
from pathlib import Path

import pytest

from rtav.testing.browser import KEEP_EVENTS, chromium, faults, microphone, send, wait_for
from rtav.testing.messages import message
from rtav.testing.running import RunningServer
from rtav.testing.watching import watch, watched

sys.path.insert(0, str(Path(__file__).parent))
from seed import complete_example, with_video

pytestmark = [pytest.mark.browser, pytest.mark.real_time]

STORY = (
    "Once upon a time a small robot lived by the open sea. Every morning it woke up early, "
    "looked at the waves, and asked them how they were. The waves never answered in words. "
    "But every evening they brought it a new shell, and by and by the robot had a house full "
    "of music. People came from far away to hear it, and nobody ever left without a smile."
)


@pytest.mark.parametrize("codec", ["H264", "VP8"])
def test_the_face_is_fluent_while_idle_and_while_speaking(
    codec: str, server: RunningServer, elsewhere: str, tmp_path: Path
) -> None:
    wav = microphone(tmp_path / "mic.wav", 60.0)
    with chromium(wav) as browser:
        page = browser.new_page()
        page.add_init_script(KEEP_EVENTS)
        page.goto(elsewhere)
        code = with_video(complete_example(host=server.url, key=server.key), codec)
        page.add_script_tag(content=code)
        page.evaluate("async () => { window.call = await connectWebRTC(); }")
        wait_for(page, "output_audio_buffer.stopped")
        watch(page, "remoteVideo")
        page.wait_for_timeout(1000)
        idle_from = page.evaluate("performance.now()")
        page.wait_for_timeout(15_000)
        idle_to = page.evaluate("performance.now()")
        send(page, message("assistant", STORY))
        wait_for(page, "output_audio_buffer.started", count=2)
        page.wait_for_timeout(300)
        speaking_from = page.evaluate("performance.now()")
        page.wait_for_timeout(15_000)
        speaking_to = page.evaluate("performance.now()")
        idle = watched(page, idle_from, idle_to)
        speaking = watched(page, speaking_from, speaking_to)
        used = page.evaluate(
            """async () => {
              const entries = [...(await window.call.pc.getStats()).values()];
              const video = entries.find(e => e.type === 'inbound-rtp' && e.kind === 'video');
              return entries.find(e => e.id === video.codecId).mimeType;
            }"""
        )
        assert faults(page) == []
    assert used == f"video/{codec}"
    for stretch in (idle, speaking):
        assert stretch.fps >= 20
        assert stretch.freezes == 0
    # the mouth moves with the words and rests in silence
    assert speaking.mouth > 2.5 * idle.mouth
