"""OpenAI's agents SDK in a page of another origin, by WebRTC, with the face in a video element."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from rtav.testing.browser import chromium, microphone

pytestmark = [pytest.mark.browser, pytest.mark.real_time]

HERE = Path(__file__).parent
BUNDLE = HERE / "node_modules/@openai/agents-realtime/dist/bundle/openai-realtime-agents.umd.js"
COUNT = "([type, count]) => seen.events.filter(event => event.type === type).length >= count"


def secret(served: Any) -> str:
    """The SDK takes no other key in a browser."""
    made = httpx.post(
        f"{served.url}/v1/realtime/client_secrets",
        json={"session": {"type": "realtime", "model": "gpt-realtime"}},
        headers={"Authorization": f"Bearer {served.key}"},
        trust_env=False,
    )
    return str(made.json()["value"])


def wait_for(page: Any, kind: str, count: int = 1) -> None:
    page.wait_for_function(COUNT, arg=[kind, count], timeout=30_000)


def test_the_agents_sdk_sees_the_face_and_talks(
    served: Any, elsewhere: str, judge: Callable[..., list[str]], tmp_path: Path
) -> None:
    wav = microphone(tmp_path / "mic.wav", 1.5, "what can you do", 60.0)
    with chromium(wav) as browser:
        page = browser.new_page()
        broken: list[str] = []
        page.on("pageerror", lambda error: broken.append(str(error)))
        page.goto(elsewhere)
        page.add_script_tag(path=BUNDLE)
        page.add_script_tag(path=HERE / "clients" / "agents_webrtc.js")
        call_id = page.evaluate("([url, key]) => talk(url, key)", [served.url, secret(served)])
        assert call_id.startswith("rtc_")

        # what the microphone says is heard and answered aloud
        wait_for(page, "conversation.item.retrieved")
        wait_for(page, "response.done")

        # a tool of the page's
        page.evaluate("session.sendMessage('What is the weather in Oslo?')")
        wait_for(page, "response.done", 3)
        wait_for(page, "output_audio_buffer.stopped", 2)

        # an interruption, as by a button
        page.evaluate("session.sendMessage('Please count.')")
        wait_for(page, "output_audio_buffer.started", 3)
        page.wait_for_timeout(500)
        page.evaluate("session.interrupt()")
        wait_for(page, "conversation.item.truncated")
        wait_for(page, "response.done", 4)

        assert page.evaluate("received('audio').then(stats => stats.totalAudioEnergy)") > 0.01
        page.wait_for_function("received('video').then(stats => stats.framesDecoded > 25)")
        assert page.evaluate("document.getElementById('remoteVideo').videoWidth") == 512
        assert page.evaluate("remoteVideo.srcObject.getTracks().length") == 2
        page.evaluate("session.close()")
        seen = page.evaluate("seen")

    assert broken == []
    assert seen["errors"] == []
    assert judge(seen["events"]) == []
    assert seen["cities"] == ["Oslo"]
    kind = "response.output_audio_transcript.done"
    spoken = [event["transcript"] for event in seen["events"] if event["type"] == kind]
    assert spoken[0].lower().startswith("you said: what can")
    assert spoken[1] == "It is sunny there."
    assert "ten. One, two" not in spoken[2], "the rest was never said"
    [heard] = [
        part["transcript"]
        for item in seen["history"]
        if item["type"] == "message" and item["role"] == "user"
        for part in item["content"]
        if part["type"] == "input_audio"
    ]
    assert "what can" in heard.lower()
