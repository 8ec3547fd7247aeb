"""A process that speaks with the system's flite, through its library.

The library rather than the program: it is loaded once, it hands out the sound while it is being
made, and it knows which sound belongs to which word of the text.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator, Mapping
from typing import ClassVar

from rtav.engines.tts.wire import Request, Times
from rtav.engines.tts.worker import CannotLoad, Conversation, Say, serve

RATE_HZ = 16_000
VOICES = ("slt", "rms", "awb", "kal16")
REMEDY = "flite is not installed: apt install flite"

_FIRST_BLOCK_SAMPLES = 1024  # 64 ms, then doubling: early at first, then few large writes
_LARGEST_BLOCK_SAMPLES = 16384
_GO_ON, _STOP = 0, -1  # CST_AUDIO_STREAM_CONT and _STOP
_TOKEN = b"R:SylStructure.parent.parent.R:Token.parent"

_Pointer = ctypes.c_void_p


class _Wave(ctypes.Structure):
    _fields_: ClassVar = [
        ("type", ctypes.c_char_p),
        ("rate_hz", ctypes.c_int),
        ("length", ctypes.c_int),
        ("channels", ctypes.c_int),
        ("samples", ctypes.POINTER(ctypes.c_short)),
    ]


class _Voice(ctypes.Structure):
    _fields_: ClassVar = [("name", ctypes.c_char_p), ("features", _Pointer)]


class _Streaming(ctypes.Structure):
    pass


_OnAudio = ctypes.CFUNCTYPE(
    ctypes.c_int,
    ctypes.POINTER(_Wave),
    ctypes.c_int,
    ctypes.c_int,
    ctypes.c_int,
    ctypes.POINTER(_Streaming),
)
_Streaming._fields_ = [
    ("least_samples", ctypes.c_int),
    ("on_audio", _OnAudio),
    ("utterance", _Pointer),
    ("item", _Pointer),
    ("user_data", _Pointer),
]

_SIGNATURES: dict[str, tuple[object, ...]] = {
    # name: (result, arguments...)
    "flite_synth_text": (_Pointer, ctypes.c_char_p, _Pointer),
    "delete_utterance": (None, _Pointer),
    "utt_wave": (ctypes.POINTER(_Wave), _Pointer),
    "utt_relation": (_Pointer, _Pointer, ctypes.c_char_p),
    "relation_head": (_Pointer, _Pointer),
    "item_next": (_Pointer, _Pointer),
    "path_to_item": (_Pointer, _Pointer, ctypes.c_char_p),
    "flite_ffeature_string": (ctypes.c_char_p, _Pointer, ctypes.c_char_p),
    "flite_ffeature_float": (ctypes.c_float, _Pointer, ctypes.c_char_p),
    "new_audio_streaming_info": (ctypes.POINTER(_Streaming),),
    "audio_streaming_info_val": (_Pointer, ctypes.POINTER(_Streaming)),
    "feat_set": (None, _Pointer, ctypes.c_char_p, _Pointer),
    "feat_set_float": (None, _Pointer, ctypes.c_char_p, ctypes.c_float),
}


def open_library(name: str) -> ctypes.CDLL:
    """Load one of flite's libraries. Raises OSError if it is not installed."""
    return ctypes.CDLL(f"lib{name}.so.1", mode=ctypes.RTLD_GLOBAL)


class Flite:
    """The library and its voices. One per process: its voices hold state."""

    def __init__(self) -> None:
        try:
            self._library = open_library("flite")
            open_library("flite_usenglish")
            open_library("flite_cmulex")
            voices = {name: open_library(f"flite_cmu_us_{name}") for name in VOICES}
        except OSError as error:
            raise CannotLoad(REMEDY) from error
        for name, (result, *arguments) in _SIGNATURES.items():
            function = getattr(self._library, name)
            function.restype, function.argtypes = result, arguments
        self._library.flite_init()
        self._on_audio = _OnAudio(self._take)
        self._voices = {name: self._register(name, library) for name, library in voices.items()}

    def say(self, request: Request, owner: Conversation) -> None:
        """Send the times, then the sound as it is made; stop when the owner gives up."""
        self._owner, self._text = owner, request["text"]
        self._block, self._block_samples = bytearray(), _FIRST_BLOCK_SAMPLES
        self._has_times = False
        voice = self._voices[request["voice"]]
        self._library.feat_set_float(
            voice.contents.features, b"duration_stretch", 1 / request["speed"]
        )
        utterance = self._library.flite_synth_text(self._text.encode("ascii"), voice)
        if not utterance:
            raise ValueError("flite could not say a sentence")
        self._library.delete_utterance(utterance)
        if self._block:
            owner.send_audio(bytes(self._block))

    def _register(self, name: str, library: ctypes.CDLL) -> ctypes._Pointer[_Voice]:
        register = getattr(library, f"register_cmu_us_{name}")
        register.restype, register.argtypes = ctypes.POINTER(_Voice), [ctypes.c_char_p]
        voice: ctypes._Pointer[_Voice] = register(None)
        streaming = self._library.new_audio_streaming_info()
        streaming.contents.least_samples = _FIRST_BLOCK_SAMPLES
        streaming.contents.on_audio = self._on_audio
        self._library.feat_set(
            voice.contents.features,
            b"streaming_info",
            self._library.audio_streaming_info_val(streaming),
        )
        return voice

    def _take(
        self,
        wave: ctypes._Pointer[_Wave],
        start: int,
        length: int,
        _is_last: int,
        streaming: ctypes._Pointer[_Streaming],
    ) -> int:
        if not self._has_times:
            self._owner.send_times(self._times(streaming.contents.utterance))
            self._has_times = True
        self._block += _samples(wave.contents, start, length)
        if len(self._block) >= 2 * self._block_samples:
            self._owner.send_audio(bytes(self._block))
            self._block.clear()
            self._block_samples = min(2 * self._block_samples, _LARGEST_BLOCK_SAMPLES)
        return _STOP if self._owner.is_given_up() else _GO_ON

    def _times(self, utterance: int) -> Times:
        times = Times(phones=[], tokens=[])
        searched, last_token, start = 0, None, 0
        for name, end_s, token in self._segments(utterance):
            end = round(end_s * RATE_HZ)
            times["phones"].append((name, start, end))
            if token and token == last_token:
                times["tokens"][-1] = (*times["tokens"][-1][:2], end)
            elif token:
                spelling = self._library.flite_ffeature_string(token, b"name").decode("ascii")
                found = self._text.find(spelling, searched)
                searched = found + len(spelling) if found >= 0 else searched
                times["tokens"].append((max(found, searched - 1), start, end))
            last_token, start = token or last_token, end
        return times

    def _segments(self, utterance: int) -> Iterator[tuple[str, float, int | None]]:
        """The phones in order: name, end in seconds, and the token it was read from."""
        library = self._library
        segment = library.relation_head(library.utt_relation(utterance, b"Segment"))
        while segment:
            name = library.flite_ffeature_string(segment, b"name").decode("ascii")
            end_s = library.flite_ffeature_float(segment, b"end")
            yield name, end_s, library.path_to_item(segment, _TOKEN)
            segment = library.item_next(segment)


def _samples(wave: _Wave, start: int, length: int) -> bytes:
    address = ctypes.addressof(wave.samples.contents) + 2 * start
    return ctypes.string_at(address, 2 * length)


def _load() -> tuple[Say, Mapping[str, object]]:
    return Flite().say, {"voices": VOICES}


if __name__ == "__main__":
    serve(_load)
