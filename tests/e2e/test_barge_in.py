"""Speaking over the avatar."""

import sys
from pathlib import Path
from typing import Any

import pytest

from rtav.testing.browser import KEEP_EVENTS, chromium, events, faults, microphone, send, wait_for
from rtav.testing.messages import message
from rtav.testing.running import RunningServer

sys.path.insert(0, str(Path(__file__).parent))
from seed import complete_example
from test_video import STORY

pytestmark = [pytest.mark.browser, pytest.mark.real_time]

LISTEN = """async () => {
  const stream = document.getElementById('remoteAudio').srcObject;
  const context = new AudioContext();
  const analyser = context.createAnalyser();
  analyser.fftSize = 512;
  context.createMediaStreamSource(stream).connect(analyser);
  const samples = new Float32Array(512);
  window.loud = [];
  setInterval(() => {
    analyser.getFloatTimeDomainData(samples);
    const level = Math.sqrt(samples.reduce((sum, x) => sum + x * x, 0) / 512);
    window.loud.push([performance.now(), level]);
  }, 10);
}"""


def arrival(page: Any, kind: str, after: float = 0) -> float:
    """When the first event of a type came, in the page's ms."""
    return page.evaluate(
        "([kind, after]) => window.rtavEvents"
        ".find(entry => entry.event.type === kind && entry.at > after).at",
        [kind, after],
    )


def test_speech_over_the_answer_silences_it(
    server: RunningServer, elsewhere: str, tmp_path: Path
) -> None:
    # twice: a browser that is still learning its echo canceller may swallow the first
    question = "what is seven times eight"
    wav = microphone(tmp_path / "mic.wav", 14.0, question, 4.0, question, 30.0)
    with chromium(wav) as browser:
        page = browser.new_page()
        page.add_init_script(KEEP_EVENTS)
        page.goto(elsewhere)
        page.add_script_tag(content=complete_example(host=server.url, key=server.key))
        page.evaluate("async () => { window.call = await connectWebRTC(); }")
        wait_for(page, "output_audio_buffer.stopped")
        send(page, message("assistant", STORY))
        wait_for(page, "output_audio_buffer.started", count=2)
        page.evaluate(LISTEN)
        wait_for(page, "input_audio_buffer.speech_started")
        wait_for(page, "conversation.item.truncated")
        wait_for(page, "output_audio_buffer.started", count=3)
        started = arrival(page, "input_audio_buffer.speech_started")
        again = arrival(page, "output_audio_buffer.started", after=started)
        loud = page.evaluate("window.loud")
        before = [level for at, level in loud if started - 2000 < at < started - 500]
        between = [level for at, level in loud if started + 250 < at < again - 50]
        got = events(page)
        assert faults(page) == []
    # heard before, silent from a quarter of a second after the server's own announcement on
    assert max(before) > 0.02
    assert len(between) > 10
    assert max(between) < 0.005
    cut = [event for event in got if event["type"] == "response.done"][1]["response"]
    assert cut["status"] == "cancelled"
    assert cut["status_details"] == {"type": "cancelled", "reason": "turn_detected"}
    told = cut["output"][0]["content"][0]["transcript"]
    assert STORY.startswith(told)
    assert 0 < len(told) < len(STORY)
