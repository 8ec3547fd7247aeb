import pytest

from rtav.protocol.server import ServerEvent
from rtav.runtime.used import Meter, Used

USAGE = {"input_tokens": 10, "output_tokens": 3, "total_tokens": 13}


def done(usage: dict | None) -> ServerEvent:
    return ServerEvent(
        type="response.done", fields={"response": {"usage": usage}}, event_id="event_1"
    )


@pytest.mark.parametrize(
    ("played", "seconds"),
    [
        ([], 0.0),
        ([(1, 480), (1, 24_000)], 1.0),
        ([(1, 24_000), (2, 480), (2, 12_000)], 1.5),
        ([(1, 24_000), (1, 23_880), (1, 24_000)], 1.005),
    ],
)
def test_speech_is_counted_once_over_all_turns(played, seconds):
    meter = Meter()
    for turn, upto in played:
        meter.played(turn, upto)

    assert meter.read(heard_s=0, shown_s=0).spoken_s == seconds


def test_tokens_of_all_responses_are_added():
    meter = Meter()
    for usage in (USAGE, None, USAGE):
        meter.sent(done(usage))

    used = meter.read(heard_s=1.23456, shown_s=2)
    assert used == Used(heard_s=1.235, shown_s=2, input_tokens=20, output_tokens=6)


def test_a_model_that_does_not_count_has_no_tokens():
    meter = Meter()
    meter.sent(done({"input_tokens": 0, "output_tokens": 0}))

    used = meter.read(heard_s=0, shown_s=0)
    assert (used.input_tokens, used.output_tokens) == (None, None)
