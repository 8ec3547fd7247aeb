"""Headless Chromium as a caller: its microphone is a WAV file, its events are kept and judged."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rtav.media.pcm import Pcm
from rtav.testing.lifecycle import LifeCycle
from rtav.testing.oracle import problems
from rtav.testing.voices import say, silence, write_wav

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
)

KEEP_EVENTS = """
window.rtavEvents = [];
const createDataChannel = RTCPeerConnection.prototype.createDataChannel;
RTCPeerConnection.prototype.createDataChannel = function (...given) {
  const channel = createDataChannel.apply(this, given);
  window.rtavPeer = this;
  window.rtavChannel = channel;
  channel.addEventListener('message', event => {
    window.rtavEvents.push({at: performance.now(), event: JSON.parse(event.data)});
  });
  return channel;
};
"""
"""Writes down every server event, whatever the page does with it."""


def microphone(path: Path, *script: str | float) -> Path:
    """Write a WAV: sentences, said by the best voice at hand, and seconds of silence between."""
    parts: list[Pcm] = [
        say(part) if isinstance(part, str) else silence(float(part)) for part in script
    ]
    write_wav(path, np.concatenate(parts))
    return path


@contextlib.contextmanager
def chromium(wav: Path | None = None) -> Iterator[Browser]:
    """A browser whose microphone plays `wav` once, from the moment it is opened."""
    from playwright.sync_api import sync_playwright

    program = next(filter(None, map(shutil.which, PROGRAMS)))
    more = [f"--use-file-for-fake-audio-capture={wav}%noloop"] if wav else []
    with sync_playwright() as playwright:
        # headless is among the flags: Playwright's own would look for a build of its own
        browser = playwright.chromium.launch(
            executable_path=program, headless=False, args=[*FLAGS, *more]
        )
        try:
            yield browser
        finally:
            browser.close()


def events(page: Page) -> list[dict[str, Any]]:
    """The server events that the page has received, in order. Needs KEEP_EVENTS."""
    kept: list[dict[str, Any]] = page.evaluate("window.rtavEvents.map(entry => entry.event)")
    return kept


def wait_for(page: Page, kind: str, *, count: int = 1, timeout_s: float = 30) -> None:
    """Until `count` events of a type have come. Raises TimeoutError naming those that did."""
    from playwright.sync_api import TimeoutError as PlaywrightTimeout

    try:
        page.wait_for_function(
            "([kind, count]) =>"
            " window.rtavEvents.filter(entry => entry.event.type === kind).length >= count",
            arg=[kind, count],
            timeout=timeout_s * 1000,
        )
    except PlaywrightTimeout:
        came = [event["type"] for event in events(page)]
        raise TimeoutError(f"no {kind}; came {came}") from None


def send(page: Page, event: dict[str, Any]) -> None:
    """Send a client event on the page's channel. Needs KEEP_EVENTS."""
    page.evaluate("event => window.rtavChannel.send(JSON.stringify(event))", event)


def faults(page: Page) -> list[str]:
    """What is wrong with the events so far, each by itself and in their order."""
    life = LifeCycle()
    found: list[str] = []
    for event in events(page):
        found += problems(event)
        found += life.feed(event)
    return found
