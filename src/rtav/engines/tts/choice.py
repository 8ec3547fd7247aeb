"""Which of the built-in synthesisers this machine has."""

from __future__ import annotations

from rtav.engines.tts.flite_worker import open_library


def best_available() -> str:
    """The name of the best built-in synthesiser that is installed: `flite`, else `espeak`."""
    try:
        open_library("flite")
    except OSError:
        return "espeak"
    return "flite"
