"""Turns phones, with the times a synthesiser gives them, into mouth shapes."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import pairwise

from rtav.engines.base import Viseme

Shapes = tuple[str, ...]
"""The visemes one phone passes through, in equal parts of its length."""

NEUTRAL: Shapes = ("E",)
"""For a phone nobody listed: a slightly open mouth is never conspicuous."""


@dataclass(frozen=True, slots=True)
class Phone:
    """One sound of a language. `start` and `end` are samples."""

    name: str
    start: int
    end: int


_CMU_GROUPS = {
    "sil": "pau",
    "PP": "p b m em",
    "FF": "f v",
    "TH": "th dh",
    "DD": "t d dx",
    "nn": "n l en el nx",
    "kk": "k g ng hh hv",
    "CH": "ch jh sh zh",
    "SS": "s z",
    "RR": "r er axr",
    "aa": "aa ae ah",
    "E": "eh ax",
    "I": "ih iy y ix",
    "O": "ao",
    "U": "uh uw w",
}
_CMU: dict[str, Shapes] = {
    phone: (shape,) for shape, phones in _CMU_GROUPS.items() for phone in phones.split()
} | {
    "aw": ("aa", "U"),
    "ay": ("aa", "I"),
    "ey": ("E", "I"),
    "ow": ("O", "U"),
    "oy": ("O", "I"),
}

_IPA_GROUPS = {
    "PP": "pbmɓʙ",
    "FF": "fvʋɱɸβⱱ",
    "TH": "θð",
    "DD": "tdʈɖɗɾ",
    "nn": "nlɳɲɭʎɫɬɮʟ",
    "kk": "kgɡŋqɢɴxɣχhɦʔħʕçcɟʝɠ",
    "CH": "ʃʒɕʑʂʐ",
    "SS": "sz",
    "RR": "rɹɻʀʁɽɚɝɜ",
    "aa": "aɑɒɐæʌɶ",
    "E": "eɛεəɘɞœøɵ",
    "I": "iɪɨjʲɯ",
    "O": "oɔɤ",
    "U": "uʊʉyʏwʍɥ",
}
_IPA = {sound: shape for shape, sounds in _IPA_GROUPS.items() for sound in sounds}
_AFFRICATES = {"tʃ": "ʃ", "dʒ": "ʒ", "tɕ": "ɕ", "dʑ": "ʑ", "tʂ": "ʂ", "dʐ": "ʐ", "ʦ": "ts"}


def cmu_shapes(phone: str) -> Shapes:
    """The shapes of a phone as flite names it (`hh`, `ax`, `ow`, `pau`)."""
    return _CMU.get(phone, NEUTRAL)


def ipa_shapes(phone: str) -> Shapes:
    """The shapes of a phone in IPA (`ˈaɪ`, `tʃ`, `iː`).

    Nothing, `_:` and espeak-ng's changes of language, such as `(en)`, are silence.
    """
    if not phone.strip("_:| ") or phone.startswith("("):
        return ("sil",)
    for affricate, fricative in _AFFRICATES.items():
        phone = phone.replace(affricate, fricative)
    # Decomposed, a nasal vowel is a vowel and a mark, and the mark is in no group.
    sounds = unicodedata.normalize("NFD", phone.replace("ç", "x"))
    shapes = tuple(_IPA[sound] for sound in sounds if sound in _IPA)
    return _without_repeats(shapes) or NEUTRAL


def visemes(
    phones: Iterable[Phone], shapes_of: Callable[[str], Shapes] = cmu_shapes
) -> tuple[Viseme, ...]:
    """One viseme per shape, equal neighbours merged, phones of no length left out."""
    track: list[Viseme] = []
    for phone in phones:
        for name, start, end in _parts(phone, shapes_of(phone.name)):
            if track and track[-1].name == name and track[-1].end == start:
                track[-1] = Viseme(name=name, start=track[-1].start, end=end)
            elif start < end:
                track.append(Viseme(name=name, start=start, end=end))
    return tuple(track)


def _parts(phone: Phone, shapes: Shapes) -> Iterable[tuple[str, int, int]]:
    length = phone.end - phone.start
    edges = [phone.start + length * part // len(shapes) for part in range(len(shapes) + 1)]
    return ((name, *edge) for name, edge in zip(shapes, pairwise(edges), strict=True))


def _without_repeats(shapes: Shapes) -> Shapes:
    return tuple(s for i, s in enumerate(shapes) if i == 0 or shapes[i - 1] != s)
