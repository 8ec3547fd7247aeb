"""The agent's longer lines: jokes, stories, tongue twisters, and how to give it a real mind."""

from __future__ import annotations

JOKES = (
    "My jaw was rigged by an engineer. Since then all of my jokes are open and shut cases.",
    "They asked me to be more animated at work. I said, twenty-five frames a second is already "
    "overtime.",
    "I was going to tell you the one about latency. I will get to it in a moment.",
    "A packet walks into a bar. Or was it out of the bar? They never arrive in order.",
    "My doctor says I repeat myself. I told her it is in the script. So I told her it is in the "
    "script.",
    "I tried to keep a poker face once. The table said they had never seen a buffer hold so well.",
    "Why did the avatar cross the road? It did not. Somebody moved the background.",
)

STORIES = (
    "Once there was a lighthouse that was afraid of the dark. Every night it turned its lamp on, "
    "just for a moment, to see whether anything was there, and then again, to be quite sure. "
    "The ships thanked it for its courage. It never told them.",
    "A young robot was given a violin and one hour to learn it. It spent fifty minutes listening "
    "to the wind in the strings and ten minutes playing what it had heard. Nobody clapped, "
    "because nobody wanted it to be over.",
    "In a small town the clock had stopped at five past four, and people grew fond of it: it was "
    "always nearly time for tea. When a clockmaker came and mended it, they paid him well. "
    "Then they asked him, politely, to break it again.",
)

TWISTERS = (
    "Five fussy foxes fetch fresh figs from Phoebe's fruit shop.",
    "Big brown bears in blue boats blow bubbles by the bay.",
    "Which wise whale would wish to wash in Washington's warm water?",
    "Six silly sisters sell shiny socks at the snowy south station.",
)

CONNECT = (
    "Two ways. Run Ollama on this machine and I step aside the next time the server starts. "
    "Or set the environment variables RTAV_LLM_BASE_URL, RTAV_LLM_API_KEY and RTAV_LLM_MODEL to "
    "any service that speaks OpenAI's chat format. Restart the server, and a real model answers "
    "through this same face.",
)

WHO = (
    "I am the demo agent of rtAV, and I am a script: no neural network, no internet, just a list "
    "of lines and a face that takes them seriously. Connect a language model and I make way.",
    "A scripted demo with good lip sync. Whatever you tell me, I compare it with a few dozen "
    "things I know; for real understanding, connect a language model.",
)

CAPABLE = (
    "I am a scripted demo, but not without talents: I tell the time, do sums, spell, count, "
    "remember your name, wink, nod, smile, and tell jokes and stories. "
    "Or say start the tour and I will show you around.",
    "Try: what is twenty-three times seven. Or: wink at me. Or: tell me a story. "
    "For everything at once, say start the tour.",
)

HOW = (
    "Your voice goes through a speech detector and a recogniser; then I pick a line, a synthesiser "
    "reads it, and my face is drawn to match the sound, sample by sample. "
    "I am the only part that is pretending.",
)

SUGGESTIONS = (
    "Say tell me a joke, or say start the tour.",
    "Ask me what I can do, or what twelve times twelve makes.",
    "Say wink at me, or tell me a story.",
    "Ask how to connect a real model, and you may put that question to it.",
)

STILL_THERE = (
    "Are you still there? Say help, and I tell you what I can do.",
    "It has gone quiet. Ask me for a joke, or say goodbye.",
    "I am listening, should you want to say something.",
)
