"""Any order of inputs: the session never raises, and what it sends stays in order."""

import itertools
import json
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from rtav.core import inputs as told
from rtav.core import outputs as wanted
from rtav.core import tokens
from rtav.core.answering import MAX_APART
from rtav.core.common import Policy
from rtav.core.config import SessionConfig
from rtav.core.dialect import Dialect, Signs
from rtav.core.servers import RemoteTool
from rtav.core.session import Session
from rtav.errors import ProtocolError
from rtav.protocol.client import parse
from rtav.protocol.server import spell
from rtav.testing.lifecycle import LifeCycle
from rtav.testing.oracle import problems
from rtav.testing.player import CATALOG, shown

WORD = 2400

ITEMS: list[dict[str, Any]] = [
    {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hello!"}]},
    {"type": "message", "role": "user", "content": [{"type": "input_audio"}]},
    {"type": "message", "role": "user", "content": [{"type": "input_audio", "audio": "AAAA"}] * 2},
    {
        "type": "message",
        "role": "user",
        "content": [
            {"type": "input_image", "image_url": "https://example.org/cat.png"},
            {"type": "input_audio", "audio": "AAAA", "transcript": "Look!"},
        ],
    },
    {"type": "message", "role": "system", "content": [{"type": "input_text", "text": "Be kind."}]},
    {"type": "message", "role": "assistant", "content": [{"type": "input_text", "text": "Hi."}]},
    {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Hi."}]},
    {"type": "function_call", "name": "f", "arguments": "{}", "call_id": "call_a"},
    {"type": "function_call_output", "call_id": "call_a", "output": "5"},
]
MCP = {
    "type": "mcp",
    "server_label": "a",
    "server_url": "https://a.example/mcp",
    "require_approval": "never",
}
SESSIONS: list[dict[str, Any]] = [
    {"model": "none"},
    {"model": "gpt-5.2", "instructions": "Be brief."},
    {"voice": "anthony", "face": "face2"},
    {"voice": "nobody"},
    {"driving": ["Wink", "default"]},
    {"modalities": ["text"]},
    {"modalities": ["audio", "text"]},
    {"modalities": ["audio", "text", "image"]},
    {"output_modalities": ["audio"]},
    {"turn_detection": None},
    {"turn_detection": {"type": "server_vad", "silence_duration_ms": 200}},
    {"turn_detection": {"interrupt_response": False}},
    {"turn_detection": {"create_response": False}},
    {"turn_detection": {"type": "semantic_vad", "eagerness": "high"}},
    {"turn_detection": {"type": "server_vad", "idle_timeout_ms": 5000}},
    {"audio": {"input": {"noise_reduction": {"type": "far_field"}}}},
    {"auto_response": True},
    {"auto_response": False},
    {"input_audio_transcription": None},
    {"input_audio_transcription": {}},
    {"tools": [{"type": "function", "name": "express"}]},
    {"tools": [MCP, {"type": "mcp", "server_label": "b", "server_url": "https://b.example/"}]},
    {"tools": [{"type": "mcp", "server_label": "b", "server_url": "https://b.example/"}]},
    {"tools": [MCP]},
    {"truncation": "disabled"},
    {"truncation": "auto"},
    {"truncation": {"type": "retention_ratio", "retention_ratio": 0.5}},
]
PARAMS: list[dict[str, Any] | None] = [
    None,
    {},
    {"instructions": "Rhyme."},
    {"output_modalities": ["text"]},
    {"metadata": {"k": "v"}},
    {"tools": []},
    {"tools": [MCP]},
    {"tools": [{**MCP, "server_label": "c"}], "tool_choice": {"type": "mcp", "server_label": "c"}},
    {"input": [{"type": "item_reference", "id": "item_a"}]},
    {"audio": {"output": {"voice": "anthony"}}},
    {"conversation": "none"},
    {"conversation": "none", "output_modalities": ["text"]},
    {"conversation": "none", "input": [{"type": "item_reference", "id": "item_a"}]},
    {"conversation": "none", "modalities": ["audio", "text", "image"], "input": []},
]
CALLED = ["express", "f", "", "g", "b_g"]
TURNS = st.integers(0, 4)
NAMES = st.sampled_from(["item_a", "item_b", "root", "resp_1", "nothing"])


class Conversation(RuleBasedStateMachine):
    """Whatever happens in whatever order: `handle` returns, every event conforms and is in order,
    one response of the conversation is open at most and some beside it, no tick leaves a deadline
    behind it, what the conversation keeps of a reply was told, nobody is told anything after
    leaving, no question is longer than the model reads, and everything ends."""

    is_sound = False

    @initialize(
        label=st.sampled_from(["realtime", "oai-events", ""]),
        beta=st.booleans(),
        client_plays=st.booleans(),
        moves=st.booleans(),
        lasts=st.sampled_from([None, None, 20.0]),
        context_tokens=st.sampled_from([28_672, 40]),
        is_late=st.sampled_from([False, False, False, True]),
    )
    def open(
        self,
        *,
        label: str,
        beta: bool,
        client_plays: bool,
        moves: bool,
        lasts: float | None,
        context_tokens: int,
        is_late: bool,
    ) -> None:
        numbers = itertools.count(1)
        self.session = Session(
            SessionConfig.initial("sess_1", CATALOG),
            catalog=CATALOG,
            signs=Signs(beta=beta),
            policy=Policy(
                client_plays=client_plays,
                sends_pictures=client_plays,
                microphone_races=not client_plays,
                offers_motions=moves,
                expires_in_s=lasts,
                context_tokens=context_tokens,
                default_dialect=Dialect.RTAV,
            ),
            new_id=lambda prefix: f"{prefix}_{next(numbers)}",
        )
        self.context_tokens = context_tokens
        self.now = 0.0
        self.heard_ms = 0
        self.has_left = False
        self.life = LifeCycle()
        self.asked: list[int] = []
        self.listings: list[str] = []
        self.calls: list[str] = []
        self.requests: list[str] = []
        self.playing: list[int] = []
        self.ends: dict[int, int] = {}
        self.upto: dict[int, int] = {}
        self.utterances: list[str] = []
        self.owed: dict[str, int] = {}
        self.open_responses: dict[str, bool] = {}  # whether it is out of band
        self.told: dict[str, str] = {}
        self.items: list[str] = []
        self.opened = False
        self.texts = 0
        self.label = label
        if not is_late:
            self.channel_opens()

    @rule()
    def channel_opens(self) -> None:
        if not self.opened:
            self.opened = True
            self.take(told.PeerOpened(label=self.label))

    @rule(which=st.integers(0, len(ITEMS) - 1), item_id=st.none() | NAMES, after=st.none() | NAMES)
    def client_creates(self, *, which: int, item_id: str | None, after: str | None) -> None:
        item = dict(ITEMS[which]) | ({"id": item_id} if item_id else {})
        self.texts += 1
        self.client(type="conversation.item.create", item=item, previous_item_id=after)

    @rule(verb=st.sampled_from(["retrieve", "delete", "truncate"]), back=st.integers(0, 3))
    def client_edits(self, *, verb: str, back: int) -> None:
        item_id = self.items[-1 - back] if back < len(self.items) else "item_a"
        extra = {"content_index": 0, "audio_end_ms": 150} if verb == "truncate" else {}
        self.client(type=f"conversation.item.{verb}", item_id=item_id, **extra)

    @rule(which=st.integers(0, len(SESSIONS) - 1), typed=st.booleans())
    def client_configures(self, *, which: int, typed: bool) -> None:
        session = SESSIONS[which] | ({"type": "realtime"} if typed else {})
        self.client(type="session.update", session=session)

    @rule(which=st.integers(0, len(PARAMS) - 1))
    def client_wants_a_response(self, *, which: int) -> None:
        self.client(type="response.create", response=PARAMS[which])

    @rule()
    def face_is_drawn(self) -> None:
        self.take(told.FrameDrawn(width=64, height=64))

    @rule(kind=st.sampled_from(["commit", "clear"]))
    def client_holds_a_button(self, *, kind: str) -> None:
        self.client(type=f"input_audio_buffer.{kind}")

    @rule(back=st.integers(0, 3))
    def client_cancels(self, *, back: int) -> None:
        known = list(self.open_responses)
        self.client(type="response.cancel", response_id=known[back % len(known)] if known else "x")

    @rule(kind=st.sampled_from(["response.cancel", "output_audio_buffer.clear", "auth", "nope"]))
    def client_says(self, *, kind: str) -> None:
        self.client(type=kind)

    @rule()
    def client_wants_a_text_spoken(self) -> None:
        self.texts += 1
        self.client(type="generate", text="One two.")

    @rule(count=st.integers(1, 20), voiced=st.booleans())
    def microphone_hears(self, *, count: int, voiced: bool) -> None:
        for _ in range(count):
            self.heard_ms += 32
            self.pass_time(0.032)
            self.take(
                told.FrameHeard(
                    end_ms=self.heard_ms, length_ms=32, probability=0.9 if voiced else 0.1
                )
            )

    @rule(
        text=st.sampled_from(["", "what", "what time is it", "what time is it in"]),
        is_final=st.booleans(),
        back=st.integers(0, 1),
    )
    def recogniser_hears(self, *, text: str, is_final: bool, back: int) -> None:
        if back < len(self.utterances):
            utterance = self.utterances[-1 - back]
            if is_final:
                if not self.owed.get(utterance):
                    return
                self.owed[utterance] -= 1
            self.take(told.WordsHeard(utterance=utterance, text=text, is_final=is_final))

    @rule()
    def recogniser_fails(self) -> None:
        if self.utterances:
            utterance = self.utterances[-1]
            self.owed[utterance] = 0
            self.take(told.HearingFailed(utterance=utterance, message="It broke."))

    @rule(turn=TURNS, words=st.integers(1, 3))
    def model_says(self, *, turn: int, words: int) -> None:
        self.take(told.ReplyText(turn=self.turn(turn), text="la " * words))
        self.speaks(self.turn(turn), words)

    @rule(turn=TURNS, name=st.sampled_from(CALLED), index=st.integers(0, 1))
    def model_calls(self, *, turn: int, name: str, index: int) -> None:
        arguments = {"express": '{"motion": "Wink"}', "g": "", "b_g": ""}.get(name, "{")
        self.take(
            told.ReplyToolCall(turn=self.turn(turn), index=index, name=name, arguments=arguments)
        )

    @rule(lists=st.booleans())
    def server_is_asked(self, *, lists: bool) -> None:
        if self.listings:
            listing = self.listings.pop()
            tools = (RemoteTool(name="g"),)
            self.take(
                told.ToolsListed(listing=listing, tools=tools)
                if lists
                else told.ListingFailed(listing=listing)
            )

    @rule(answers=st.booleans())
    def tool_is_called(self, *, answers: bool) -> None:
        if self.calls:
            call = self.calls.pop()
            self.take(
                told.ToolAnswered(call=call, output="5")
                if answers
                else told.ToolBroke(call=call, kind="http_error", message="No.", code=502)
            )

    @rule(approve=st.booleans(), back=st.integers(0, 1))
    def client_approves(self, *, approve: bool, back: int) -> None:
        request = self.requests[-1 - back] if back < len(self.requests) else "nothing"
        item = {"type": "mcp_approval_response", "approval_request_id": request}
        self.client(type="conversation.item.create", item={**item, "approve": approve})

    @rule(turn=TURNS)
    def model_moves_the_face(self, *, turn: int) -> None:
        self.take(told.ReplyCue(turn=self.turn(turn), motion="wink"))

    @rule(turn=TURNS, reason=st.sampled_from(["stop", "length", "tool_calls"]))
    def model_ends(self, *, turn: int, reason: str) -> None:
        self.take(told.ReplyEnded(turn=self.turn(turn), reason=reason, output_tokens=3))

    @rule(turn=TURNS)
    def voice_ends(self, *, turn: int) -> None:
        self.take(told.SpokenAll(turn=self.turn(turn)))

    @rule(turn=TURNS)
    def engine_fails(self, *, turn: int) -> None:
        self.take(told.ReplyFailed(turn=self.turn(turn), code="engine_failed", message="No."))

    @rule(words=st.floats(0.1, 3))
    def clock_plays(self, *, words: float) -> None:
        if self.playing:
            turn = self.playing[0]
            upto = min(self.upto.get(turn, 0) + int(words * WORD), self.ends.get(turn, 0))
            self.upto[turn] = upto
            self.take(told.Played(turn=turn, upto=upto))

    @rule(seconds=st.sampled_from([0.0, 0.1, 0.3, 1.5, 5.0]))
    def time_passes(self, *, seconds: float) -> None:
        self.pass_time(seconds)

    @rule()
    def peer_leaves(self) -> None:
        if self.opened and len(self.items) > 6:
            self.has_left = True
            self.take(told.PeerLeft())

    @invariant()
    def at_most_one_response_of_the_conversation_is_open_and_some_beside_it(self) -> None:
        beside = list(getattr(self, "open_responses", {}).values())
        assert beside.count(False) <= 1
        assert beside.count(True) <= MAX_APART

    def teardown(self) -> None:
        """Drive every reply to its end: nothing may be left open."""
        if not self.is_sound or self.has_left:
            return
        for _ in range(10 + len(set(self.asked)) + self.texts):
            self.pass_time(2.0)
            while self.listings:
                self.take(told.ListingFailed(listing=self.listings.pop()))
            for utterance, owed in list(self.owed.items()):
                self.owed[utterance] = 0
                for _ in range(owed):
                    self.take(told.WordsHeard(utterance=utterance, text="so", is_final=True))
            for turn in range(1, max(self.asked, default=0) + 1):
                self.take(told.ReplyEnded(turn=turn))
                self.take(told.SpokenAll(turn=turn))
                self.take(told.Played(turn=turn, upto=self.ends.get(turn, 0)))
        for item_id in self.told:
            self.client(type="conversation.item.retrieve", item_id=item_id)
        assert self.open_responses == {}
        assert self.life.finish() == []

    # --- pieces ------------------------------------------------------------------------------

    def turn(self, back: int) -> int:
        """A recent turn, or one that nobody asked for."""
        return self.asked[-1 - back] if back < len(self.asked) else 99

    def speaks(self, turn: int, words: int) -> None:
        begin = self.ends.get(turn, 0)
        spoken = tuple(
            told.SpokenWord(text="la ", start=begin + i * WORD, end=begin + (i + 1) * WORD)
            for i in range(words)
        )
        self.ends[turn] = begin + words * WORD
        self.take(told.Spoken(turn=turn, end=self.ends[turn], words=spoken))

    def pass_time(self, seconds: float) -> None:
        until = self.now + seconds
        while (due := self.session.deadline) is not None and due <= until:
            self.now = max(self.now, due)
            self.take(told.Tick())
            after = self.session.deadline
            assert after is None or after > self.now
        self.now = until

    def client(self, **event: Any) -> None:
        if not self.opened:
            return  # a transport hands events on once its channel is open
        try:
            said = parse(json.dumps(event))
        except ProtocolError as error:
            self.take(told.ClientErred(error))
        else:
            self.take(told.ClientSaid(said))

    def take(self, event: told.Input) -> None:
        self.is_sound = False  # until it is through: what fails here is not driven to its end
        for output in self.session.handle(event, self.now):
            self.notes_tools(output)
            match output:
                case wanted.Send() | wanted.SendAudio() | wanted.SendImage():
                    self.goes_out(output)
                case wanted.Ask() | wanted.Say():
                    self.is_asked(output)
                case wanted.Play():
                    self.playing.append(output.turn)
                case wanted.Void():
                    self.playing = [turn for turn in self.playing if turn != output.turn]
                case _:
                    self.notes_listening(output, failed=isinstance(event, told.HearingFailed))
        self.is_sound = True

    def notes_listening(self, output: wanted.Output, *, failed: bool) -> None:
        match output:
            case wanted.Listen():
                self.utterances.append(output.utterance)
            case wanted.Transcribe():
                self.utterances.append(output.utterance)
                self.owed[output.utterance] = 1
            case wanted.Pause() | wanted.EndOfSpeech():
                if not failed:
                    self.owed[output.utterance] = self.owed.get(output.utterance, 0) + 1
            case wanted.StopListening():
                self.owed[output.utterance] = 0

    def notes_tools(self, output: wanted.Output) -> None:
        if isinstance(output, wanted.ListTools):
            self.listings.append(output.listing)
        elif isinstance(output, wanted.CallTool):
            self.calls.append(output.call)

    def is_asked(self, order: wanted.Ask | wanted.Say) -> None:
        self.asked.append(order.turn)
        if isinstance(order, wanted.Ask):
            read = tokens.of_text(order.instructions), tokens.of_lines(order.history)
            assert sum(read) + tokens.of_tools(order.tools) <= self.context_tokens

    def goes_out(self, output: wanted.Send | wanted.SendAudio | wanted.SendImage) -> None:
        assert not self.has_left
        self.sent(shown(output))
        if isinstance(output, wanted.Send):
            spell(output.event, "beta")

    def sent(self, event: dict[str, Any]) -> None:
        if "session" in event:  # the beta's flat fields are nothing the oracle knows
            flat = {"turn_detection", "input_audio_transcription"}
            shown = {name: event["session"][name] for name in event["session"].keys() - flat}
            event = event | {"session": shown}
        assert problems(event) == []
        assert self.life.feed(event) == []
        match event:
            case {"type": "response.created", "response": {"id": response_id} as response}:
                self.open_responses[response_id] = response["conversation_id"] is None
            case {"type": "response.done", "response": {"id": response_id}}:
                del self.open_responses[response_id]
            case {"type": "conversation.item.added", "item": item}:
                self.items.append(item["id"])
                if item["type"] == "mcp_approval_request":
                    self.requests.append(item["id"])
            case {"type": "response.output_audio_transcript.delta"}:
                self.told[event["item_id"]] = self.told.get(event["item_id"], "") + event["delta"]
            case {"type": "conversation.item.retrieved", "item": {"role": "assistant"} as item}:
                for part in item["content"]:
                    kept = part.get("transcript") or ""
                    assert self.told.get(item["id"], "").startswith(kept)


Conversation.TestCase.settings = settings(
    max_examples=100,
    stateful_step_count=30,
    deadline=None,
    report_multiple_bugs=False,
    suppress_health_check=list(HealthCheck),
)
TestSession = Conversation.TestCase
