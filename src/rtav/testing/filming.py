"""Films a call in a page: the mouth in every frame that is shown, and the voice that is heard."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rtav.testing.browser import KEEP_EVENTS, wait_for
from rtav.testing.gauge import PATCH, region
from rtav.testing.running import RunningServer

if TYPE_CHECKING:
    from playwright.sync_api import Page

RATE_HZ = 8_000  # of the voice that is kept: more than enough to find it in what was said
PIECE = 80  # samples of it that come at once: 10 ms
PUNCTUAL = 50  # pieces to both sides, of which the page got one without delay

CALL = """async ([url, key, codec, face]) => {
  const pc = new RTCPeerConnection();
  pc.addTransceiver('audio', {direction: 'recvonly'});
  const offered = pc.addTransceiver('video', {direction: 'recvonly'});
  offered.setCodecPreferences(RTCRtpReceiver.getCapabilities('video').codecs.filter(
    one => [`video/${codec}`, 'video/rtx'].includes(one.mimeType)));
  pc.createDataChannel('realtime');
  const video = document.createElement('video');
  Object.assign(video, {id: 'face', autoplay: true, playsInline: true, width: 128});
  document.body.append(video);
  pc.ontrack = event => { video.srcObject = event.streams[0]; };
  await pc.setLocalDescription();
  const form = new FormData();
  form.append('sdp', pc.localDescription.sdp);
  form.append('session', JSON.stringify({type: 'realtime', face}));
  const answer = await fetch(url + '/v1/realtime/calls',
    {method: 'POST', headers: {Authorization: 'Bearer ' + key}, body: form});
  await pc.setRemoteDescription({type: 'answer', sdp: await answer.text()});
}"""

FILM = """async ([id, region, patch, piece]) => {
  const video = document.getElementById(id), fine = 4;
  const [width, height] = patch, [w, h] = [width * fine, height * fine];
  const brush = new OffscreenCanvas(w, h).getContext('2d', {willReadFrequently: true});
  brush.imageSmoothingQuality = 'high';
  const film = window.film = {times: [], mouths: [], sound: [], skews: []};
  const watch = (now, frame) => {
    const [vw, vh] = [video.videoWidth, video.videoHeight], [x, y, rw, rh] = region;
    brush.drawImage(video, x * vw, y * vh, rw * vw, rh * vh, 0, 0, w, h);
    const pixels = brush.getImageData(0, 0, w, h).data;
    const mouth = new Float32Array(width * height * 3);
    for (let i = 0; i < w * h; i++) {
      const to = 3 * (Math.floor(Math.floor(i / w) / fine) * width + Math.floor(i % w / fine));
      for (let c = 0; c < 3; c++) mouth[to + c] += pixels[4 * i + c] / (fine * fine);
    }
    film.times.push(frame.expectedDisplayTime);
    film.mouths.push(Uint8Array.from(mouth, Math.round));
    video.requestVideoFrameCallback(watch);
  };
  video.requestVideoFrameCallback(watch);
  const device = new AudioContext();
  const [track] = video.srcObject.getAudioTracks();
  const voice = new MediaStreamTrackProcessor({track, maxBufferSize: 500}).readable.getReader();
  const listen = async () => {
    for (;;) {
      const {value, done} = await voice.read();
      if (done) return;
      const pulled = performance.now(), heard = new Float32Array(value.numberOfFrames);
      value.copyTo(heard, {planeIndex: 0, format: 'f32-planar'});
      value.close();
      const kept = new Int16Array(piece), every = heard.length / piece;
      for (let i = 0; i < heard.length; i++) {
        const share = Math.max(-1, Math.min(1, heard[i])) * 32767 / every;
        kept[Math.floor(i / every)] += share;
      }
      film.sound.push([pulled + 10 + 1000 * device.outputLatency, kept]);
    }
  };
  listen();
  setInterval(async () => {
    const at = {};
    for (const entry of (await window.rtavPeer.getStats()).values())
      if (entry.type === 'inbound-rtp') at[entry.kind] = entry.estimatedPlayoutTimestamp;
    if (at.audio && at.video) film.skews.push(performance.now(), at.video - at.audio);
  }, 500);
}"""
"""Begin to film the video element of this id.

A frame's time is when it is expected on the screen. Sound is taken where the element takes it from
the receiver, 10 ms at a time; the device plays it `outputLatency` later. (Behind WebAudio's own
queue it may be 40 ms older: that grows whenever its thread is late, and the element's does not.)"""

TAKE = """() => {
  const {times, mouths, sound, skews} = window.film;
  Object.assign(window.film, {times: [], mouths: [], sound: [], skews: []});
  const text = pieces => {
    let all = '';
    for (const piece of pieces)
      for (const byte of new Uint8Array(piece.buffer)) all += String.fromCharCode(byte);
    return btoa(all);
  };
  return {times, skews, mouths: text(mouths), ends: sound.map(one => one[0]),
    sound: text(sound.map(one => one[1]))};
}"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Film:
    """Times are seconds of the page's `performance.now()`."""

    shown: NDArray[np.float64]
    """(frames,): when each was shown."""
    mouths: NDArray[np.uint8]
    """(frames, 12, 16, 3): RGB; see `Gauge.read`."""
    sound: NDArray[np.float64]
    """(samples,) at RATE_HZ, of the range of int16, without a gap."""
    heard: NDArray[np.float64]
    """(samples / PIECE,): when each piece of the sound ended, as late as the page noticed."""

    skew: NDArray[np.float64]
    """(n, 2): a moment, and by how many seconds the browser itself says the picture is ahead."""

    def when(self, sample: float) -> float:
        """When this sample was heard. A device that was late stays so: it is no even clock."""
        middle = int(sample) // PIECE
        near = slice(max(0, middle - PUNCTUAL), middle + PUNCTUAL)
        ends = PIECE * np.arange(1, len(self.heard) + 1) / RATE_HZ
        return float((self.heard[near] - ends[near]).min()) + sample / RATE_HZ


def call(page: Page, server: RunningServer, *, codec: str, face: str) -> None:
    """Call from a page of the server's with sound and video to receive, in an element `face`."""
    page.add_init_script(KEEP_EVENTS)
    page.goto(server.url + "/healthz")
    page.evaluate(CALL, [server.url, server.key, codec, face])
    wait_for(page, "session.created")


class Camera:
    """Films the element `face` from now on."""

    def __init__(self, page: Page, face: str) -> None:
        """`face`: the standard face that is shown."""
        self._page = page
        self._taken: list[dict[str, Any]] = []
        page.evaluate(FILM, ["face", region(face), PATCH, PIECE])

    def wait(self, seconds: float) -> None:
        """Go on filming, without piling up what was filmed in the page."""
        while seconds > 0:
            self._page.wait_for_timeout(1000 * min(seconds, 5.0))
            seconds -= 5.0
            self._taken.append(self._page.evaluate(TAKE))

    def film(self) -> Film:
        """What was filmed since the last time."""
        taken, self._taken = [*self._taken, self._page.evaluate(TAKE)], []
        times, heard, skew = (
            np.concatenate([np.array(one[name], np.float64) for one in taken]) / 1000
            for name in ("times", "ends", "skews")
        )
        mouths = np.frombuffer(_joined(taken, "mouths"), np.uint8)
        sound = np.frombuffer(_joined(taken, "sound"), np.int16).astype(np.float64)
        return Film(
            shown=times,
            mouths=mouths.reshape(-1, PATCH[1], PATCH[0], 3),
            sound=sound,
            heard=heard,
            skew=skew.reshape(-1, 2),
        )


def _joined(taken: list[dict[str, Any]], name: str) -> bytes:
    return b"".join(base64.b64decode(one[name]) for one in taken)
