"""How fluent the face is in Chromium: `python3 dev.py bench video [seconds]`.

For each codec: frames decoded per second, the longest gap between two, freezes (gaps over 500 ms),
how much the mouth moves, and the skew that Chromium itself estimates, by which the picture plays
ahead of the voice (ms; negative: behind it). While idle and while speaking.
"""

import statistics
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
from _report import publish

from rtav.testing.browser import chromium, send, wait_for
from rtav.testing.filming import call
from rtav.testing.messages import message
from rtav.testing.running import RunningServer, running_server
from rtav.testing.watching import Watched, watch, watched

SENTENCE = "People came from far away to hear the waves, and nobody left without a smile. "


SKEW = """async () => {
  const at = {};
  for (const entry of (await window.rtavPeer.getStats()).values())
    if (entry.type === 'inbound-rtp') at[entry.kind] = entry.estimatedPlayoutTimestamp;
  return at.audio && at.video ? at.video - at.audio : null;
}"""


def stretch(page: Any, seconds: float) -> tuple[Watched, list[float]]:
    """What is seen, and how far the picture plays ahead of the voice (ms), twice a second."""
    start, skews = page.evaluate("performance.now()"), []
    for _ in range(int(2 * seconds)):
        page.wait_for_timeout(500)
        skews.append(page.evaluate(SKEW))
    seen = watched(page, start, page.evaluate("performance.now()"))
    return seen, [skew for skew in skews if skew is not None]


def measure(server: RunningServer, codec: str, seconds: float) -> list[Any]:
    with chromium() as browser:
        page = browser.new_page()
        call(page, server, codec=codec, face="face1")
        watch(page, "face")
        page.wait_for_timeout(3000)
        idle = stretch(page, seconds)
        send(page, message("assistant", SENTENCE * (2 + int(seconds / 4))))
        wait_for(page, "output_audio_buffer.started")
        return [idle, stretch(page, seconds)]


def main(seconds: float) -> None:
    rows = {}
    with running_server() as server:
        for codec in ("H264", "VP8"):
            for name, (seen, skews) in zip(
                ("idle", "speaking"), measure(server, codec, seconds), strict=True
            ):
                rows[f"{codec} {name}"] = {
                    "fps": seen.fps,
                    "longest ms": seen.longest_gap_ms,
                    "freezes": seen.freezes,
                    "mouth": seen.mouth,
                    "skew p50": statistics.median(skews),
                    "skew p1": sorted(skews)[len(skews) // 100],
                    "skew p99": sorted(skews)[-1 - len(skews) // 100],
                }
    publish("video", rows, unit="frames per second, ms, count, pixel levels, ms")


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 30)
