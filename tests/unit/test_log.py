"""What a log line may never hold."""

import logging

import pytest

from rtav import log


@pytest.mark.parametrize("json", [False, True])
def test_a_traceback_shows_no_local_variables(
    json: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    try:
        log.configure(json=json)
        what_the_caller_said = "my card number is four two four two"
        try:
            raise ValueError(f"{len(what_the_caller_said)} characters")
        except ValueError:
            logging.getLogger("rtav.test").exception("the call failed")
    finally:
        root.handlers[:], root.level = handlers, level
    printed = capsys.readouterr().err
    assert "35 characters" in printed
    assert "four two" not in printed


def test_a_line_names_the_call_it_is_about(capsys: pytest.CaptureFixture[str]) -> None:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    token = log.call_id.set("rtc_1")
    try:
        log.configure(json=True)
        logging.getLogger("rtav.test").info("connected")
    finally:
        log.call_id.reset(token)
        root.handlers[:], root.level = handlers, level
    assert '"call": "rtc_1"' in capsys.readouterr().err
