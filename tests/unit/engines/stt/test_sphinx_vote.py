from dataclasses import dataclass, field

from rtav.engines.stt.sphinx_vote import Vote


@dataclass
class _Hypothesis:
    hypstr: str
    score: int


@dataclass
class _Decoder:
    """Understands what it is told to; notes what it was asked."""

    understood: _Hypothesis | None
    mean: str = "40"
    asked: list[object] = field(default_factory=list)

    def hyp(self) -> _Hypothesis | None:
        return self.understood

    def set_cmn(self, mean: str) -> None:
        self.mean = mean

    def get_cmn(self, update: bool = False) -> str:
        return f"{self.mean} updated" if update else self.mean

    def start_utt(self) -> None:
        self.asked.append("start")

    def process_raw(self, audio: bytes) -> None:
        self.asked.append(audio)

    def end_utt(self) -> None:
        self.asked.append("end")


def test_the_surest_decoder_is_believed() -> None:
    general = _Decoder(_Hypothesis("tell me a jug", -5_000))
    domain = _Decoder(_Hypothesis("tell me a joke", -4_000))

    assert Vote([general, domain]).words() == "tell me a joke"
    assert Vote([domain, general]).words() == "tell me a joke"


def test_a_decoder_that_understood_nothing_has_no_vote() -> None:
    deaf, silent = _Decoder(None), _Decoder(_Hypothesis("", -1))

    assert Vote([deaf, silent]).words() == ""
    assert Vote([deaf, silent, _Decoder(_Hypothesis("yes", -9_000))]).words() == "yes"


def test_all_decoders_hear_the_same() -> None:
    decoders = [_Decoder(None), _Decoder(None)]
    vote = Vote(decoders)

    vote.start()
    vote.hear(b"audio")
    vote.end()

    assert [decoder.asked for decoder in decoders] == [["start", b"audio", "end"]] * 2


def test_all_decoders_know_the_voice_as_the_first_one_does() -> None:
    first, second = _Decoder(None), _Decoder(None, mean="0")
    vote = Vote([first, second])

    vote.mean = vote.updated_mean()

    assert (first.mean, second.mean) == ("40 updated", "40 updated")
