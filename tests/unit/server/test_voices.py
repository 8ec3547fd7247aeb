from rtav.engines.base import Voice
from rtav.server.voices import aliases

WOMAN = Voice(id="slt", name="Slt", gender="female")
MAN = Voice(id="rms", name="Rms", gender="male")
SECOND_WOMAN = Voice(id="clb", name="Clb", gender="female")


def test_a_familiar_name_means_a_voice_of_its_gender():
    names = aliases([MAN, WOMAN])

    assert names["alice"] == names["marin"] == "slt"
    assert names["anthony"] == names["cedar"] == "rms"
    assert {"alloy", "ash", "ballad", "coral", "echo", "fable", "onyx"} <= set(names)


def test_different_names_sound_different_where_they_can():
    names = aliases([WOMAN, SECOND_WOMAN])

    assert {names["alice"], names["marin"]} == {"slt", "clb"}


def test_one_voice_answers_to_every_name():
    assert set(aliases([MAN]).values()) == {"rms"}


def test_a_voices_own_name_is_not_an_alias():
    assert "alloy" not in aliases([Voice(id="alloy", name="Alloy")])
