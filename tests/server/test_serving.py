import asyncio
import contextlib
import os
import signal
import socket
import ssl
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from starlette.responses import PlainTextResponse

from rtav.errors import ConfigError
from rtav.server.doors import open_doors
from rtav.server.serving import serve
from rtav.settings import Settings

LOOPBACK = {"host": "127.0.0.1", "port": 0, "https_port": 0}


@dataclass
class Started:
    app: PlainTextResponse


def settings(tmp_path: Path, **server: object) -> Settings:
    return Settings(state_dir=tmp_path, server={**LOOPBACK, **server})


def test_both_doors_answer_until_a_signal_and_everything_is_ended(tmp_path):
    story = []
    doors = open_doors(settings(tmp_path, https="on"))

    @contextlib.asynccontextmanager
    async def start():
        story.append("started")
        yield Started(PlainTextResponse("hello"))
        story.append("ended")

    async def visit() -> None:
        trusted = ssl.create_default_context(cafile=doors[1].certificate.cert)
        async with httpx.AsyncClient(verify=trusted) as client:
            for door in doors:
                story.append((await client.get(door.url)).text)
        os.kill(os.getpid(), signal.SIGTERM)

    async def whole() -> None:
        async with asyncio.TaskGroup() as group:
            await serve(doors, start, ready=lambda _: group.create_task(visit()))

    before = signal.getsignal(signal.SIGTERM)
    asyncio.run(whole())

    assert story == ["started", "hello", "hello", "ended"]
    assert signal.getsignal(signal.SIGTERM) is before
    assert all(door.listener.fileno() == -1 for door in doors)


def test_what_fails_to_start_leaves_no_port_bound(tmp_path):
    doors = open_doors(settings(tmp_path))

    @contextlib.asynccontextmanager
    async def start():
        raise ConfigError("tts.engine", "no engine")
        yield

    with pytest.raises(ConfigError):
        asyncio.run(serve(doors, start, ready=lambda _: None))
    assert doors[0].listener.fileno() == -1


def test_a_taken_port_is_told_with_its_setting(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError) as refused:
            open_doors(settings(tmp_path, port=port))

    assert refused.value.setting == "server.port"
    assert f"127.0.0.1:{port} cannot be used" in str(refused.value)


def test_a_taken_https_port_gives_the_first_one_back(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken, socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
        with pytest.raises(ConfigError) as refused:
            open_doors(settings(tmp_path, port=port, https="on", https_port=taken.getsockname()[1]))
        with socket.create_server(("127.0.0.1", port)):
            pass

    assert refused.value.setting == "server.https_port"


def test_a_host_that_does_not_exist_is_told(tmp_path):
    with pytest.raises(ConfigError) as refused:
        open_doors(settings(tmp_path, host="no such host"))

    assert refused.value.setting == "server.host"


def test_all_addresses_get_https_with_a_certificate_of_our_own(tmp_path):
    doors = open_doors(settings(tmp_path, host="0.0.0.0"))
    for door in doors:
        door.listener.close()

    assert doors[0].url.startswith("http://127.0.0.1:")
    assert doors[1].url.startswith("https://")
    assert (tmp_path / "tls.crt").exists()


def test_a_loopback_host_needs_no_https(tmp_path):
    doors = open_doors(settings(tmp_path))
    doors[0].listener.close()

    assert len(doors) == 1


def test_a_certificate_that_cannot_be_used_is_told_before_anything_starts(tmp_path):
    (tmp_path / "c.pem").write_text("nothing")
    named = {"tls_cert": tmp_path / "c.pem", "tls_key": tmp_path / "k.pem"}
    with pytest.raises(ConfigError) as refused:
        open_doors(settings(tmp_path, **named))

    assert refused.value.setting == "server.tls_cert"
