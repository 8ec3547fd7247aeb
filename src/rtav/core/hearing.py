"""The caller's side: utterances, their words, and when an answer is due."""

from __future__ import annotations

from rtav.core.answering import Answering
from rtav.core.common import Common
from rtav.core.detection import TurnDetection
from rtav.core.inputs import FrameHeard, Heard, HearingFailed, WordsHeard
from rtav.core.outputs import Hold, Listen, Measure, Pause, Resume, StopListening
from rtav.core.recognition import Recognition, is_worth_asking
from rtav.core.reply import Reply
from rtav.core.turn_table import Edge, Phase
from rtav.core.turns import TurnTracker
from rtav.core.utterance import Utterance
from rtav.core.words import sounds_finished
from rtav.errors import ProtocolError

VOICE = TurnDetection().threshold
PADDING_MS = TurnDetection().prefix_padding_ms
"""Where the client detects its turns itself and so names none."""

STALLED_S = 1.0
"""Without a frame for so long the microphone has stopped, and so has whatever was being said."""

SHORTEST_MS = 100
"""Less sound than this cannot be committed: OpenAI's limit."""


class Hearing:
    def __init__(self, common: Common, answering: Answering, recognition: Recognition) -> None:
        self._common = common
        self._answering = answering
        self._replies = answering.replies
        self._recognition = recognition
        self._tracker = TurnTracker()
        self._heard_ms = 0
        self._cleared_ms = 0
        """Where the input buffer begins: what lies before was committed or cleared."""
        self._current: Utterance | None = None
        self._guess: Reply | None = None
        self._holds = False
        self._last_frame_at: float | None = None

    @property
    def is_listening(self) -> bool:
        return self._tracker.phase in (Phase.SPEAKING, Phase.PAUSED)

    @property
    def is_pausing(self) -> bool:
        """The caller is silent, and may go on."""
        return self._tracker.phase is Phase.PAUSED

    @property
    def hears_a_sound(self) -> bool:
        """Speech, or what may become it."""
        return self._tracker.phase is not Phase.QUIET

    @property
    def heard_ms(self) -> int:
        """How long the microphone is."""
        return self._heard_ms

    @property
    def deadline(self) -> float | None:
        if self._tracker.phase is Phase.QUIET or self._last_frame_at is None:
            return None
        return self._last_frame_at + STALLED_S

    # --- inputs ------------------------------------------------------------------------------

    def frame(self, frame: FrameHeard) -> None:
        self._last_frame_at = self._common.now
        self._heard_ms = max(self._heard_ms, frame.end_ms)
        detection = self._common.config.turn_detection
        if detection is None:
            self._take(frame)
            return
        edge = self._tracker.hear(frame, detection, patient=self._holds)
        self._follow(edge, detection)
        self._end_if_due(detection)

    def heard(self, event: Heard) -> None:
        self._heard_ms = max(self._heard_ms, event.end_ms)

    def tick(self) -> None:
        """The microphone may have stopped in the middle of a word."""
        if self.deadline is not None and self._common.now >= self.deadline:
            self._end_now()

    def words(self, event: WordsHeard) -> None:
        utterance = self._known(event.utterance)
        if utterance is None:
            return
        if event.is_final and utterance.stale:
            utterance.stale -= 1
        elif event.is_final:
            self._settled(utterance, event.text.strip())
        elif not utterance.is_over:
            self._recognition.transcripts.grew(utterance, utterance.agreement.hear(event.text))

    def failed(self, event: HearingFailed) -> None:
        utterance = self._known(event.utterance)
        if utterance is None:
            return
        utterance.failure = event.message
        self._recognition.check(utterance)

    def stop(self) -> None:
        """Turn detection was switched on or off: what is being said ends here."""
        self._end_now()
        self._drop()
        self._tracker = TurnTracker()
        self._cleared_ms = self._heard_ms

    def forget(self) -> None:
        """What was said so far is nobody's business: there was no channel yet to tell it on."""
        self._drop()
        self._recognition.forget()
        self._cleared_ms = self._heard_ms
        self._withdraw()
        self._release()
        self._tracker = TurnTracker()

    # --- the client's buffer -----------------------------------------------------------------

    def commit(self) -> None:
        """The client says that its turn is over. It asks for the answer itself."""
        length_ms = self._heard_ms - self._cleared_ms
        if length_ms < SHORTEST_MS:
            raise ProtocolError(
                "Error committing input audio buffer: buffer too small. Expected at least "
                f"{SHORTEST_MS}ms of audio, but buffer only has {length_ms:.2f}ms of audio.",
                code="input_audio_buffer_commit_empty",
            )
        self._withdraw()
        self._release()
        utterance = self._current or self._begin(self._cleared_ms)
        if utterance.is_told:
            utterance.voiced_ms, utterance.text = self._tracker.voiced_ms, None
        self._current, self._tracker = None, TurnTracker()
        utterance.is_over = True
        utterance.ended_at = self._common.now
        utterance.duration_ms = length_ms
        self._cleared_ms = self._heard_ms
        if utterance.is_told:
            self._common.send(
                "input_audio_buffer.speech_stopped",
                audio_end_ms=self._heard_ms,
                item_id=utterance.id,
            )
        self._recognition.commit(utterance)
        self._recognition.await_words(utterance, has_tail=self._common.policy.microphone_races)
        if not self._common.policy.microphone_races:
            self._recognition.check(utterance)

    def begin_anew(self) -> None:
        """What is in the buffer is an item now."""
        self._cleared_ms = self._heard_ms

    def clear(self) -> None:
        """Forget what was not committed. A turn that was detected goes on: the client knows it."""
        self._cleared_ms = self._heard_ms
        if self._common.config.turn_detection is None:
            self._drop()
        self._common.send("input_audio_buffer.cleared")

    def _take(self, frame: FrameHeard) -> None:
        """Sound for the buffer: recognition begins with the first voice in it."""
        if frame.probability < VOICE:
            return
        if self._current is None:
            onset_ms = frame.end_ms - frame.length_ms
            self._current = self._begin(max(self._cleared_ms, onset_ms - PADDING_MS))
        self._current.voiced_ms += frame.length_ms

    def _drop(self) -> None:
        """Nobody will commit what was begun."""
        if self._current is not None:
            self._common.put(StopListening(self._current.id))
            self._current = None

    def _begin(self, start_ms: int) -> Utterance:
        utterance = Utterance(self._common.new_id("item"), start_ms)
        self._listen(utterance)
        return utterance

    def _listen(self, utterance: Utterance) -> None:
        common = self._common
        transcription = common.config.transcribes(common.dialect) or {}
        common.put(
            Listen(
                utterance=utterance.id,
                start_ms=utterance.start_ms,
                language=transcription.get("language"),
                prompt=transcription.get("prompt"),
            )
        )

    # --- edges -------------------------------------------------------------------------------

    def _follow(self, edge: Edge | None, detection: TurnDetection) -> None:
        match edge:
            case Edge.VOICE:
                if detection.interrupt_response and not detection.literal:
                    self._hold()
            case Edge.ABANDONED:
                self._release()
            case Edge.CONFIRMED:
                self._start(detection)
            case Edge.SILENCE:
                assert self._current is not None
                self._common.put(Pause(self._current.id))
            case Edge.RESUMED:
                self._resume()

    def _hold(self) -> None:
        if self._replies.is_playing and not self._common.policy.client_plays:
            self._holds = True
            self._common.put(Hold())
            self._measure()

    def _measure(self) -> None:
        """The caller has made a sound, and the reply falls silent now."""
        seconds = (self._tracker.now_ms - self._tracker.onset_ms) / 1000
        self._common.put(Measure(name="barge_in", seconds=seconds))

    def _release(self) -> None:
        if self._holds:
            self._holds = False
            self._common.put(Resume())

    def _start(self, detection: TurnDetection) -> None:
        common = self._common
        start_ms = max(0, self._tracker.onset_ms - detection.prefix_padding_ms)
        utterance = Utterance(common.new_id("item"), start_ms, is_told=True)
        self._current = utterance
        common.send(
            "input_audio_buffer.speech_started", audio_start_ms=start_ms, item_id=utterance.id
        )
        if detection.interrupt_response and (self._replies.is_audible or self._replies.active):
            if not self._holds:
                self._measure()
            self._answering.cut("turn_detected")
        self._release()
        self._listen(utterance)

    def _resume(self) -> None:
        """The caller went on: whatever was made of the words so far is void."""
        assert self._current is not None
        if self._current.text is None and self._current.failure is None:
            self._current.stale += 1
        self._current.text = None
        self._withdraw()

    def _withdraw(self) -> None:
        if self._guess is not None:
            self._answering.withdraw(self._guess)
            self._guess = None

    # --- ends --------------------------------------------------------------------------------

    def _end_if_due(self, detection: TurnDetection) -> None:
        if self._tracker.phase is not Phase.PAUSED or self._current is None:
            return
        silence_s = self._tracker.silence_ms / 1000
        text = self._current.text
        ripe = detection.literal or (text is not None and sounds_finished(text))
        if silence_s >= detection.longest_s or (ripe and silence_s >= detection.quickest_s):
            self._end()

    def _end_now(self) -> None:
        match self._tracker.fall_silent():
            case Edge.ABANDONED:
                self._release()
            case Edge.SILENCE:
                self._end()
            case _ if self._tracker.phase is Phase.PAUSED:
                self._end()

    def _end(self) -> None:
        common, utterance, tracker = self._common, self._current, self._tracker
        assert utterance is not None
        self._current = None
        self._cleared_ms = self._heard_ms
        tracker.end()
        utterance.is_over = True
        utterance.voiced_ms = tracker.voiced_ms
        utterance.duration_ms = tracker.now_ms - utterance.start_ms
        utterance.ended_at = common.now - tracker.silence_ms / 1000
        common.send(
            "input_audio_buffer.speech_stopped",
            audio_end_ms=tracker.now_ms,
            item_id=utterance.id,
        )
        self._recognition.commit(utterance)
        self._recognition.await_words(utterance)
        self._answer(utterance)
        self._recognition.check(utterance)

    def _answer(self, utterance: Utterance) -> None:
        if not self._common.config.answers_speech() or self._replies.active is not None:
            self._withdraw()
        elif utterance.text is None:
            self._answering.begin_when_heard()
        elif self._guess is not None:
            guess, self._guess = self._guess, None
            self._answering.promote(guess, speech_ended_at=utterance.ended_at)
        elif is_worth_asking(utterance):
            self._answering.begin(speech_ended_at=utterance.ended_at)

    # --- words -------------------------------------------------------------------------------

    def _known(self, utterance_id: str) -> Utterance | None:
        if self._current is not None and self._current.id == utterance_id:
            return self._current
        return self._recognition.find(utterance_id)

    def _settled(self, utterance: Utterance, text: str) -> None:
        if utterance.is_over:
            self._recognition.settle(utterance, text)
        elif self._tracker.phase is Phase.PAUSED:
            utterance.text = text
            self._guess_answer(text)

    def _guess_answer(self, text: str) -> None:
        config = self._common.config
        if text and config.answers_speech() and self._replies.active is None:
            self._withdraw()
            self._guess = self._answering.guess(said=text)
