import pytest

from rtav.engines.base import VISEMES, Viseme
from rtav.engines.visemes import NEUTRAL, Phone, cmu_shapes, ipa_shapes, visemes

CMU_PHONES = (
    "aa ae ah ao aw ax axr ay b ch d dh dx eh el em en er ey f g hh hv ih iy jh k l m n ng nx ow "
    "oy p pau r s sh t th uh uw v w y z zh"
).split()


def test_every_phone_of_flite_has_a_shape_of_the_set() -> None:
    for phone in CMU_PHONES:
        assert set(cmu_shapes(phone)) <= set(VISEMES)


@pytest.mark.parametrize(
    ("phone", "shapes"),
    [
        ("pau", ("sil",)),
        ("b", ("PP",)),
        ("v", ("FF",)),
        ("dh", ("TH",)),
        ("l", ("nn",)),
        ("jh", ("CH",)),
        ("ow", ("O", "U")),
        ("ay", ("aa", "I")),
        ("no such phone", NEUTRAL),
    ],
)
def test_shapes_of_flites_phones(phone: str, shapes: tuple[str, ...]) -> None:
    assert cmu_shapes(phone) == shapes


@pytest.mark.parametrize(
    ("phone", "shapes"),
    [
        ("", ("sil",)),
        ("_:", ("sil",)),
        ("(en)", ("sil",)),
        ("p", ("PP",)),
        ("ˈaɪ", ("aa", "I")),
        ("iː", ("I",)),
        ("tʃ", ("CH",)),
        ("dʒ", ("CH",)),
        ("ts", ("DD", "SS")),
        ("ɔ̃", ("O",)),
        ("ç", ("kk",)),
        ("ɹ", ("RR",)),
        ("?", NEUTRAL),
    ],
)
def test_shapes_of_phones_in_ipa(phone: str, shapes: tuple[str, ...]) -> None:
    assert ipa_shapes(phone) == shapes


def test_equal_neighbours_are_one_viseme() -> None:
    track = visemes([Phone("t", 0, 100), Phone("d", 100, 150), Phone("m", 150, 300)])

    assert track == (Viseme(name="DD", start=0, end=150), Viseme(name="PP", start=150, end=300))


def test_equal_neighbours_with_a_gap_between_them_stay_two() -> None:
    track = visemes([Phone("t", 0, 100), Phone("d", 120, 150)])

    assert track == (Viseme(name="DD", start=0, end=100), Viseme(name="DD", start=120, end=150))


def test_a_diphthong_moves_from_one_shape_to_the_other_in_the_middle() -> None:
    assert visemes([Phone("aw", 10, 21)]) == (
        Viseme(name="aa", start=10, end=15),
        Viseme(name="U", start=15, end=21),
    )


def test_phones_without_a_length_are_left_out() -> None:
    assert visemes([Phone("t", 5, 5), Phone("m", 5, 9)]) == (Viseme(name="PP", start=5, end=9),)
