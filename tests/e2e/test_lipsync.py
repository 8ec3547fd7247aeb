"""Whether Chromium shows the mouth that makes the sound it plays."""

import asyncio

import numpy as np
import pytest

from rtav.engines.tts.choice import best_available
from rtav.engines.tts.espeak import EspeakTts
from rtav.engines.tts.flite import FliteTts
from rtav.testing.browser import chromium, faults, send, wait_for
from rtav.testing.filming import Camera, call
from rtav.testing.gauge import Gauge
from rtav.testing.lipsync import Said, judge, voiced
from rtav.testing.messages import message
from rtav.testing.running import RunningServer

pytestmark = [pytest.mark.browser, pytest.mark.real_time]

FACE = "face1"
TEXT = (
    "My mother put the baby by the piano and made room for more people. Bob maps many problems "
    "before supper. The big brown bear may jump up and bump the table. Please bring me some "
    "pepper, plum jam and butter. Maybe Pam will buy a lamp from the shop by the market. Remember "
    "to keep the window open in summer. A bumblebee came by and hummed about the apple blossom. "
    "Most members of the club prefer to swim in September. Five famous families moved to Rome. "
    "Above the harbour a balloon was blown far away by the morning wind. Stop at the pump, Bill."
)


async def said() -> Said:
    voice = FliteTts(processes=1) if best_available() == "flite" else EspeakTts(processes=1)
    await voice.start()
    try:
        return await voiced(TEXT, voice, voice="default")
    finally:
        await voice.close()


def test_the_mouth_moves_with_the_voice_and_closes_on_every_m_b_and_p(
    server: RunningServer,
) -> None:
    reply = asyncio.run(said())
    assert reply.length_s >= 28
    with chromium() as browser:
        page = browser.new_page()
        call(page, server, codec="H264", face=FACE)
        camera = Camera(page, FACE)
        send(page, message("assistant", TEXT))
        wait_for(page, "output_audio_buffer.started")
        camera.wait(reply.length_s)
        wait_for(page, "output_audio_buffer.stopped")
        camera.wait(0.5)  # what the page still has to play
        film = camera.film()
        assert faults(page) == []
    gauge = Gauge(FACE)
    sync = judge(film, reply, gauge.read(film.mouths), gauge.opening)
    assert sync.heard >= 0.95
    assert len(sync.offsets) >= 12
    # On a busy machine the browser delays the voice by a tenth of a second for a while. It knows,
    # and repairs it; what it does not know of is the server's fault, and never repaired.
    assert abs(np.median(sync.offsets[:, 1] - sync.skews)) <= 0.040
    assert abs(sync.envelope) <= 0.080  # jaws and loudness go together, but only roughly
    assert sync.likeness >= 0.85
    # that frames come at all is the affair of test_video
    closed = [is_closed for is_closed in sync.closures if is_closed is not None]
    assert len(closed) >= 20
    assert np.mean(closed) >= 0.95
