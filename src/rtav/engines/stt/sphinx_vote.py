"""PocketSphinx decoders: one for everything, and one beside it that expects certain sentences."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pocketsphinx import Decoder

_WORD_PRICE = 0.2  # of PocketSphinx's 0.65; 5.0 instead of 5.6 % of words wrong in four voices
RATE_HZ = 16_000  # the microphone's; not imported: numpy starts threads, and these do not fork


def load(*, second_pass: bool, language_model: str | None = None) -> Vote:
    """The English model of the pocketsphinx package; takes 0.3 s, and as long again for a second.

    `language_model` is the path of an ARPA file with what is likely to be said.
    """
    common = {"samprate": float(RATE_HZ), "loglevel": "FATAL"}
    decoders = [Decoder(fwdflat=second_pass, bestpath=second_pass, **common)]
    if language_model is not None:
        # So few words are found at once: a second pass corrects 1 % of them and takes 35 ms.
        # A word more is dearer than by default: "what can you do" became "what can you do you".
        decoders.append(
            Decoder(lm=language_model, fwdflat=False, bestpath=False, wip=_WORD_PRICE, **common)
        )
    return Vote(decoders)


class Vote:
    """Several decoders that hear the same; what the surest of them understood counts.

    The score of a hypothesis holds the likelihood of its sounds and of its words, so that it tells
    which decoder's expectations suit what was said.
    """

    def __init__(self, decoders: Sequence[Any]) -> None:  # Any: pocketsphinx has no types
        self._decoders = decoders

    def start(self) -> None:
        for decoder in self._decoders:
            decoder.start_utt()

    def hear(self, audio: bytes) -> None:
        for decoder in self._decoders:
            decoder.process_raw(audio)

    def end(self) -> None:
        for decoder in self._decoders:
            decoder.end_utt()

    def words(self) -> str:
        hypotheses = [decoder.hyp() for decoder in self._decoders]
        understood = [found for found in hypotheses if found is not None and found.hypstr]
        if not understood:
            return ""
        return str(max(understood, key=lambda found: found.score).hypstr)

    @property
    def mean(self) -> str:
        """The cepstral mean: how this voice sounds through this microphone."""
        return str(self._decoders[0].get_cmn())

    @mean.setter
    def mean(self, mean: str) -> None:
        for decoder in self._decoders:
            decoder.set_cmn(mean)

    def updated_mean(self) -> str:
        """The mean with what was heard of the running utterance."""
        return str(self._decoders[0].get_cmn(True))
