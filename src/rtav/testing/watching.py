"""Watches a video in a page: when frames were shown, and how much the mouth moved."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from playwright.sync_api import Page

WATCH = """id => {
  const video = document.getElementById(id);
  const canvas = new OffscreenCanvas(32, 20);
  const brush = canvas.getContext('2d', {willReadFrequently: true});
  window.frames = [];
  window.mouths = [];
  const watch = now => {
    window.frames.push(now);
    if (window.frames.length % 2 === 0) {
      const w = video.videoWidth;
      brush.drawImage(video, w * 0.36, w * 0.5, w * 0.28, w * 0.17, 0, 0, 32, 20);
      const pixels = brush.getImageData(0, 0, 32, 20).data;
      window.mouths.push([now, Array.from(pixels.filter((_, i) => i % 4 === 1))]);
    }
    video.requestVideoFrameCallback(watch);
  };
  video.requestVideoFrameCallback(watch);
}"""
"""Begin to watch the video element of this id. The mouth's region is that of the standard faces."""


@dataclass(frozen=True, slots=True)
class Watched:
    fps: float
    longest_gap_ms: float
    freezes: int
    """Gaps between frames of more than 500 ms."""
    mouth: float
    """Mean change of the mouth region's pixels between every other frame, of 255."""


def watch(page: Page, element: str) -> None:
    page.evaluate(WATCH, element)


def watched(page: Page, start: float, end: float) -> Watched:
    """What was shown between two moments of the page's `performance.now()`."""
    times = np.array([at for at in page.evaluate("window.frames") if start <= at < end])
    mouths = [pixels for at, pixels in page.evaluate("window.mouths") if start <= at < end]
    gaps = np.diff(times)
    return Watched(
        fps=len(times) / ((end - start) / 1000),
        longest_gap_ms=float(gaps.max(initial=0)),
        freezes=int((gaps > 500).sum()),
        mouth=float(np.abs(np.diff(np.array(mouths, dtype=float), axis=0)).mean()),
    )
