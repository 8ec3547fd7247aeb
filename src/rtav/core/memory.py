"""What of a conversation the model still reads, and what is let go of when it is too long."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from operator import attrgetter, itemgetter
from typing import Any

from rtav.core import tokens
from rtav.core.conversation import Conversation, Item
from rtav.core.outputs import Line


class _Unit:
    """What stays or goes together: a message, or a call and its outputs. Its lines are made when
    they are asked for: of a long conversation most never are."""

    __slots__ = ("_lines", "_weight", "items", "places", "turn")

    def __init__(self, item: Item, place: int, turn: int) -> None:
        self.items, self.places = [item], [place]
        self.turn = turn
        self._lines: list[list[Line]] = []
        self._weight = 0

    @property
    def role(self) -> str:
        return self.items[0].role

    @property
    def lines(self) -> list[list[Line]]:
        """Of each item."""
        if not self._lines:
            self._lines = [list(item.lines()) for item in self.items]
            self._weight = sum(map(tokens.of_lines, self._lines))
        return self._lines

    @property
    def weight(self) -> int:
        return self._weight if self.lines else 0


def recall(
    items: Iterable[Item], truncation: str | Mapping[str, Any], *, room: float, factor: float = 1.0
) -> list[Line] | None:
    """What the model reads of these items within so many estimated tokens; None if it cannot be.
    `truncation`: as the session shows it. `factor`: what one of them is in tokens of the model.

    The oldest turns leave first, whole; of the last one, all but what the user said and what comes
    last may leave. Instructions never do, and a call and its outputs only together. Items that a
    `retention_ratio` has let go of are marked: they do not come back.
    """
    if isinstance(truncation, str):
        units = _units(items)
        if _fits(units, room):
            return _read(units)
        kept = None if truncation == "disabled" else _fitting(units, room=room, target=room)
        return None if kept is None else _read(kept)
    units = _units(item for item in items if not item.is_forgotten)
    limit = (truncation.get("token_limits") or {}).get("post_instructions")
    room = room if limit is None else min(room, limit / factor)
    if _fits(units, room):
        return _read(units)
    kept = _fitting(units, room=room, target=room * truncation["retention_ratio"])
    if kept is None:
        return None
    remembered = set(map(id, kept))
    for unit in units:
        for item in unit.items:
            item.is_forgotten = id(unit) not in remembered
    return _read(kept)


def surplus(conversation: Conversation, item: Item, *, after: str | None = None) -> list[Item]:
    """What must leave the conversation, the oldest first, so that there is room for an item behind
    `after`; nothing if there is room, or if that would not make enough."""
    items, characters = conversation.excess(item)
    if max(items, characters) <= 0:
        return []
    leaving: dict[str, Item] = {}
    outputs = _outputs(conversation)
    for old in conversation:
        group = [old, *outputs.get(_call_id(old, "function_call"), ())]
        if old.id in leaving or not all(_may_leave(member, after) for member in group):
            continue
        brought = sum(map(conversation.brought, group))
        if items > 0 or brought:
            leaving |= {member.id: member for member in group}
            items, characters = items - len(group), characters - brought
        if max(items, characters) <= 0:
            return list(leaving.values())
    return []


def _may_leave(item: Item, after: str | None) -> bool:
    return item.role != "system" and item.status != "in_progress" and item.id != after


def _outputs(items: Iterable[Item]) -> dict[str, list[Item]]:
    """By the call they answer."""
    outputs: dict[str, list[Item]] = {}
    for item in items:
        if call_id := _call_id(item, "function_call_output"):
            outputs.setdefault(call_id, []).append(item)
    return outputs


def _call_id(item: Item, kind: str) -> str:
    return str(item.fields["call_id"]) if item.type == kind else ""


def _fits(units: Sequence[_Unit], room: float) -> bool:
    weight = 0
    for unit in reversed(units):  # from the newest: what is far too long is not weighed whole
        weight += unit.weight
        if weight > room:
            return False
    return room >= 0


def _fitting(units: Sequence[_Unit], *, room: float, target: float) -> list[_Unit] | None:
    """The last turn as far as it fits into `room`, and those before it that fit into `target`."""
    kept = [unit for unit in units if unit.role == "system"]
    weight = _weight(kept)
    spoken = (unit for unit in reversed(units) if unit.role != "system")
    turns = groupby(spoken, key=attrgetter("turn"))  # the newest first
    _, last = next(turns, (0, ()))
    kept += _shortened(list(last), room=room - weight)
    weight = _weight(kept)
    if weight > room:
        return None
    for _, backwards in turns:
        turn = list(backwards)
        weight += _weight(turn)
        if weight > target:
            break
        kept += turn
    staying = set(map(id, kept))
    return [unit for unit in units if id(unit) in staying]


def _weight(units: Iterable[_Unit]) -> int:
    return sum(unit.weight for unit in units)


def _shortened(turn: list[_Unit], *, room: float) -> list[_Unit]:
    """A turn, the newest first, without its oldest answers and calls, as many as must leave."""
    weight = _weight(turn)
    gone: set[int] = set()
    for unit in reversed(turn[1:]):
        if weight > room and unit.role != "user":
            weight -= unit.weight
            gone.add(id(unit))
    return [unit for unit in turn if id(unit) not in gone]


def _read(units: Iterable[_Unit]) -> list[Line]:
    """In the order of the conversation: an output stands where it came."""
    placed = [pair for unit in units for pair in zip(unit.places, unit.lines, strict=True)]
    placed.sort(key=itemgetter(0))
    return [line for _, lines in placed for line in lines]


def _units(items: Iterable[Item]) -> list[_Unit]:
    """A turn begins with what the user says, in one message or in several."""
    units: list[_Unit] = []
    calls: dict[str, _Unit] = {}
    turn, is_users = 0, False
    for place, item in enumerate(items):
        if item.role != "system":
            turn += item.role == "user" and not is_users
            is_users = item.role == "user"
        call = calls.get(_call_id(item, "function_call_output"))
        if call is not None:
            call.items.append(item)
            call.places.append(place)
            continue
        unit = _Unit(item, place, turn)
        units.append(unit)
        if call_id := _call_id(item, "function_call"):
            calls[call_id] = unit
    return units
