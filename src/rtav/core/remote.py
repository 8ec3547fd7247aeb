"""The tools of remote servers: listed, called, and called only when the client agrees."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Any

from rtav.core import inputs as told
from rtav.core.calls import Call
from rtav.core.common import Common
from rtav.core.conversation import Item
from rtav.core.outputs import CallTool, CloseServer, ListTools, StopTool
from rtav.core.reply import Reply
from rtav.core.servers import Server
from rtav.core.toolbox import as_json
from rtav.errors import ProtocolError
from rtav.protocol.items import ApprovalResponse

MAX_KNOWN = 32
"""Servers that are known at a time, those that single responses named among them."""

MAX_OPEN = 32
"""Calls that may run or wait for approval at a time."""

MAX_OUTPUT = 64_000
"""Characters of a tool's output that are kept: more than a model reads with profit in a talk."""


@dataclass(slots=True)
class _Run:
    """A call that is complete and not over."""

    reply: Reply
    call: Call
    server: Server
    asks: Item | None = None
    """The item that asks the client for its approval, while it waits for that."""


@dataclass(slots=True)
class _Listing:
    server: Server
    item: Item
    previous: str | None


class Remote:
    def __init__(self, common: Common) -> None:
        self._common = common
        self._listings: dict[str, _Listing] = {}
        self._runs: dict[str, _Run] = {}
        self.settled: Callable[[], None] = lambda: None
        """Called when a listing is over, whatever came of it."""

    # --- servers -----------------------------------------------------------------------------

    def use(self, servers: Iterable[Server]) -> None:
        """Ask the servers that are not known yet what tools they have."""
        busy = {listing.server for listing in self._listings.values()}
        for server in servers:
            if server not in self._common.listed and server not in busy:
                self._make_room()
                self._list(server)

    def change(self, before: Collection[Server], after: Collection[Server]) -> None:
        """The session names other servers. One that could not be asked is asked again, and one that
        is new to the session even if a response has used it: its client waits to hear of it."""
        self.drop([server for server in before if server not in after])
        for server in after:
            if server not in before:
                self._common.listed.pop(server, None)
        self.use(after)

    def drop(self, servers: Iterable[Server]) -> None:
        """These are configured no more: what they do is over."""
        for server in servers:
            for listing in [each for each in self._listings.values() if each.server == server]:
                self._end_listing(listing, "failed")
            for run in [each for each in self._runs.values() if each.server == server]:
                self._abandon(run, "The server is configured no more.")
            self._common.listed.pop(server, None)
            self._common.put(CloseServer(server))

    def is_listing(self, servers: Iterable[Server]) -> bool:
        wanted = set(servers)
        return any(listing.server in wanted for listing in self._listings.values())

    def listed(self, event: told.ToolsListed) -> None:
        listing = self._listings.get(event.listing)
        if listing is None:
            return
        self._common.listed[listing.server] = event.tools
        listing.item.fields["tools"] = [as_json(tool) for tool in event.tools]
        self._end_listing(listing, "completed")

    def not_listed(self, event: told.ListingFailed) -> None:
        if listing := self._listings.get(event.listing):
            self._end_listing(listing, "failed")

    # --- calls -------------------------------------------------------------------------------

    def begin(self, reply: Reply, call: Call) -> None:
        """A model has called a tool, and its arguments are complete."""
        assert call.offer is not None
        run = _Run(reply, call, call.offer.server)
        problem = self._problem(run)
        if problem is not None:
            self._fail(run, problem)
            return
        self._runs[call.item.id] = run
        if call.offer.needs_approval:
            self._ask_for_approval(run)
        else:
            self._start(run)

    def approve(self, given: ApprovalResponse, *, after: str | None) -> None:
        """The client has agreed to a call, or not. Raises ProtocolError."""
        request = given.approval_request_id
        waiting = (run for run in self._runs.values() if run.asks and run.asks.id == request)
        run = next(waiting, None)
        if run is None:
            raise ProtocolError(
                f"Error adding item: no call waits for an answer to '{request}'.",
                code="invalid_value",
                param="item.approval_request_id",
            )
        common = self._common
        fields: dict[str, Any] = {"approval_request_id": request, "approve": given.approve}
        if given.reason is not None:
            fields["reason"] = given.reason
        item_id = given.id or common.new_id("item")
        item = Item(id=item_id, type="mcp_approval_response", fields=fields)
        common.item_added(item, common.give(item, after=after))
        if given.approve:
            self._settle_approval(run)
            self._start(run)
        else:
            reason = f": {given.reason}" if given.reason else "."
            self._fail(run, f"The call was not approved{reason}")

    def abandon(self, reply: Reply) -> None:
        """The reply is stopped, and with it the calls it made that are not over."""
        for run in [run for run in self._runs.values() if run.reply is reply]:
            self._abandon(run, "The call was abandoned: its response was cancelled.")

    def answered(self, event: told.ToolAnswered) -> None:
        if run := self._runs.get(event.call):
            output = event.output
            if len(output) > MAX_OUTPUT:
                output = f"{output[:MAX_OUTPUT]}… ({len(output) - MAX_OUTPUT} more characters)"
            self._end(run, output=output)

    def broke(self, event: told.ToolBroke) -> None:
        if run := self._runs.get(event.call):
            error: dict[str, Any] = {"type": event.kind, "message": event.message[:MAX_OUTPUT]}
            if event.kind != "tool_execution_error":
                error["code"] = event.code
            self._end(run, error=error)

    def holds(self, item: Item) -> bool:
        """Whether something is still to come of an item."""
        is_asking = any(run.asks is item for run in self._runs.values())
        return item.id in self._listings or item.id in self._runs or is_asking

    # --- pieces ------------------------------------------------------------------------------

    def _list(self, server: Server) -> None:
        common = self._common
        item = Item(
            id=common.new_id("mcpl"),
            type="mcp_list_tools",
            fields={"server_label": server.label, "tools": []},
            status="in_progress",
        )
        previous = common.add(item)
        self._listings[item.id] = _Listing(server, item, previous)
        common.send("conversation.item.added", item=item.as_json(), previous_item_id=previous)
        common.send("mcp_list_tools.in_progress", item_id=item.id)
        common.put(ListTools(listing=item.id, server=server))

    def _end_listing(self, listing: _Listing, how: str) -> None:
        item = listing.item
        del self._listings[item.id]
        item.status = "completed"
        self._common.send(f"mcp_list_tools.{how}", item_id=item.id)
        self._common.send(
            "conversation.item.done", item=item.as_json(), previous_item_id=listing.previous
        )
        self.settled()

    def _make_room(self) -> None:
        """Forget a server that only a response has named, if there are too many."""
        common = self._common
        if len(common.listed) < MAX_KNOWN:
            return
        kept = {*common.config.servers, *(run.server for run in self._runs.values())}
        idle = [server for server in common.listed if server not in kept]
        self.drop(idle[:1])

    def _problem(self, run: _Run) -> str | None:
        if len(self._runs) >= MAX_OPEN:
            return f"{MAX_OPEN} calls are open already."
        if run.server not in self._common.listed:
            return "The server is configured no more."
        if _arguments(run.call) is None:
            return "The arguments are no JSON object."
        return None

    def _ask_for_approval(self, run: _Run) -> None:
        common, called = self._common, run.call.item.fields
        request = Item(
            id=common.new_id("mcpr"),
            type="mcp_approval_request",
            fields={name: called[name] for name in ("server_label", "name", "arguments")},
            status="in_progress",
        )
        run.asks = request
        called["approval_request_id"] = request.id
        common.item_added(request, common.add(request))

    def _start(self, run: _Run) -> None:
        call = run.call
        self._common.tell([call.stands("in_progress")])
        self._common.put(
            CallTool(
                call=call.item.id,
                server=run.server,
                name=call.item.fields["name"],
                arguments=_arguments(call) or {},
            )
        )

    def _abandon(self, run: _Run, why: str) -> None:
        if run.asks is None:
            self._common.put(StopTool(run.call.item.id))
        self._fail(run, why)

    def _fail(self, run: _Run, why: str) -> None:
        self._end(run, error={"type": "tool_execution_error", "message": why})

    def _end(
        self, run: _Run, *, output: str | None = None, error: dict[str, Any] | None = None
    ) -> None:
        self._settle_approval(run)
        self._runs.pop(run.call.item.id, None)
        self._common.tell(run.reply.call_over(run.call, output=output, error=error))

    @staticmethod
    def _settle_approval(run: _Run) -> None:
        if run.asks is not None:
            run.asks.status, run.asks = "completed", None


def _arguments(call: Call) -> dict[str, Any] | None:
    """What a call passes to its tool; None if that is no object."""
    try:
        given = json.loads(call.item.fields["arguments"] or "{}")
    except (ValueError, RecursionError):
        return None
    return given if isinstance(given, dict) else None
