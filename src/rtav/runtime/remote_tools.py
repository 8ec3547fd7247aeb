"""A call's connections to servers of tools: opened when one is asked, closed with the call."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any

from rtav import metrics
from rtav.core import inputs as told
from rtav.core.hosts import Hosts
from rtav.core.outputs import CallTool, CloseServer, ListTools, Output, StopTool
from rtav.core.servers import RemoteTool, Server
from rtav.core.toolbox import chosen
from rtav.engines.toolservers import Address, ToolServers, ToolSession
from rtav.errors import ToolFailed
from rtav.runtime.tasks import Start

logger = logging.getLogger(__name__)

LIST_S = 20.0
"""For the connection and all pages of a listing."""

UNKNOWN_SESSION = 404
"""What a server answers that has forgotten a session: it has not carried the request out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """What all calls of a process share to use remote tools."""

    servers: ToolServers
    hosts: Hosts = Hosts()
    """Where they may be."""
    call_s: float = 60.0
    """The longest that a tool may take."""


class _Nobody:
    def connect(self, address: Address) -> AbstractAsyncContextManager[ToolSession]:
        raise AssertionError("no host is allowed")


NO_TOOLS = Tools(servers=_Nobody(), hosts=Hosts(()))
"""Nobody may name a server of tools."""


class _Connection:
    """`ready` has the session, or why there is none. `over` ends it."""

    def __init__(self) -> None:
        self.ready: asyncio.Future[ToolSession] = asyncio.get_running_loop().create_future()
        self.over = asyncio.Event()

    def fail(self, error: ToolFailed) -> None:
        if not self.ready.done():
            self.ready.set_exception(error)
            self.ready.exception()  # it is no loss if nobody asks for it any more


class RemoteTools:
    """Those of one call: its tasks, and with them the connections, end with it."""

    def __init__(self, tools: Tools, *, tell: Callable[[told.Input], None], start: Start) -> None:
        self._servers, self._call_s = tools.servers, tools.call_s
        self._tell, self._start = tell, start
        self._early: list[ListTools] | None = []
        """What is to be listed as soon as tasks can be started."""
        self._connections: dict[Server, _Connection] = {}
        self._calls: dict[str, asyncio.Task[None]] = {}
        self.orders: Mapping[type[Output], Callable[[Any], None]] = {
            ListTools: self._begin_listing,
            CallTool: self._begin_call,
            StopTool: self._stop,
            CloseServer: lambda order: self._close(order.server),
        }
        """What of a session's outputs is carried out here."""

    def open(self) -> None:
        """Tasks can be started from now on. A client that is there at once opens its session, which
        may have servers, before that."""
        early, self._early = self._early or [], None
        for order in early:
            self._begin_listing(order)

    def _begin_listing(self, order: ListTools) -> None:
        if self._early is None:
            self._start(self._list(order), f"listing {order.listing}")
        else:
            self._early.append(order)

    def _begin_call(self, order: CallTool) -> None:
        task = self._start(self._call(order), f"tool {order.call}")
        self._calls[order.call] = task
        task.add_done_callback(lambda _: self._calls.pop(order.call, None))

    def _stop(self, order: StopTool) -> None:
        if task := self._calls.pop(order.call, None):
            task.cancel()

    def _close(self, server: Server) -> None:
        if connection := self._connections.pop(server, None):
            connection.over.set()

    # --- asking ------------------------------------------------------------------------------

    async def _list(self, order: ListTools) -> None:
        server = order.server
        try:
            async with asyncio.timeout(LIST_S):
                found = await (await self._session(server)).tools()
        except (ToolFailed, TimeoutError) as error:
            self._close(server)
            why = str(error) or "it took too long"
            logger.warning("the tools of %s are not known: %s", server.host, why)
            metrics.tool_listings_total.labels(outcome="failed").inc()
            self._tell(told.ListingFailed(listing=order.listing))
            return
        tools = (
            RemoteTool(
                name=tool.name,
                description=tool.description,
                schema=tool.schema,
                annotations=tool.annotations,
            )
            for tool in found
        )
        kept, left_out = chosen(tools, server)
        if left_out:
            logger.warning("%d tools of %s are left out", left_out, server.host)
        logger.info("%s has %d tools", server.host, len(kept))
        metrics.tool_listings_total.labels(outcome="completed").inc()
        self._tell(told.ToolsListed(listing=order.listing, tools=tuple(kept)))

    async def _call(self, order: CallTool) -> None:
        try:
            async with asyncio.timeout(self._call_s):
                output = await self._answer(order)
        except TimeoutError:
            message = f"The tool did not answer within {self._call_s:g} s."
            self._broke(order, ToolFailed(message, kind="tool_execution_error"))
        except ToolFailed as error:
            self._broke(order, error)
        else:
            metrics.tool_calls_total.labels(outcome="completed").inc()
            self._tell(told.ToolAnswered(call=order.call, output=output))

    async def _answer(self, order: CallTool) -> str:
        try:
            return await self._once(order)
        except ToolFailed as error:
            if error.code != UNKNOWN_SESSION:
                raise
            return await self._once(order)

    async def _once(self, order: CallTool) -> str:
        try:
            session = await self._session(order.server)
            return await session.call(order.name, order.arguments)
        except ToolFailed as error:
            if error.is_lost:
                self._close(order.server)
            raise

    def _broke(self, order: CallTool, error: ToolFailed) -> None:
        logger.info("a tool of %s failed: %s", order.server.host, error.kind)
        metrics.tool_calls_total.labels(outcome=error.kind).inc()
        self._tell(
            told.ToolBroke(call=order.call, kind=error.kind, message=error.message, code=error.code)
        )

    # --- connections -------------------------------------------------------------------------

    async def _session(self, server: Server) -> ToolSession:
        connection = self._connections.get(server)
        if connection is None:
            connection = self._connections[server] = _Connection()
            self._start(self._hold(server, connection), f"tools of {server.label}")
        return await asyncio.shield(connection.ready)

    async def _hold(self, server: Server, connection: _Connection) -> None:
        """The connection's one task: it is opened and closed in the same."""
        address = Address(
            url=server.url, headers=dict(server.headers), may_be_private=server.is_trusted
        )
        try:
            async with self._servers.connect(address) as session:
                connection.ready.set_result(session)
                await connection.over.wait()
        except ToolFailed as error:
            connection.fail(error)
        finally:
            connection.fail(ToolFailed("It is configured no more.", kind="protocol_error"))
            if self._connections.get(server) is connection:
                del self._connections[server]
