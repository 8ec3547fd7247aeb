"""A process that speaks with espeak-ng, through the library that `espeakng-loader` brings.

A process of its own because the library can speak one sentence at a time and holds its voice
globally, and because it is under the GPL.
"""

from __future__ import annotations

import ctypes
from array import array
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import ClassVar

from rtav.engines.tts.wire import Request, Times
from rtav.engines.tts.worker import CannotLoad, Conversation, Say, serve

RATE_HZ = 22_050
REMEDY = "espeak-ng is not installed: pip install espeakng-loader"

_SYNCHRONOUS = 2  # AUDIO_OUTPUT_SYNCHRONOUS; the asynchronous mode returns before any sound
_BUFFER_MS = 200
_OPTIONS = 0x0001 | 0x0002 | 0x8000  # phoneme events, named in IPA; never exit the process
_UTF8_END_PAUSE = 0x0001 | 0x1000
_RATE = 1  # espeakRATE
_WORDS_PER_MINUTE, _SLOWEST, _FASTEST = 175, 80, 450
_END, _WORD, _PHONEME = 0, 1, 7  # espeak_EVENT_TYPE
_GO_ON, _STOP = 0, 1
_STOPS = frozenset("pbtdkgcɟqɢʈɖʔ")
_CLOSURE_S = 0.08  # the longest one, at the slowest pace
_SILENT = 400  # int16: the loudest sample of a closure; +f3 has an echo
_BLOCK = 44  # 2 ms
_MUTE = frozenset({"fo", "kaa", "xex"})  # listed by espeakng-loader 0.2.4 without a dictionary


class _EventId(ctypes.Union):
    _fields_: ClassVar = [
        ("number", ctypes.c_int),
        ("name", ctypes.c_char_p),
        ("string", ctypes.c_char * 8),
    ]


class _Event(ctypes.Structure):
    _fields_: ClassVar = [
        ("type", ctypes.c_int),
        ("message", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("text_length", ctypes.c_int),
        ("position_ms", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _EventId),
    ]


class _Voice(ctypes.Structure):
    _fields_: ClassVar = [
        ("name", ctypes.c_char_p),
        ("languages", ctypes.c_char_p),
        ("identifier", ctypes.c_char_p),
        ("gender", ctypes.c_ubyte),
        ("age", ctypes.c_ubyte),
        ("variant", ctypes.c_ubyte),
        ("unused", ctypes.c_ubyte),
        ("score", ctypes.c_int),
        ("spare", ctypes.c_void_p),
    ]


_OnSound = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event)
)


class Espeak:
    """The library. One per process: it is global."""

    def __init__(self) -> None:
        try:
            import espeakng_loader  # missing is an answer here, not a crash

            self._library = ctypes.CDLL(espeakng_loader.get_library_path())
            data_path = espeakng_loader.get_data_path().encode()
        except (ImportError, OSError) as error:
            raise CannotLoad(REMEDY) from error
        rate_hz = self._library.espeak_Initialize(_SYNCHRONOUS, _BUFFER_MS, data_path, _OPTIONS)
        if rate_hz != RATE_HZ:
            raise CannotLoad(f"espeak-ng did not load its data. {REMEDY}")
        self._on_sound = _OnSound(self._take)
        self._library.espeak_SetSynthCallback(self._on_sound)

    def languages(self) -> Iterator[tuple[str, str, str]]:
        """What can be spoken: a language's tag, its name in English, and the voice that has it."""
        self._library.espeak_ListVoices.restype = ctypes.POINTER(ctypes.POINTER(_Voice))
        voices = self._library.espeak_ListVoices(None)
        at = 0
        while voices[at]:
            voice = voices[at].contents
            tag = voice.languages[1:].decode()  # behind a byte of priority
            if tag not in _MUTE:
                yield tag, voice.name.decode(), voice.identifier.decode()
            at += 1

    def say(self, request: Request, owner: Conversation) -> None:
        """Send the times, then the sound, once the sentence is made; stop if it is given up."""
        if self._library.espeak_SetVoiceByName(request["voice"].encode()):
            raise ValueError(f"espeak-ng has no voice {request['voice']}")
        pace = round(_WORDS_PER_MINUTE * request["speed"])
        self._library.espeak_SetParameter(_RATE, min(max(pace, _SLOWEST), _FASTEST), 0)
        self._owner = owner
        self._pcm = bytearray()
        self._phones: list[tuple[str, int]] = []
        self._words: list[tuple[int, int]] = []
        self._is_given_up = False
        text = request["text"].encode()
        self._library.espeak_Synth(text, len(text) + 1, 0, 1, 0, _UTF8_END_PAUSE, None, None)
        if not self._is_given_up:
            owner.send_times(self._times(len(self._pcm) // 2))
            owner.send_audio(bytes(self._pcm))

    def _take(
        self,
        samples: ctypes._Pointer[ctypes.c_short],
        length: int,
        events: ctypes._Pointer[_Event],
    ) -> int:
        if samples and length > 0:
            self._pcm += ctypes.string_at(samples, 2 * length)
        at = 0
        while (event := events[at]).type != _END:
            if event.type == _WORD:
                self._words.append((event.text_position - 1, event.sample))
            elif event.type == _PHONEME:
                name = event.id.string.decode("utf-8", "ignore")  # cut off after eight bytes
                self._phones.append((name, event.sample))
            at += 1
        self._is_given_up = self._is_given_up or self._owner.is_given_up()
        return _STOP if self._is_given_up else _GO_ON

    def _times(self, length: int) -> Times:
        """Phones last until the next one; words until their last sound before the next word."""
        phones = [
            (name, start, end)
            for (name, start), (_, end) in pairwise([*self._phones, ("", length)])
        ]
        closed = with_closures(phones, array("h", self._pcm))
        sounds = [(start, end) for name, start, end in phones if name]
        words = self._words
        if sounds and (not words or sounds[0][0] < words[0][1]):
            # Some abbreviations are spelt out without an event that says where they stand.
            words = [(0, sounds[0][0]), *words]
        tokens = []
        for (offset, start), (_, limit) in pairwise([*words, (0, length)]):
            end = max((end for begin, end in sounds if start <= begin < limit), default=start)
            tokens.append((offset, start, min(end, limit)))
        return Times(phones=closed, tokens=tokens)


def with_closures(
    phones: Sequence[tuple[str, int, int]], pcm: Sequence[int]
) -> list[tuple[str, int, int]]:
    """Let stops begin where their closure does: the silence before the burst, which is where
    espeak-ng says that they begin, some 40 ms after lips that make a p have met."""
    told = list(phones)
    for at in range(1, len(told)):
        name, start, end = told[at]
        before, begin, _ = told[at - 1]
        if before and name.lstrip("ˈˌ")[:1] in _STOPS:
            closes = _silent_since(
                pcm, start, limit=max(begin, start - round(_CLOSURE_S * RATE_HZ))
            )
            told[at - 1], told[at] = (before, begin, closes), (name, closes, end)
    return told


def _silent_since(pcm: Sequence[int], end: int, *, limit: int) -> int:
    """Where the silence begins that ends at `end`, or in the block of the burst before it."""
    at = end
    burst = end - 2 * _BLOCK
    while at - _BLOCK >= limit:
        block = pcm[at - _BLOCK : at]
        if max(map(abs, block)) > _SILENT and at <= burst:
            break
        at -= _BLOCK
    return at if at < burst else end


def _load() -> tuple[Say, Mapping[str, object]]:
    espeak = Espeak()
    return espeak.say, {"languages": list(espeak.languages())}


if __name__ == "__main__":
    serve(_load)
