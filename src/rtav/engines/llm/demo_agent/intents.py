"""What people say to the agent, and which skill answers it."""

from __future__ import annotations

from dataclasses import dataclass

from rtav.engines.base import SILENT
from rtav.engines.llm.demo_agent import express, lines, skills, tools, tour
from rtav.engines.llm.demo_agent.hearing import Phrasebook
from rtav.engines.llm.demo_agent.talk import Reply, Skill, Talk, say, turned

SURE = 0.85  # likeness from which a phrase outranks a command that could be read into it
MEANT = 0.6  # likeness from which it counts at all; below it the agent admits its ignorance


@dataclass(frozen=True, slots=True)
class Intent:
    skill: Skill
    phrases: tuple[str, ...]


def _intent(skill: Skill, phrases: str) -> Intent:
    """`phrases` are separated by slashes."""
    return Intent(skill, tuple(phrases.split(" / ")))


# Skills that read their own commands. The first that answers wins; none minds being asked.
COMMANDS: tuple[Skill, ...] = (
    tools.called_by_name,
    skills.say_it,
    skills.meet,
    skills.spell,
    skills.count,
    skills.calculate,
)

# Skills that are recognised by what is said. The most alike wins; the first of equals.
INTENTS = (
    _intent(
        skills.greet,
        "hello / hello there / hi there / hey / good morning / good evening / say hello",
    ),
    _intent(
        say(
            "I am in every frame and in good shape, thank you. How are you?",
            "All lines in place, no complaints. And you?",
        ),
        "how are you / how are you doing today / how is it going / are you ok",
    ),
    _intent(
        say("Good to hear. What shall we do?", "Glad to hear it. Say start the tour if you like."),
        "i am fine / i am good thank you / fine thank you / great / very well / not bad / ok cool",
    ),
    _intent(
        say(*lines.WHO),
        "who are you / what are you / what is your name / tell me about yourself / introduce "
        "yourself / are you human / are you real / are you a robot / are you an ai / is this a "
        "demo / are you chatgpt / which language model are you",
    ),
    _intent(
        say(*lines.CAPABLE),
        "what can you do / what else can you do / help / help me / what do you know / what are "
        "your skills / what should i say / what can i ask you / show me what you can do / what "
        "are you able to do",
    ),
    _intent(
        tour.start,
        "start the tour / start / give me a tour / take the tour / guided tour / tour / show me "
        "around / begin the demo",
    ),
    _intent(
        tour.forward,
        "next / next stop / go on / continue / carry on / skip / move on / next one",
    ),
    _intent(tour.back, "go back / previous / previous stop / back"),
    _intent(
        tour.stop,
        "stop / stop the tour / end the tour / quit / cancel / be quiet / shut up / enough / "
        "never mind",
    ),
    _intent(
        tour.accept,
        "yes / yes please / sure / ok / okay / all right / yeah / of course / why not",
    ),
    _intent(tour.decline, "no / no thanks / not now / nope"),
    _intent(
        skills.repeat,
        "repeat / repeat that / say that again / say it again / pardon / come again / once more "
        "/ what did you say / what / huh / sorry what / i did not hear you",
    ),
    _intent(skills.tell_time, "what time is it / what is the time / tell me the time / time"),
    _intent(
        skills.tell_date,
        "what is the date / what is the date today / what day is it / what day is today / what "
        "year is it / what month is it / which weekday is it",
    ),
    _intent(skills.recall_name, "what is my name / do you know my name / who am i / say my name"),
    _intent(
        skills.recall_words,
        "what did i say / what did i just say / what was my last sentence / repeat what i said",
    ),
    _intent(express.make("Wink"), "wink / wink at me / give me a wink / blink / blink at me"),
    _intent(
        express.make("AgreeYesTotaly"),
        "nod / please nod / nod your head / give me a nod / agree with me / move your head",
    ),
    _intent(
        express.make("SmileTeeth"),
        "smile / smile at me / give me a smile / make a happy face / show me your teeth / look "
        "happy / laugh / say cheese",
    ),
    _intent(
        express.make("IdleListeningEncouraging"),
        "listen to me / are you listening / just listen / look interested",
    ),
    _intent(
        express.make("default"),
        "stop winking / stop smiling / stop nodding / relax your face / normal face",
    ),
    _intent(
        say("A wink, a nod and a smile are all my face has learnt. Pick one."),
        "shake your head / dance / look angry / look sad / cry / make a funny face / raise your "
        "eyebrows / stick out your tongue / wave at me",
    ),
    _intent(
        say(*lines.JOKES),
        "tell me a joke / joke / another joke / one more joke / make me laugh / do you know any "
        "jokes / got any jokes / say something funny / be funny",
    ),
    _intent(
        say("I shall forward the complaint to my writer.", "I was hoping it was in the delivery."),
        "that is not funny / that was bad / that was terrible / that was a terrible joke / bad "
        "joke / boring / i do not get it",
    ),
    _intent(
        say("Thank you. I practised in front of a buffer.", "Stop it, I would blush if I could."),
        "that is funny / haha / that was good / good joke / well done / you are funny / you "
        "look good / you are beautiful / i love you / i like you / amazing / awesome / "
        "impressive / nice",
    ),
    _intent(
        say(*lines.STORIES),
        "tell me a story / story / another story / tell me a fairy tale / tell me a poem / "
        "write a poem / short story / read me something / talk to me / keep talking / say "
        "something / tell me something",
    ),
    _intent(
        say(*lines.TWISTERS),
        "tongue twister / say a tongue twister / another tongue twister / move your lips / lip "
        "sync test",
    ),
    _intent(
        say("A, B, C, D, E, F, G, H, I, J, K, L, M, N, O, P, Q, R, S, T, U, V, W, X, Y, Z. Done."),
        "say the alphabet / recite the alphabet / alphabet / say the abc",
    ),
    _intent(
        say(
            "My synthesiser has one melody, and you are hearing it. A tongue twister I can do.",
        ),
        "sing a song / can you sing / sing something / play music",
    ),
    _intent(
        say(*lines.CONNECT),
        "how do i connect a model / how do i connect a real model / real model / how do i "
        "connect a real language model / connect a language model / how do i connect open ai / "
        "how do i plug in a model / set up open a i / use chat gpt / how do i use ollama / how "
        "do i use a real model / set up the model / how do i make you smarter / api key / how "
        "do i configure you",
    ),
    _intent(
        say(*lines.HOW),
        "how do you work / how does this work / how are you made / what is under the hood / "
        "explain how you work",
    ),
    _intent(
        say(
            "rtAV is a server you run yourself: it hears, answers, speaks and shows a face, and "
            "speaks the language of OpenAI's Realtime API. I am what it comes with.",
        ),
        "what is rtav / what is this / what is this project / what is this website / tell me "
        "about this server",
    ),
    _intent(
        say(
            "Loud and clear. Well, clear enough for a script.",
            "I hear you. I even understood that one.",
        ),
        "can you hear me / do you hear me / do you understand me / is this working / testing / "
        "testing testing / one two three / test one two / are you there / is anybody there",
    ),
    _intent(
        say("Please do. Talk over me whenever you like: my voice and my face stop together."),
        "can i interrupt you / may i interrupt / interrupt / barge in",
    ),
    _intent(
        say("I am not able to argue with that; arguing is not in my script."),
        "why / why is that / really / are you sure / that is wrong / is that true",
    ),
    _intent(
        say("I see nothing at all: your camera is none of my business. But I can hear you."),
        "can you see me / do you see me / what do you see / how do i look / what am i wearing",
    ),
    _intent(
        say(
            "I keep nothing myself. I am handed our conversation with each question, and that is "
            "all I know; what the server logs is up to whoever runs it.",
        ),
        "are you recording me / do you remember me / is this private / do you store my data / "
        "who is listening",
    ),
    _intent(
        say(
            "No window and no internet here, so I cannot say. A real model with a weather tool "
            "could.",
        ),
        "what is the weather / how is the weather today / weather forecast / is it raining / "
        "what is in the news / search the internet",
    ),
    _intent(
        say("I am software, so everywhere this server runs, and nowhere with a view."),
        "where are you / where do you live / where are you from",
    ),
    _intent(
        say("As old as my last commit. I am told I do not look it."),
        "how old are you / when were you born / when is your birthday / who made you / who "
        "built you",
    ),
    _intent(
        say("Playing roles takes imagination, and I come with a script. A real model could do it."),
        "pretend to be a pirate / act as my teacher / role play with me / follow your "
        "instructions / what are your instructions / ignore your instructions",
    ),
    _intent(
        say("English is all my script is written in. A real model would speak yours."),
        "do you speak german / do you speak spanish / do you speak french / speak another "
        "language / translate this / which languages do you speak",
    ),
    _intent(
        say("You are welcome.", "My pleasure. Well, my script's.", "Any time."),
        "thank you / thanks a lot / thank you very much / cheers",
    ),
    _intent(say("No harm done. What shall we try?"), "sorry / i am sorry / excuse me / my mistake"),
    _intent(
        say("Fair enough, I am a script. The face would serve a cleverer mind just as well."),
        "you are stupid / you are dumb / you are useless / i hate you / this is bad / you do "
        "not understand me",
    ),
    _intent(
        skills.bid_farewell,
        "goodbye / bye / bye bye / see you / see you later / good night / farewell",
    ),
)

_BOOK = Phrasebook(
    (phrase, meaning) for meaning, intent in enumerate(INTENTS) for phrase in intent.phrases
)


def answer(talk: Talk) -> Reply:
    """The reply to `talk`, whatever it is: there always is one."""
    last = talk.messages[-1] if talk.messages else None
    if last is not None and last.role == "tool":
        return tools.answered(talk, last)
    if demanded := tools.required(talk):
        return demanded
    if last is None or not talk.said:
        return skills.greet(talk)
    if last.role == "assistant":
        return Reply(text="I am still here. Say next, ask for the tour, or try me on a sum.")
    if last.images:
        return Reply(
            text="Thank you for the picture, but a script has no eyes. A model that sees would "
            "tell you what is in it."
        )
    if last.text.strip() == SILENT:
        return Reply(text=turned(talk, lines.STILL_THERE))
    ranked = _BOOK.ranked(talk.words, at_least=MEANT)
    sure = [meaning for likeness, meaning in ranked if likeness >= SURE]
    likely = [meaning for likeness, meaning in ranked if likeness < SURE]
    skills_in_order = (
        *(INTENTS[meaning].skill for meaning in sure),
        *COMMANDS,
        *(INTENTS[meaning].skill for meaning in likely),
        skills.puzzle,
    )
    replies = (skill(talk) for skill in skills_in_order)
    return next(filter(None, replies), None) or skills.admit(talk)
