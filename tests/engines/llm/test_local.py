from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import Any

import pytest

from rtav.engines.llm.local import Found, find_local
from rtav.testing.model_server import ModelServer

NAMES = ("First", "Second", "Third")


def _find(*servers: ModelServer, skip: int | None = None) -> tuple[Found | None, list[int]]:
    """What is found where `servers` listen, and their ports; the server `skip` is our own."""

    async def main() -> tuple[Found | None, list[int]]:
        async with AsyncExitStack() as stack:
            ports = [(await stack.enter_async_context(server)).port for server in servers]
            named = dict(zip(ports, NAMES, strict=False))
            skipped = () if skip is None else (ports[skip],)
            return await find_local(skip_ports=skipped, ports=named), ports

    return asyncio.run(main())


def test_a_server_is_found_with_its_first_model() -> None:
    found, ports = _find(ModelServer(models=("llama", "mistral")))
    url = f"http://127.0.0.1:{ports[0]}/v1"
    assert found == Found(name="First", base_url=url, model="llama")


def test_the_first_port_wins() -> None:
    found, _ = _find(ModelServer(models=("a",)), ModelServer(models=("b",)))
    assert found is not None
    assert found.model == "a"


def test_models_that_do_not_converse_are_passed_over() -> None:
    found, _ = _find(ModelServer(models=("nomic-embed-text", "qwen")))
    assert found is not None
    assert found.model == "qwen"


def test_our_own_port_is_not_asked() -> None:
    found, _ = _find(ModelServer(models=("ours",)), ModelServer(models=("b",)), skip=0)
    assert found is not None
    assert found.name == "Second"


@pytest.mark.parametrize(
    "server",
    [
        ModelServer(models=()),
        ModelServer(headers="X-Rtav-Version: 1\r\n"),
        ModelServer(listing={"object": "list", "data": [{"id": "m", "owned_by": "rtav"}]}),
        ModelServer(listing={"data": [{"id": "m"}]}),
        ModelServer(listing={"object": "list", "data": [{"id": None}, "m"]}),
        ModelServer(listing={"object": "list", "data": "m"}),
        ModelServer(key="secret"),
    ],
    ids=["empty", "rtav by header", "rtav by owner", "no list", "no id", "no data", "refused"],
)
def test_what_is_no_free_model_server_is_passed_over(server: Any) -> None:
    assert _find(server)[0] is None


def test_where_nothing_listens_nothing_is_found() -> None:
    async def main() -> Found | None:
        async with ModelServer() as server:
            port = server.port
        return await find_local(ports={port: "Nobody"})

    assert asyncio.run(main()) is None


def test_a_server_that_does_not_answer_is_given_up() -> None:
    async def main() -> Found | None:
        server = await asyncio.start_server(_say_nothing, "127.0.0.1", 0)
        async with server:
            port = server.sockets[0].getsockname()[1]
            return await find_local(ports={port: "Mute"}, timeout_s=0.05)

    assert asyncio.run(main()) is None


async def _say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()
    writer.close()
