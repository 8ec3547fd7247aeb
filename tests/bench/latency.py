"""What a caller waits for, with the embedded engines: `python3 dev.py bench latency [turns]`.

The server runs in a process of its own. Turns and interruptions are measured by a caller that
decodes packets as they arrive: from the last (first) loud sample it sent to the first (last)
audible packet that came. First frames are measured in Chromium, which also tells its own playout
buffer: what a person hears comes that much later.
"""

import asyncio
import statistics
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
from _report import publish, quantiles

from rtav.testing.browser import KEEP_EVENTS, chromium
from rtav.testing.messages import message
from rtav.testing.running import RunningServer, running_server
from rtav.testing.voice_caller import VoiceCaller
from rtav.testing.voices import say

QUESTIONS = (
    "what can you do",
    "what time is it",
    "who are you",
    "tell me a joke",
    "what is seven times eight",
    "count to ten",
    "spell hello",
    "how do i connect a model",
)
STORY = "Once upon a time a small robot lived by the open sea. " * 6
INTERRUPTIONS = 12
CONNECTIONS = 12

FIRST_FRAME = """async ([url, key]) => {
  const pc = new RTCPeerConnection();
  pc.addTransceiver('audio', {direction: 'recvonly'});
  pc.addTransceiver('video', {direction: 'recvonly'});
  pc.createDataChannel('realtime');
  const video = document.createElement('video');
  Object.assign(video, {muted: true, autoplay: true, playsInline: true});
  document.body.append(video);
  pc.ontrack = event => { video.srcObject = event.streams[0]; };
  const shown = new Promise(resolve => video.requestVideoFrameCallback(resolve));
  await pc.setLocalDescription();
  const form = new FormData();
  form.append('sdp', pc.localDescription.sdp);
  form.append('session', '{"type":"realtime"}');
  const posted = performance.now();
  const answer = await fetch(url + '/v1/realtime/calls',
    {method: 'POST', headers: {Authorization: 'Bearer ' + key}, body: form});
  const sdp = await answer.text();
  const answered = performance.now();
  await pc.setRemoteDescription({type: 'answer', sdp});
  const first = await shown;
  await new Promise(resolve => setTimeout(resolve, 1500));
  let buffer = 0;
  for (const entry of (await pc.getStats()).values())
    if (entry.type === 'inbound-rtp' && entry.kind === 'audio' && entry.jitterBufferEmittedCount)
      buffer = 1000 * entry.jitterBufferDelay / entry.jitterBufferEmittedCount;
  pc.close();
  video.remove();
  return [answered - posted, first - posted, buffer];
}"""


async def turns(server: RunningServer, count: int) -> dict[str, list[float]]:
    """Milliseconds of each turn, and of each interruption."""
    caller = VoiceCaller(server.url, server.key)
    answers = [1000 * await caller.connect()]
    await caller.until("session.created")
    waits, parts = [], []
    for number in range(count):
        await asyncio.sleep(0.7)
        _, last = await caller.say(say(QUESTIONS[number % len(QUESTIONS)]))
        try:
            waits.append(1000 * (await caller.loud_after(last) - last))
        except TimeoutError:
            print(f"turn {number} was not answered")
            continue
        stopped = next(
            at
            for at, event in reversed(caller.events)
            if event["type"] == "input_audio_buffer.speech_stopped"
        )
        parts.append(1000 * (stopped - last))
        await _silence(caller)
    return {"answer": answers, "turn": waits, "decided": parts, **await _interruptions(caller)}


async def _interruptions(caller: VoiceCaller) -> dict[str, list[float]]:
    silences = []
    for number in range(INTERRUPTIONS):
        await asyncio.sleep(0.7)
        moment = asyncio.get_running_loop().time()
        caller.send(message("assistant", STORY))
        await caller.loud_after(moment)
        await asyncio.sleep(1.5 + 0.13 * number)
        first, _ = await caller.say(say("please stop talking now"))
        silences.append(1000 * (await caller.quiet_after(first) - first))
        await asyncio.sleep(1.5)
        await _silence(caller)
    await caller.close()
    return {"silence": silences}


async def _silence(caller: VoiceCaller) -> None:
    moment = asyncio.get_running_loop().time()
    caller.send({"type": "response.cancel"})
    caller.send({"type": "output_audio_buffer.clear"})
    await caller.quiet_after(moment, for_s=0.4)


def connections(server: RunningServer) -> list[Any]:
    with chromium() as browser:
        page = browser.new_page()
        page.add_init_script(KEEP_EVENTS)
        page.goto(server.url + "/healthz")
        return [
            page.evaluate(FIRST_FRAME, [server.url, server.key]) for _ in range(CONNECTIONS + 1)
        ][1:]  # the first one warms the browser up


def main(count: int) -> None:
    with running_server() as server:
        spoken = asyncio.run(turns(server, count))
        connected = connections(server)
    rows = {
        "POST /calls -> answer": quantiles([answer for answer, _, _ in connected]),
        "POST /calls -> first decoded frame": quantiles([frame for _, frame, _ in connected]),
        "end of speech -> turn over": quantiles(spoken["decided"]),
        "end of speech -> first reply audio": quantiles(spoken["turn"]),
        "barge-in -> silence": quantiles(spoken["silence"]),
        "Chromium's playout buffer, beside": {
            "p50": statistics.median(buffer for _, _, buffer in connected)
        },
    }
    publish("latency", rows, unit="ms")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 24)
