"""What a reply is asked: whose words, under which instructions, with which tools."""

from __future__ import annotations

from typing import Any

from rtav.core import choices, express, memory, tokens, toolbox
from rtav.core.common import Common
from rtav.core.config import SessionConfig
from rtav.core.conversation import Item, read
from rtav.core.outputs import Ask, Delivery, Line
from rtav.core.patching import patched
from rtav.core.question import Question
from rtav.core.toolbox import Offer
from rtav.core.units import RATE_HZ
from rtav.errors import ProtocolError
from rtav.protocol.client import ResponseParams
from rtav.protocol.items import InputItem, ItemReference, without_words
from rtav.protocol.session import Audio, SessionPatch

AHEAD = 30 * RATE_HZ
"""How far ahead of its playing a client that plays by itself is sent a reply: more would be
made and sent in vain when it is cut."""

AHEAD_OF_PICTURES = RATE_HZ
"""The same where pictures, which keep real time, belong to it."""

OWN_CALL = "call_face"
"""The id under which the face's own tool call stands in the history of one reply."""


_OVERRIDES = (
    "voice", "output_audio_format", "temperature", "prompt", "reasoning", "parallel_tool_calls",
    "max_response_output_tokens", "max_output_tokens", "tools",
)  # fmt: skip
"""What of a response stands for the session's field of that name."""


def is_apart(params: ResponseParams) -> bool:
    """Whether a response is out of band."""
    return params.conversation == "none"


def is_aloud(params: ResponseParams, common: Common) -> bool:
    named = params.output_modalities or params.modalities
    return "audio" in named if named else common.config.speaks()


def shows_text(params: ResponseParams, common: Common) -> bool:
    """Whether a spoken reply also comes as output_text."""
    if params.output_modalities:
        return False
    return common.config.shows_text(common.dialect, modalities=params.modalities)


def shows_images(params: ResponseParams, common: Common) -> bool:
    """Whether a spoken reply also comes as pictures, in events."""
    named = params.output_modalities or params.modalities
    wanted = (
        "image" in named
        if named
        else common.config.shows_images(common.dialect, transport=common.policy.transport)
    )
    belongs = is_aloud(params, common) and not is_apart(params)
    return wanted and common.policy.sends_pictures and belongs


def lead(params: ResponseParams, common: Common) -> int | None:
    """How far ahead of its playing a reply is sent, in samples; None where the server plays it."""
    if not common.policy.client_plays:
        return None
    return AHEAD_OF_PICTURES if shows_images(params, common) else AHEAD


def config_of(params: ResponseParams, common: Common) -> SessionConfig:
    """The session's configuration with what a response changes for itself.

    Raises ProtocolError for a voice or a prompt that nobody has, and for a server that may not be
    asked.
    """
    named = {name: value for name in _OVERRIDES if (value := getattr(params, name)) is not None}
    if params.audio is not None and params.audio.output is not None:
        named["audio"] = Audio(output=params.audio.output)
    if params.prompt is not None:
        named["instructions"] = None  # the session's own do not outrank it
    if not named:
        return common.config
    patch = SessionPatch.model_construct(_fields_set=set(named), **named)
    return patched(common.config, patch, common.catalog, prefix="response")


def check(params: ResponseParams, common: Common) -> None:
    """Raises ProtocolError if a response cannot be asked so."""
    choices.check(params.tool_choice, config_of(params, common), prefix="response")
    for index, item in enumerate(params.input or ()):
        if isinstance(item, ItemReference) and common.conversation.find(item.id) is None:
            raise ProtocolError(
                f"Invalid value: the conversation has no item '{item.id}'.",
                code="invalid_value",
                param=f"response.input[{index}].id",
            )
        for place in without_words(item):
            raise ProtocolError(
                "Audio in a response's input needs its transcript: only the audio of the "
                "conversation's items is recognised.",
                code="missing_required_parameter",
                param=f"response.input[{index}].content[{place}].transcript",
            )


def delivery(config: SessionConfig, *, aloud: bool) -> Delivery:
    return Delivery(voice=config.voice_id, speed=config.speed, aloud=aloud)


def put(
    turn: int, question: Question, common: Common, *, aloud: bool, said: str | None = None
) -> Ask | None:
    """The question as it has to be put now; None if it is more than the model reads.

    `said`: words of the caller behind the conversation's own.
    """
    config, params = question.config, question.params
    limit = config.max_output_tokens
    instructions = config.instructions if params.instructions is None else params.instructions
    (tools, choice), moved = _tools(question, common), _moved(question)
    taken = tokens.of_text(instructions) + tokens.of_tools(tools) + tokens.of_lines(moved)
    room = common.policy.context_tokens / common.gauge.factor - taken
    history = _history(question, common, said=said, room=room)
    if history is None:
        return None
    return Ask(
        turn=turn,
        model=config.model,
        instructions=instructions,
        history=history + moved,
        tools=tuple(tools),
        tool_choice=choices.among(choice, tools),
        parallel_tool_calls=config.parallel_tool_calls,
        max_output_tokens=None if limit == "inf" else limit,
        temperature=config.temperature,
        reasoning_effort=(config.reasoning or {}).get("effort"),
        delivery=delivery(config, aloud=aloud),
    )


def is_current(turn: int, question: Question, common: Common) -> bool:
    """Whether a question would be put in the same words now."""
    now = Question(params=question.params, config=config_of(question.params, common))
    return question.asked == put(turn, now, common, aloud=is_aloud(question.params, common))


def is_own(name: str, question: Question, common: Common) -> bool:
    """Whether a tool is the face's: a client's tool of the same name is the client's."""
    if name != express.NAME or is_apart(question.params):
        return False
    if not express.is_offered(question.config, common):
        return False
    return all(tool["name"] != express.NAME for tool in question.config.tools)


def _history(
    question: Question, common: Common, *, said: str | None, room: float
) -> tuple[Line, ...] | None:
    truncation, given = question.config.truncation, question.params.input
    if given is None:
        items = list(common.conversation)
    else:
        found = [_item(item, common) for item in given]
        items = [item for item in found if item is not None]
        if truncation != "disabled":
            truncation = "auto"  # what a response brings for itself was never let go of
    if said is not None:
        part = {"type": "input_text", "text": said}
        items.append(Item(id="", type="message", role="user", content=[part]))
    lines = memory.recall(items, truncation, room=room, factor=common.gauge.factor)
    return None if lines is None else tuple(lines)


def _item(given: InputItem, common: Common) -> Item | None:
    if isinstance(given, ItemReference):
        return common.conversation.find(given.id)
    return read(given, new_id="", call_id="")


def offers(question: Question, common: Common) -> dict[str, Offer]:
    """The remote tools for a question, by the names that the model calls them by."""
    names = {tool["name"] for tool in question.config.tools}
    if express.is_offered(question.config, common):
        names.add(express.NAME)
    offered = toolbox.offers(question.config.servers, common.listed, taken=names)
    if not is_apart(question.params):
        return offered
    # what nobody hears of nobody can approve
    return {name: offer for name, offer in offered.items() if not offer.needs_approval}


def _tools(question: Question, common: Common) -> tuple[list[dict[str, Any]], Any]:
    """The tools that a model is given, and how it may choose among them."""
    offered = offers(question, common)
    choice = question.params.tool_choice or question.config.tool_choice
    if choices.is_remote(choice):
        found = [name for name, offer in offered.items() if _means(choice, offer)]
        if found and "name" not in choice:
            return [toolbox.function(name, offered[name]) for name in found], "required"
        choice = {"type": "function", "name": found[0]} if found else "auto"
    tools = list(question.config.tools)
    tools += [toolbox.function(name, offer) for name, offer in offered.items()]
    if is_own(express.NAME, question, common):
        tools.append(express.tool(common.catalog.motions.ids))
    return tools, choice


def _means(choice: dict[str, Any], offer: Offer) -> bool:
    is_its_server = offer.server.label == choice.get("server_label")
    return is_its_server and choice.get("name") in (None, offer.tool.name)


def _moved(question: Question) -> tuple[Line, ...]:
    """The gestures of this reply so far, as the model must see them to go on."""
    lines: list[Line] = []
    for (asked, index), gesture in question.gestures.items():
        call_id = f"{OWN_CALL}_{asked}_{index}"
        lines += [
            Line(role="assistant", text=gesture.arguments, call_id=call_id, call_name=express.NAME),
            Line(role="tool", text="done", call_id=call_id),
        ]
    return tuple(lines)
