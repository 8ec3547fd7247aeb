"""Plays one session by hand: its inputs one by one, in virtual time, and what comes of them."""

from __future__ import annotations

import base64
import itertools
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from rtav.core import inputs as told
from rtav.core import outputs as wanted
from rtav.core.catalog import Catalog
from rtav.core.common import Policy
from rtav.core.config import SessionConfig
from rtav.core.connections import MAIN
from rtav.core.conversation import Conversation, Item
from rtav.core.dialect import Dialect, Signs
from rtav.core.past import Past
from rtav.core.servers import RemoteTool
from rtav.core.session import Session
from rtav.core.toolbox import chosen
from rtav.core.units import RATE_HZ, to_ms
from rtav.errors import ProtocolError
from rtav.protocol.client import parse
from rtav.protocol.server import ServerEvent
from rtav.testing.lifecycle import LifeCycle
from rtav.testing.oracle import problems

WORD_MS = 250
WORD_SAMPLES = RATE_HZ * WORD_MS // 1000
FRAME_MS = 32
TICK_SAMPLES = RATE_HZ // 50

CATALOG = Catalog.of(
    faces=["face1", "face2"],
    voices=["alice", "anthony"],
    motions=["default", "idle", "Wink", "AgreeYesTotaly"],
    aliases={"alloy": "alice"},
)


@dataclass
class Player:
    """One session and what came of it. Unrealistic about it: engines answer when the script says,
    and every word takes the same time."""

    policy: Policy = field(default_factory=Policy)
    signs: Signs = field(default_factory=Signs)
    now: float = 0.0
    events: list[dict[str, Any]] = field(default_factory=list)
    actions: list[wanted.Output] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    aside: list[tuple[int, dict[str, Any]]] = field(default_factory=list)
    """What only a sideband was told, and which."""

    def __post_init__(self) -> None:
        numbers = itertools.count(1)
        self.session = Session(
            SessionConfig.initial("sess_1", CATALOG),
            catalog=CATALOG,
            signs=self.signs,
            policy=self.policy,
            new_id=lambda prefix: f"{prefix}_{next(numbers)}",
        )
        self._heard_ms = 0
        self._lists: list[wanted.ListTools] = []
        self._calls: list[wanted.CallTool] = []
        self._words: dict[int, int] = {}
        self._played: dict[int, int] = {}
        self._told = self._done = 0
        self._life = LifeCycle()

    # --- inputs ------------------------------------------------------------------------------

    def handle(self, event: told.Input) -> None:
        """One input now, and every tick that is due before it."""
        while (due := self.session.deadline) is not None and due <= self.now:
            self._take(self.session.handle(told.Tick(), max(due, 0.0)))
        self._take(self.session.handle(event, self.now))

    def until(self, at: float) -> None:
        """Let time pass; ticks come when they are due."""
        while (due := self.session.deadline) is not None and due <= at:
            self.now = max(self.now, due)
            self._take(self.session.handle(told.Tick(), self.now))
        self.now = max(self.now, at)

    def client(self, event: dict[str, Any] | str, *, connection: int = MAIN) -> None:
        """A message of the client or of a sideband, an event or not."""
        try:
            said = parse(event if isinstance(event, str) else _dump(event))
            self.handle(told.ClientSaid(said, connection))
        except ProtocolError as error:
            self.handle(told.ClientErred(error, connection))

    def reply(
        self,
        turn: int,
        text: str,
        *,
        is_open: bool = False,
        reason: str = "stop",
        usage: Mapping[str, int] | None = None,
    ) -> None:
        self.handle(told.ReplyText(turn=turn, text=text))
        begin = self._words.get(turn, 0)
        pieces = _words(text)
        words = tuple(
            told.SpokenWord(
                text=word,
                start=(begin + index) * WORD_SAMPLES,
                end=(begin + index + 1) * WORD_SAMPLES,
            )
            for index, word in enumerate(pieces)
        )
        self._words[turn] = begin + len(pieces)
        self.handle(told.Spoken(turn=turn, end=self._words[turn] * WORD_SAMPLES, words=words))
        if not is_open:
            counted = {"output_tokens": len(pieces)} if usage is None else usage
            self.handle(told.ReplyEnded(turn=turn, reason=reason, **counted))
            self.handle(told.SpokenAll(turn=turn))

    def play(self, turn: int, seconds: float) -> None:
        """The clock hands over this much of a track, a tick at a time."""
        for _ in range(round(seconds * RATE_HZ / TICK_SAMPLES)):
            self.until(self.now + TICK_SAMPLES / RATE_HZ)
            length = self._words.get(turn, 0) * WORD_SAMPLES
            upto = min(self._played.get(turn, 0) + TICK_SAMPLES, length)
            if upto > self._played.get(turn, 0):
                self._played[turn] = upto
                self.handle(told.Played(turn=turn, upto=upto))

    def hear(self, seconds: float, probability: float) -> None:
        for _ in range(round(seconds * 1000 / FRAME_MS)):
            self.until(self.now + FRAME_MS / 1000)
            self._heard_ms += FRAME_MS
            self.handle(
                told.FrameHeard(end_ms=self._heard_ms, length_ms=FRAME_MS, probability=probability)
            )

    def words(self, text: str, *, is_final: bool, sound: int = 0) -> None:
        utterance = self._utterance(sound)
        self.handle(told.WordsHeard(utterance=utterance, text=text, is_final=is_final))

    def go_deaf(self, sound: int = 0) -> None:
        self.handle(told.HearingFailed(utterance=self._utterance(sound), message="It broke."))

    def _utterance(self, sound: int) -> str:
        kind = wanted.Transcribe if sound else wanted.Listen
        begun = [order for order in self.actions if isinstance(order, kind)]
        return begun[sound - 1].utterance

    def listed(self, tools: list[dict[str, Any]]) -> None:
        """The tools of the server that was asked first."""
        order = self._lists.pop(0)
        found, _ = chosen((RemoteTool(**tool) for tool in tools), order.server)
        self.handle(told.ToolsListed(listing=order.listing, tools=tuple(found)))

    def unlisted(self) -> None:
        self.handle(told.ListingFailed(listing=self._lists.pop(0).listing))

    def answered(self, output: str) -> None:
        self.handle(told.ToolAnswered(call=self._calls.pop(0).call, output=output))

    def broke(self, how: dict[str, Any]) -> None:
        self.handle(told.ToolBroke(call=self._calls.pop(0).call, **how))

    # --- what came of it ---------------------------------------------------------------------

    @property
    def asked(self) -> dict[str, Any]:
        """The last question to the model; its history as "role: text"."""
        order = next(order for order in reversed(self.actions) if isinstance(order, wanted.Ask))
        history = [f"{line.role}: {line.text}" for line in order.history]
        return {
            "model": order.model,
            "instructions": order.instructions,
            "history": history,
            "tools": [tool["name"] for tool in order.tools],
            "tool_choice": order.tool_choice,
            "max_output_tokens": order.max_output_tokens,
            "reasoning_effort": order.reasoning_effort,
        }

    def new_events(self) -> list[str]:
        """Types of the events since the last call."""
        fresh, self._told = self.events[self._told :], len(self.events)
        return [event["type"] for event in fresh]

    def new_actions(self) -> list[str]:
        """Names of the other outputs since the last call, moods left out."""
        fresh, self._done = self.actions[self._done :], len(self.actions)
        return [type(action).__name__ for action in fresh if not isinstance(action, wanted.Feel)]

    @property
    def assistant(self) -> str:
        """The id of the assistant's last item; empty before the first."""
        added = [event["item"] for event in self.events if "item" in event]
        return next((item["id"] for item in reversed(added) if item.get("role") == "assistant"), "")

    @property
    def item(self) -> str:
        """The id of the item that was added last; empty before the first."""
        added = self.last("conversation.item.added")
        return str(added["item"]["id"]) if added else ""

    def last(self, kind: str) -> dict[str, Any]:
        """The last event of a type; empty if there was none."""
        return next((event for event in reversed(self.events) if event["type"] == kind), {})

    def _take(self, outputs: Iterable[wanted.Output]) -> None:
        for output in outputs:
            if isinstance(output, _AIMED) and output.to not in (None, MAIN):
                self.aside.append((output.to, shown(output)))
            elif isinstance(output, _AIMED | wanted.SendAudio | wanted.SendImage):
                event = shown(output)
                self.events.append(event)
                self.faults += problems(event)
                self.faults += self._life.feed(event)
            else:
                self.actions.append(output)
                if isinstance(output, wanted.ListTools):
                    self._lists.append(output)
                elif isinstance(output, wanted.CallTool):
                    self._calls.append(output)


_AIMED = wanted.Send | wanted.SendVisemes | wanted.SendPoses


def shown(
    output: wanted.Send
    | wanted.SendVisemes
    | wanted.SendPoses
    | wanted.SendAudio
    | wanted.SendImage,
) -> dict[str, Any]:
    """The event as the client gets it, with silence where the audio would be, and one shape of the
    mouth and one pose where those would be."""
    if isinstance(output, wanted.Send):
        return output.event.as_json()
    if isinstance(output, wanted.SendVisemes):
        shape = {"viseme": "aa", "start_ms": to_ms(output.start), "end_ms": to_ms(output.end)}
        fields = {**output.place, "visemes": [shape]}
        return ServerEvent("avatar.visemes", fields, output.event_id).as_json()
    if isinstance(output, wanted.SendPoses):
        pose = {"blendshapes": {"jawOpen": 0.5}, "head": [0.0, 0.0, 0.0]}
        when = {"at_ms": 0, "audio_start_ms": None, "fps": 25, "frames": [pose]}
        fields = {**output.place, **when}
        return ServerEvent("avatar.blendshapes", fields, output.event_id).as_json()
    if isinstance(output, wanted.SendImage):
        fields = {**output.fields, "delta": "AAAA"}
        return ServerEvent("response.output_image.delta", fields, output.event_id).as_json()
    delta = base64.b64encode(bytes(2 * (output.end - output.start))).decode()
    fields = {**output.place, "delta": delta}
    return ServerEvent("response.output_audio.delta", fields, output.event_id).as_json()


def _words(text: str) -> list[str]:
    parts = text.split(" ")
    return [part + " " for part in parts[:-1]] + parts[-1:]


def _dump(event: dict[str, Any]) -> str:
    return json.dumps(event)


def past_of(said: str, *, expires_at: float) -> Past:
    """What is left of a session in which the user said this."""
    conversation = Conversation()
    content = [{"type": "input_text", "text": said}]
    conversation.add(Item(id="item_1", type="message", role="user", content=content))
    return Past(
        config=SessionConfig.initial("session_1", CATALOG),
        conversation=conversation,
        dialect=Dialect.OPENAI,
        expires_at=int(expires_at),
    )
