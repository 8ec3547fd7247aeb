"""HTTP to a server that a client has named: only to addresses it may ask for, and bounded."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from ipaddress import IPv6Address, ip_address

import httpx2

MAX_BODY_BYTES = 8 * 1024 * 1024
"""Of one answer, or of one stream of them."""

MAX_ADDRESSES = 4
"""Of a host, that are tried in turn."""

GOODBYE_S = 2.0
"""Saying that a session is over is a courtesy: the end of a call does not wait long for it."""


class Refused(httpx2.TransportError):
    """The server may not be asked, or answers what is not taken."""


class GuardedTransport(httpx2.AsyncBaseTransport):
    """Looks the host up itself and connects to the address that it has judged: a name that stands
    for something else a moment later gains nothing by that."""

    def __init__(self, inner: httpx2.AsyncBaseTransport, *, may_be_private: bool) -> None:
        self._inner = inner
        self._may_be_private = may_be_private
        self.status = 0
        """Of the last answer that was an error; 0: there was none."""

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        port = request.url.port or _PORTS[request.url.scheme]
        *others, last = await self._addresses(request.url.host, port)
        for address in others:
            try:
                return await self._checked(await self._send(request, address))
            except (httpx2.ConnectError, httpx2.ConnectTimeout):
                continue  # a host without IPv6, for one
        return await self._checked(await self._send(request, last))

    async def _send(self, request: httpx2.Request, address: str) -> httpx2.Response:
        extensions = {**request.extensions, "sni_hostname": request.url.host}
        if request.method == "DELETE":
            extensions["timeout"] = httpx2.Timeout(GOODBYE_S).as_dict()
        headers = request.headers.copy()
        headers["accept-encoding"] = "identity"  # what is compressed has no bound
        return await self._inner.handle_async_request(
            httpx2.Request(
                request.method,
                request.url.copy_with(host=address),
                headers=headers,
                stream=request.stream,
                extensions=extensions,
            )
        )

    async def _checked(self, response: httpx2.Response) -> httpx2.Response:
        if response.status_code >= 400:
            self.status = response.status_code
        assert isinstance(response.stream, httpx2.AsyncByteStream)
        if response.headers.get("content-encoding", "identity") != "identity":
            await response.stream.aclose()
            raise Refused("the server's answer is compressed, which was not asked for")
        response.stream = _Bounded(response.stream)
        return response

    async def aclose(self) -> None:
        await self._inner.aclose()

    async def _addresses(self, host: str, port: int) -> list[str]:
        loop = asyncio.get_running_loop()
        try:
            found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except OSError:
            raise httpx2.ConnectError("the server's name is not known") from None
        addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))[:MAX_ADDRESSES]
        if not self._may_be_private and not all(is_public(address) for address in addresses):
            raise Refused("the server's address is not public")
        return addresses


class _Bounded(httpx2.AsyncByteStream):
    def __init__(self, inner: httpx2.AsyncByteStream) -> None:
        self._inner = inner

    async def __aiter__(self) -> AsyncIterator[bytes]:
        left = MAX_BODY_BYTES
        async for chunk in self._inner:
            left -= len(chunk)
            if left < 0:
                raise httpx2.ReadError("the server's answer is too large")
            yield chunk

    async def aclose(self) -> None:
        await self._inner.aclose()


def is_public(address: str) -> bool:
    """Whether anybody's connection to this address is of no concern to us."""
    found = ip_address(address.partition("%")[0])
    if isinstance(found, IPv6Address):
        found = found.ipv4_mapped or found.sixtofour or found
    return found.is_global and not found.is_multicast


_PORTS = {"http": 80, "https": 443}
