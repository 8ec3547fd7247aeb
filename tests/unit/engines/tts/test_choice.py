import pytest

from rtav.engines.tts import choice, flite_worker
from rtav.engines.tts.choice import best_available
from rtav.engines.tts.worker import CannotLoad


def _missing(name: str) -> None:
    raise OSError(f"lib{name}.so.1: cannot open shared object file")


def test_flite_is_best_where_it_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choice, "open_library", lambda name: None)

    assert best_available() == "flite"


def test_espeak_speaks_where_flite_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choice, "open_library", _missing)

    assert best_available() == "espeak"


def test_a_missing_flite_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flite_worker, "open_library", _missing)

    with pytest.raises(CannotLoad, match="apt install flite"):
        flite_worker.Flite()
