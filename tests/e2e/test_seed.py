"""The user's own document: its code runs against the server, word for word."""

import sys
from pathlib import Path

import pytest

from rtav.testing.browser import KEEP_EVENTS, chromium, events, faults, microphone, wait_for
from rtav.testing.running import RunningServer

sys.path.insert(0, str(Path(__file__).parent))
from seed import complete_example

pytestmark = [pytest.mark.browser, pytest.mark.real_time]

ENERGY = """async () => {
  for (const entry of (await window.call.pc.getStats()).values())
    if (entry.type === 'inbound-rtp' && entry.kind === 'audio') return entry.totalAudioEnergy;
  return 0;
}"""


def test_the_complete_example_of_the_seed_runs_unchanged(
    server: RunningServer, elsewhere: str, tmp_path: Path
) -> None:
    wav = microphone(tmp_path / "mic.wav", 9.0, "what can you do", 30.0)
    with chromium(wav) as browser:
        page = browser.new_page()
        said: list[str] = []
        page.on("console", lambda message: said.append(message.text))
        page.add_init_script(KEEP_EVENTS)
        page.goto(elsewhere)
        page.add_script_tag(content=complete_example(host=server.url, key=server.key))
        page.evaluate("async () => { window.call = await connectWebRTC(); }")
        # its own text message is answered
        wait_for(page, "response.done")
        assert page.evaluate(ENERGY) > 0.001
        # the microphone is heard and answered
        wait_for(page, "conversation.item.input_audio_transcription.completed")
        wait_for(page, "response.done", count=2)
        assert "Data channel opened" in said
        user = [line for line in said if line.startswith("User:")]
        assert "what can you do" in user[0].lower()
        assert len([line for line in said if line.startswith("Assistant:")]) > 5
        spoken = "".join(
            event["delta"]
            for event in events(page)
            if event["type"] == "response.output_audio_transcript.delta"
        )
        assert "demo" in spoken
        assert page.evaluate("window.call.pc.connectionState") == "connected"
        assert faults(page) == []
        page.evaluate(
            "() => disconnect(window.call.pc, window.call.dataChannel, window.call.localStream)"
        )
        page.wait_for_timeout(1500)
    assert " s: left" in server.log()
