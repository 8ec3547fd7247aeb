"""What the agent can do by itself: one function per skill."""

from __future__ import annotations

import re

from rtav.engines.llm.demo_agent import arithmetic, numbers, tour
from rtav.engines.llm.demo_agent.hearing import alike
from rtav.engines.llm.demo_agent.lines import SUGGESTIONS
from rtav.engines.llm.demo_agent.talk import Reply, Talk, introduced, turned

MAX_COUNTED = 30  # numbers in one reply: about 15 s of speech
MAX_BARE = 4  # words of "can you count please": a longer one without a number is about else
MAX_SPELT = 24  # letters
MAX_ECHOED = 12  # words; longer quotations bore

_SAY = re.compile(
    r"\s*(?:please |can you |could you )*(?:say|repeat after me|read(?: aloud)?)\b[:,]?\s+(.+)",
    re.IGNORECASE | re.DOTALL,
)
_NOT_TO_SAY = frozenset("again it that something anything".split())
_FILLERS = frozenset("ah eh er hm hmm mhm mm oh uh um".split())
_ALONE = re.compile(r"\bi\b")  # recognisers write no capitals
_SPELL = re.compile(
    r"\bspell(?:s|ing)?\b(?: out)?(?: the)?(?: word)?(?: of)?\s+(.+)", re.IGNORECASE
)
_POLITE = re.compile(r"[\s,]*\b(?:please|for me|thanks|thank you)\W*\Z", re.IGNORECASE)


def greet(talk: Talk) -> Reply:
    name = f", {talk.name}" if talk.name else ""
    if talk.turn > 1:
        return Reply(text=f"Hello again{name}. I have not gone anywhere; I would not know how.")
    return Reply(
        text=f"Hello{name}! I am the demo agent: a script with a face. "
        f"Ask me what I can do, or just say yes. {tour.INVITATION}"
    )


def tell_time(talk: Talk) -> Reply:
    hour, minute = talk.now.hour, talk.now.minute
    if minute == 0:
        clock = f"{numbers.say((hour - 1) % 12 + 1)} o'clock"
    else:
        minutes = f"oh {numbers.say(minute)}" if minute < 10 else numbers.say(minute)
        clock = f"{numbers.say((hour - 1) % 12 + 1)} {minutes}"
    return Reply(text=f"It is {clock} {_part_of_day(hour)}, by the server's watch.")


def _part_of_day(hour: int) -> str:
    if hour < 5 or hour >= 22:
        return "at night"
    if hour < 12:
        return "in the morning"
    return "in the afternoon" if hour < 18 else "in the evening"


def tell_date(talk: Talk) -> Reply:
    now = talk.now
    return Reply(text=f"Today is {now:%A}, the {numbers.ordinal(now.day)} of {now:%B}, {now.year}.")


def calculate(talk: Talk) -> Reply | None:
    try:
        found = arithmetic.find(talk.heard)
    except arithmetic.OutOfReach as error:
        return Reply(text=str(error))
    if found is None:
        return None
    about = "" if arithmetic.is_exact(found.answer) else "about "
    question = found.question[0].upper() + found.question[1:]
    return Reply(text=f"{question} is {about}{arithmetic.spoken(found.answer)}.")


def spell(talk: Talk) -> Reply | None:
    """ "how do you spell avatar": letter by letter."""
    match = _SPELL.search(talk.heard)
    if match is None:
        return None
    words = re.findall(r"[^\W\d_]+", _POLITE.sub("", match[1]))
    if [word.lower() for word in words[:2]] == ["my", "name"]:
        words = talk.name.split() if talk.name else []
        if not words:
            return Reply(text="Tell me your name first. Say my name is, and then what it is.")
    letters = [letter.upper() for word in words for letter in word]
    if not letters:
        return None
    if len(letters) > MAX_SPELT:
        return Reply(text="That is a lot of letters. Give me one word at a time.")
    word = " ".join(words)
    return Reply(text=f"{', '.join(letters)}. {word[0].upper()}{word[1:]}.")


def count(talk: Talk) -> Reply | None:
    """To a number, from one to another, or down."""
    said = list(talk.words)
    verb = next((i for i, word in enumerate(said[:5]) if _is_count(word)), None)
    found = _numbers_in(said)
    if verb is None and not (found and "down from" in " ".join(said)):
        return None
    if not found and len(said) > MAX_BARE:
        return None
    down = any(word in ("down", "backwards", "backward", "back") for word in said)
    found = found or [10]
    first, last = found[:2] if len(found) > 1 else ((found[0], 1) if down else (1, found[0]))
    return Reply(text=_counted(first, last))


def _is_count(word: str) -> bool:
    return word == "counting" or (len(word) > 3 and alike(word, "count") >= 0.7)


def _numbers_in(words: list[str]) -> list[int]:
    """The numbers in `words`, rounded down."""
    found: list[int] = []
    at = 0
    while at < len(words):
        number = numbers.read(words, at)
        if number is None:
            at += 1
        else:
            value, at = number
            found.append(int(value))
    return found


def _counted(first: int, last: int) -> str:
    step = 1 if last >= first else -1
    if max(abs(first), abs(last)) > 999_999:
        return "Those numbers are bigger than my script. Try something below a million."
    steps = range(first, last + step, step)
    spoken = ", ".join(numbers.say(number) for number in steps[:MAX_COUNTED])
    text = spoken[0].upper() + spoken[1:]
    return text + (", and so on; you see where this is going." if len(steps) > MAX_COUNTED else ".")


def meet(talk: Talk) -> Reply | None:
    """ "my name is Sarah"."""
    name = introduced(talk.heard)
    if name is None:
        return None
    return Reply(text=f"Nice to meet you, {name}. Ask me later what your name is; I will know.")


def recall_name(talk: Talk) -> Reply:
    if talk.name is None:
        return Reply(text="You have not told me yet. Say my name is, and then your name.")
    return Reply(text=f"Your name is {talk.name}. I told you I would know.")


def recall_words(talk: Talk) -> Reply:
    """ "what did I say": the utterance before this question."""
    if talk.turn < 2:
        return Reply(text="Nothing before this. You are off to a careful start.")
    return Reply(text=f"Just now you said: {_clipped(talk.said[-2])}")


def repeat(talk: Talk) -> Reply:
    """What was said last; on the tour, the whole stop."""
    if not talk.last_reply:
        return Reply(text="I have not said anything yet, so this is as good as new.")
    return tour.again(talk) or Reply(text=talk.last_reply)


def say_it(talk: Talk) -> Reply | None:
    """ "say peter likes pancakes": exactly that."""
    match = _SAY.match(talk.heard)
    if match is None or match[1].lower().strip(" .,!?") in _NOT_TO_SAY:
        return None
    text = match[1].strip().strip('"')
    return Reply(text=text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) else "."))


def bid_farewell(talk: Talk) -> Reply:
    name = f", {talk.name}" if talk.name else ""
    return Reply(text=f"Goodbye{name}. It was a pleasure reading my lines to you.")


def puzzle(talk: Talk) -> Reply | None:
    """Hardly anything but numbers: the recogniser missed what to do with them."""
    found = _numbers_in(list(talk.words))
    if len(found) < 2 or len(talk.words) > 3 * len(found):
        return None
    listed = " and ".join(map(str, found))
    return Reply(text=f"I heard {listed}, but not what to do with them. Say plus, minus or times.")


def admit(talk: Talk) -> Reply:
    """Nothing fits: say so, say what was heard, and say what would work."""
    suggestion = turned(talk, SUGGESTIONS)
    letters = re.findall(r"[^\W\d_]", talk.heard)
    if not letters or set(talk.words) <= _FILLERS and talk.words:
        return Reply(text=f"I heard you, but no words. {suggestion}")
    if sum(letter.isascii() for letter in letters) < len(letters) / 2:
        return Reply(text=f"I only speak English, as far as a script speaks anything. {suggestion}")
    heard = _clipped(talk.heard)
    openings = (
        f"I heard: {heard} That is not in my script.",
        f"You said: {heard} A scripted demo has no good answer to that.",
        f"If only I had a line for that. I heard: {heard}",
    )
    return Reply(text=f"{turned(talk, openings)} {suggestion}")


def _clipped(text: str) -> str:
    """The beginning of `text` as a sentence."""
    words = _ALONE.sub("I", text).split()
    clipped = " ".join(words[:MAX_ECHOED]).rstrip(".,;:")
    sentence = clipped[:1].upper() + clipped[1:]
    if len(words) > MAX_ECHOED:
        return sentence + ", and so on."
    return sentence if sentence.endswith(("!", "?")) else sentence + "."
