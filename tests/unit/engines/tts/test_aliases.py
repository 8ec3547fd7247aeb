import pytest

from rtav.engines.tts.aliases import resolve

VOICES = ("default", "alice", "anthony", "slt", "fr-fr")


@pytest.mark.parametrize(
    ("name", "voice"),
    [
        ("default", "default"),
        ("Alice", "alice"),
        (" slt ", "slt"),
        ("FR-FR", "fr-fr"),
        ("alloy", "alice"),
        ("ash", "anthony"),
        ("ballad", "anthony"),
        ("coral", "alice"),
        ("echo", "anthony"),
        ("fable", "anthony"),
        ("onyx", "anthony"),
        ("nova", "alice"),
        ("sage", "alice"),
        ("shimmer", "alice"),
        ("verse", "anthony"),
        ("marin", "alice"),
        ("cedar", "anthony"),
    ],
)
def test_known_names_resolve(name: str, voice: str) -> None:
    assert resolve(name, VOICES) == voice


@pytest.mark.parametrize("name", ["", "nobody", "alice2"])
def test_an_unknown_name_is_a_key_error(name: str) -> None:
    with pytest.raises(KeyError):
        resolve(name, VOICES)


def test_a_voice_called_like_an_alias_is_meant_itself() -> None:
    assert resolve("nova", ("nova", "alice")) == "nova"


def test_an_alias_of_a_voice_that_is_not_there_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        resolve("nova", ("kokoro",))
