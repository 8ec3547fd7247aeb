"""One headless Chromium for all page tests, and a page whose server is a fake inside it."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Iterator
from importlib import util
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

CHROMIUM = shutil.which("chromium")
FAKE_SERVER = (Path(__file__).parent / "fake_server.js").read_text(encoding="utf-8")
LIMIT_S = 10.0
KEY = "rtav_ak_test"


def _stub_server() -> ModuleType:
    """Tests are no package, so the module beside this one is loaded by its path."""
    spec = util.spec_from_file_location("stub_server", Path(__file__).parent / "stub_server.py")
    assert spec
    assert spec.loader
    module = util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def address() -> Iterator[str]:
    with _stub_server().page_server() as address:
        yield address


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=[
                "--no-sandbox",
                "--disable-gpu",
                "--use-fake-ui-for-media-stream",
                "--use-fake-device-for-media-stream",
                "--autoplay-policy=no-user-gesture-required",
            ],
        )
        yield browser
        browser.close()


class Visit:
    """A page that is open, and the server inside it."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.errors: list[str] = []
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", self._console)

    def _console(self, message: Any) -> None:  # Any: Playwright's ConsoleMessage
        if message.type == "error":
            self.errors.append(message.text)

    def until(self, expression: str) -> None:
        """Wait for a JavaScript expression; Playwright's own way is forbidden by the page's CSP."""
        end = time.monotonic() + LIMIT_S  # noqa: TID251 - a browser runs in real time
        while not self.page.evaluate(expression):
            assert time.monotonic() < end, f"never true: {expression}"  # noqa: TID251
            self.page.wait_for_timeout(20)

    def connected(self, times: int = 1) -> None:
        self.until(f"fake.connected >= {times} && fake.channel.readyState === 'open'")
        self.until("document.querySelector('#status').dataset.mood !== 'waiting'")

    def server_says(self, *events: dict[str, Any]) -> None:
        self.page.evaluate("events => fake.emitAll(events)", list(events))

    def client_said(self, type_: str) -> list[dict[str, Any]]:
        return list(self.page.evaluate("type => fake.sent(type)", type_))

    def text(self, selector: str) -> str:
        return self.page.locator(selector).inner_text()

    def shows(self, selector: str, text: str) -> None:
        expression = f"document.querySelector('{selector}').innerText.includes({json.dumps(text)})"
        self.until(expression)


@pytest.fixture
def visit(address: str, chromium: Browser) -> Iterator[Callable[..., Visit]]:
    """Opens the page; `before` is JavaScript that runs in it first, after the fake server's."""
    contexts = []

    def open_page(*, fragment: str = f"#key={KEY}", before: str = "", **options: Any) -> Visit:
        context = chromium.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        opened = Visit(page)
        page.add_init_script(FAKE_SERVER + before)
        page.goto(f"{address}/{fragment}")
        return opened

    yield open_page
    for context in contexts:
        context.close()
