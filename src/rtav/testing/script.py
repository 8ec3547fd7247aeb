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
* `cue`: {turn, motion, after}: the model's text asks for a motion behind so many characters
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

import json
from collections.abc import Callable, Iterable
from dataclasses import fields
from typing import Any

from rtav.core import inputs as told
from rtav.core.catalog import Own
from rtav.core.dialect import Signs
from rtav.testing.player import Player


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


def signs_of(raw: dict[str, Any]) -> Signs:
    """Signs by name, for the first line of a script."""
    names = {entry.name for entry in fields(Signs)}
    return Signs(**{name: value for name, value in raw.items() if name in names})
