import asyncio
from collections.abc import AsyncGenerator

import numpy as np

from rtav.engines.base import Speech, Viseme, Word
from rtav.engines.tts.delivery import Delivery
from rtav.engines.tts.pool import Answer
from rtav.engines.tts.script import Line, ScriptWord
from rtav.engines.tts.wire import Request, Times
from rtav.engines.visemes import cmu_shapes


class ScriptedPool:
    """Answers every line with the same times and blocks of sound; knows no processes."""

    def __init__(self, times: Times, *blocks: list[int]) -> None:
        self.times, self.blocks = times, blocks
        self.requests: list[Request] = []

    async def say(self, request: Request) -> AsyncGenerator[Answer, None]:
        self.requests.append(request)
        yield self.times
        for block in self.blocks:
            yield np.array(block, np.int16).tobytes()


# At 1000 Hz a sample is a millisecond. 100 of silence, 200 of a word, 300 of silence.
TIMES = Times(phones=[("pau", 0, 100), ("m", 100, 300), ("pau", 300, 600)], tokens=[(0, 100, 300)])
SOUND = [0] * 100 + [1000] * 200 + [0] * 300
LINE = Line("Mm.", (ScriptWord(" Mm. ", 0),))


def deliver(pool: ScriptedPool, *lines: Line) -> list[Speech]:
    async def main() -> list[Speech]:
        delivery = Delivery(pool=pool, voice="v", speed=1.5, rate_hz=1000, shapes=cmu_shapes)
        return [speech async for speech in delivery.speak(lines)]

    return asyncio.run(main())


def test_silence_is_trimmed_and_the_marks_move_with_it() -> None:
    (speech,) = deliver(ScriptedPool(TIMES, SOUND), LINE)

    # 10 ms are kept before the sound and 60 ms after it.
    assert len(speech.pcm) == 10 + 200 + 60
    assert speech.visemes == (
        Viseme(name="sil", start=0, end=10),
        Viseme(name="PP", start=10, end=210),
    )
    assert speech.words == (Word(text=" Mm. ", start=10, end=210),)


def test_a_pause_is_kept_between_two_lines_and_positions_go_on() -> None:
    first, second = deliver(ScriptedPool(TIMES, SOUND), LINE, LINE)

    assert len(first.pcm) == 10 + 200 + 250
    assert second.words == (Word(text=" Mm. ", start=470, end=670),)


def test_marks_wait_for_the_first_block_that_is_heard() -> None:
    pool = ScriptedPool(TIMES, SOUND[:50], SOUND[50:150], SOUND[150:])

    first, second = deliver(pool, LINE)

    assert len(first.pcm) == 60
    assert len(first.words) == 1
    assert len(second.pcm) == 210
    assert second.words == second.visemes == ()


def test_what_is_cut_off_is_faded_out() -> None:
    (speech,) = deliver(ScriptedPool(TIMES, [0] * 100 + [1000] * 500), LINE)

    assert speech.pcm[-11] == 1000
    assert list(speech.pcm[-10:]) == sorted(speech.pcm[-10:], reverse=True)
    assert speech.pcm[-1] == 0


class MutePool(ScriptedPool):
    """As its parent, but has no sound for a line that is not "Mm."."""

    async def say(self, request: Request) -> AsyncGenerator[Answer, None]:
        if request["text"] == "Mm.":
            async for answer in super().say(request):
                yield answer
        else:
            yield Times(phones=[], tokens=[])
            yield bytes(1200)


MUTE = Line("...", (ScriptWord("... ", 0),))


def test_lines_that_all_have_no_sound_yield_nothing() -> None:
    assert deliver(MutePool(TIMES, SOUND), MUTE, MUTE) == []


def test_a_line_without_a_sound_before_the_first_sound_joins_the_next() -> None:
    (speech,) = deliver(MutePool(TIMES, SOUND), MUTE, LINE)

    assert speech.words == (Word(text="...  Mm. ", start=10, end=210),)


def test_a_line_without_a_sound_after_the_first_sound_takes_no_time() -> None:
    _, silent = deliver(MutePool(TIMES, SOUND), LINE, MUTE)

    assert len(silent.pcm) == 0
    assert silent.words == (Word(text="... ", start=460, end=460),)


def test_tokens_find_the_word_they_stand_in() -> None:
    times = Times(
        phones=[("m", 0, 100), ("aa", 100, 200), ("m", 200, 300)],
        tokens=[(0, 0, 100), (4, 100, 200), (7, 200, 300)],
    )
    line = Line(
        "one two-b x",
        (ScriptWord("one ", 0), ScriptWord("2b ", 4), ScriptWord("x", 10)),
    )

    (speech,) = deliver(ScriptedPool(times, [1000] * 300), line)

    # The second word has two tokens; the third has none and stays with it.
    assert speech.words == (
        Word(text="one ", start=0, end=100),
        Word(text="2b x", start=100, end=300),
    )


def test_the_request_names_voice_and_speed() -> None:
    pool = ScriptedPool(TIMES, SOUND)

    deliver(pool, LINE)

    assert pool.requests == [Request(text="Mm.", voice="v", speed=1.5)]
