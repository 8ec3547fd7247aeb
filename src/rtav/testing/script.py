"""Plays a conversation script against the session core, in virtual time.

A script is JSON lines. Each line has `at` (seconds; time only moves forward) or stands at the time
of the line before it, and one of:

* `open`: {label}: the event channel opens
* `client`: an event of the client; `raw`: a message that may be none
* `reply`: {turn, text}: the model says this, the voice speaks it, a quarter of a second a word;
  `pieces`: true leaves it open, `reason` is why the model ended, `usage` what it counted
* `tool`: {turn, name, arguments}: the model calls a tool and says no more, unless `more` is true;
  `pieces` are arguments that come one after the other, `index` and `call_id` tell parallel calls
  apart, `reason` and `usage` are as above
* `cue`: {turn, motion}: the model's text asks for a motion
* `fail`: {turn, code}: an engine breaks
* `play`: {turn, s}: the peer is handed so many seconds of the turn's track
* `voice`, `silence`: the microphone hears so many seconds of it
* `words`: text, `is_final`: the recogniser's hypothesis of the utterance that was begun last, or of
  the `sound` of that number among all that came inside items, counted from 1
* `deaf`: true: the recogniser of that utterance breaks
* `drawn`: true: a picture of the face is ready for an event
* `assets`: {faces, voices, motions}: the caller has uploaded these
* `listed`: tools, by `name` and what else they have: what the server says that was asked first for
  its tools; `unlisted`: true: it says nothing
* `answered`: the output of the remote call that was begun first; `broke`: {kind, message, code}
* `left`: true: the peer is gone
* `expect`: the types of all events sent since the last `expect`, in order
* `do`: the names of all other outputs since the last `do`, in order
* `like`: fields the last event of its `type` has, at any depth
* `asked`: what the model was asked last: `model`, `instructions`, `history` as "role: text",
  `tools` by name, `tool_choice`, `max_output_tokens`, `reasoning_effort`

`$assistant` stands for the id of the assistant's last item, `$item` for that of the last of all.
"""

from __future__ import annotations

import base64
import itertools
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from rtav.core import inputs as told
from rtav.core import outputs as wanted
from rtav.core.catalog import Catalog, Own
from rtav.core.common import Policy
from rtav.core.config import SessionConfig
from rtav.core.connections import MAIN
from rtav.core.conversation import Conversation, Item
from rtav.core.dialect import Dialect, Signs
from rtav.core.past import Past
from rtav.core.servers import RemoteTool
from rtav.core.session import Session
from rtav.core.toolbox import chosen
from rtav.core.units import RATE_HZ
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
            if isinstance(output, wanted.Send) and output.to not in (None, MAIN):
                self.aside.append((output.to, output.event.as_json()))
            elif isinstance(output, wanted.Send | wanted.SendAudio | wanted.SendImage):
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


def shown(output: wanted.Send | wanted.SendAudio | wanted.SendImage) -> dict[str, Any]:
    """The event as the client gets it, with silence where the audio would be."""
    if isinstance(output, wanted.Send):
        return output.event.as_json()
    if isinstance(output, wanted.SendImage):
        fields = {**output.fields, "delta": "AAAA"}
        return ServerEvent("response.output_image.delta", fields, output.event_id).as_json()
    delta = base64.b64encode(bytes(2 * (output.end - output.start))).decode()
    fields = {**output.place, "delta": delta}
    return ServerEvent("response.output_audio.delta", fields, output.event_id).as_json()


def play(lines: Iterable[str], player: Player) -> list[str]:
    """Play a script; returns what was not as it says, line by line."""
    wrong: list[str] = []
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.startswith("//"):
            continue
        named = line.replace("$assistant", player.assistant).replace("$item", player.item)
        step = json.loads(named)
        if "at" in step:
            player.until(step["at"])
        fault = _step(step, player)
        if fault:
            wrong.append(f"line {number}: {fault}")
    return wrong + player.faults


def _step(step: dict[str, Any], player: Player) -> str | None:
    match step:
        case {"expect": expected}:
            return _differ(player.new_events(), expected)
        case {"do": expected}:
            return _differ(player.new_actions(), expected)
        case {"asked": like}:
            return _unlike(player.asked, like, "asked")
        case {"like": like}:
            return _unlike(player.last(like["type"]), like, like["type"])
        case _:
            _input(step, player)
            return None


def _input(step: dict[str, Any], player: Player) -> None:
    kinds = _INPUTS.keys() & step.keys()
    if not kinds and step.keys() != {"at"}:
        raise ValueError(f"no such step: {step}")
    for kind in kinds:
        _INPUTS[kind](player, step[kind], step)


def _reply(player: Player, reply: Any, step: dict[str, Any]) -> None:
    player.reply(
        reply["turn"],
        reply["text"],
        is_open=reply.get("pieces", False),
        reason=reply.get("reason", "stop"),
        usage=reply.get("usage"),
    )


def _tool(player: Player, call: Any, step: dict[str, Any]) -> None:
    for index, piece in enumerate(call.pop("pieces", [call.pop("arguments", "")])):
        name = "" if index else call["name"]
        player.handle(
            told.ReplyToolCall(
                turn=call["turn"],
                index=call.get("index", 0),
                call_id=call.get("call_id", "call_x"),
                name=name,
                arguments=piece,
            )
        )
    if call.get("more"):
        return
    usage, reason = call.get("usage", {}), call.get("reason", "stop")
    player.handle(told.ReplyEnded(turn=call["turn"], reason=reason, **usage))
    if call["name"] != "express":
        player.handle(told.SpokenAll(turn=call["turn"]))


_INPUTS: dict[str, Callable[[Player, Any, dict[str, Any]], None]] = {
    "open": lambda player, how, _: player.handle(told.PeerOpened(label=how.get("label", ""))),
    "client": lambda player, event, _: player.client(event),
    "raw": lambda player, message, _: player.client(message),
    "reply": _reply,
    "tool": _tool,
    "fail": lambda player, failure, _: player.handle(
        told.ReplyFailed(message="It broke.", **failure)
    ),
    "play": lambda player, much, _: player.play(much["turn"], much["s"]),
    "voice": lambda player, seconds, _: player.hear(seconds, 0.9),
    "silence": lambda player, seconds, _: player.hear(seconds, 0.05),
    "cue": lambda player, cue, _: player.handle(told.ReplyCue(**cue)),
    "drawn": lambda player, _, __: player.handle(told.FrameDrawn(width=512, height=512)),
    "assets": lambda player, ids, _: player.handle(
        told.AssetsAdded(Own(**{kind: tuple(names) for kind, names in ids.items()}))
    ),
    "listed": lambda player, tools, _: player.listed(tools),
    "unlisted": lambda player, _, __: player.unlisted(),
    "answered": lambda player, output, _: player.answered(output),
    "broke": lambda player, how, _: player.broke(how),
    "deaf": lambda player, _, step: player.go_deaf(step.get("sound", 0)),
    "left": lambda player, _, __: player.handle(told.PeerLeft()),
    "words": lambda player, text, step: player.words(
        text, is_final=step.get("is_final", False), sound=step.get("sound", 0)
    ),
}


def _differ(got: list[str], expected: list[str]) -> str | None:
    return None if got == expected else f"got {got}, expected {expected}"


def _unlike(got: Any, like: Any, path: str) -> str | None:
    """Where `got` has not what `like` has."""
    if isinstance(like, dict):
        if not isinstance(got, dict):
            return f"{path} is {got!r}"
        found = (_unlike(got.get(key), value, f"{path}.{key}") for key, value in like.items())
        return next((fault for fault in found if fault), None)
    if isinstance(like, list) and isinstance(got, list) and len(like) == len(got):
        pairs = enumerate(zip(got, like, strict=True))
        found = (_unlike(mine, wish, f"{path}[{index}]") for index, (mine, wish) in pairs)
        return next((fault for fault in found if fault), None)
    return None if got == like else f"{path} is {got!r}, expected {like!r}"


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


def signs_of(raw: dict[str, Any]) -> Signs:
    """Signs by name, for the first line of a script."""
    names = {entry.name for entry in fields(Signs)}
    return Signs(**{name: value for name, value in raw.items() if name in names})
