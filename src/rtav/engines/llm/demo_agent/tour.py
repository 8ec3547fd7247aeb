"""The guided tour: six stops, each with something to try."""

from __future__ import annotations

from collections.abc import Sequence

from rtav.engines.llm.demo_agent.talk import Reply, Talk

# Each stop opens with words nothing else begins with: the place in the tour is read off what was
# said, and a stop that was cut short is known by them as long as they were heard.
STOPS = (
    "First stop: listening. You never pressed a button; I answer when you have stopped talking. "
    "Leave a pause in the middle of a sentence and see whether I wait for you. "
    "Say next to go on.",
    "Second stop: interrupting. I shall now talk about the weather inside a computer, which is "
    "mostly dry with a warm breeze near the processor, and I could keep this up for quite a "
    "while. So talk over me: my voice and my face will stop together. Say next when you like.",
    "Third stop: lips. Watch my mouth. Big brown bears in blue boats blow bubbles, while five "
    "vain foxes whistle at the shore. Say repeat for the bears, or next to go on.",
    "Fourth stop: my face. Ask me to wink, to nod or to smile, and I will, by calling a tool just "
    "as a real model would. Say next when you have seen enough.",
    "Fifth stop: small talents. Ask me what time it is, what seventeen times four makes, or tell "
    "me your name and see if I remember it. Say next for the last stop.",
    "Last stop: a real mind. Everything you see works the same with a language model behind it; "
    "only the wit improves. Ask how to connect a model and I will tell you. "
    "That was the tour, thank you for coming along.",
)
_OPENINGS = tuple(stop.partition(":")[0] for stop in STOPS)
_ENDED = "The tour ends here"
INVITATION = "Shall I show you around?"


def start(_: Talk) -> Reply:
    return Reply(text=STOPS[0])


def forward(talk: Talk) -> Reply:
    """On to the next stop, or an offer to start."""
    stop = place(talk.replies)
    if stop is None:
        return Reply(text=f"There is nothing to skip yet. {INVITATION}")
    if stop == len(STOPS) - 1:
        return Reply(text="That was the last stop. Say start the tour to see it all again.")
    return Reply(text=STOPS[stop + 1])


def back(talk: Talk) -> Reply:
    """To the stop before, or an offer to start."""
    stop = place(talk.replies)
    if stop is None:
        return Reply(text=f"There is nothing to go back to yet. {INVITATION}")
    return Reply(text=STOPS[max(0, stop - 1)])


def again(talk: Talk) -> Reply | None:
    """The whole of the stop just shown; None if something else was said since."""
    stop = place(talk.replies[-1:])
    return None if stop is None else Reply(text=STOPS[stop])


def stop(talk: Talk) -> Reply:
    if place(talk.replies) is None:
        return Reply(text="All right, I am quiet. Just speak when you want me.")
    return Reply(text=f"{_ENDED}. Ask me anything else, or say start the tour to begin again.")


def accept(talk: Talk) -> Reply:
    """A "yes": to the invitation, or to going on."""
    if talk.last_reply.endswith(INVITATION):
        return start(talk)
    if place(talk.replies) is not None:
        return forward(talk)
    return Reply(text="Splendid, we agree. What shall we do? I have jokes, stories and a tour.")


def decline(talk: Talk) -> Reply:
    """A "no", to the invitation or to anything else."""
    if talk.last_reply.endswith(INVITATION):
        return Reply(text="No tour, then. Ask me for a joke, the time, or what I can do.")
    return Reply(text="No it is. If you change your mind, ask me what I can do.")


def place(replies: Sequence[str]) -> int | None:
    """The index of the stop the tour is at; None if it was never started or has been ended."""
    for reply in reversed(replies):
        if reply.startswith(_ENDED):
            return None
        for index, opening in enumerate(_OPENINGS):
            if reply.startswith(opening):
                return index
    return None
