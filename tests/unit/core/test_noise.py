import pytest

from rtav.core.noise import noise_level


@pytest.mark.parametrize(
    ("reduction", "level"),
    [
        (None, 0),
        ({"type": "near_field"}, 1),
        ({"type": "far_field"}, 2),
        ({"type": "near_field", "strength": None}, 1),
        ({"type": "far_field", "strength": 0}, 0),
        ({"type": "near_field", "strength": 0.5}, 2),
        ({"type": "far_field", "strength": 1.0}, 4),
    ],
)
def test_a_far_microphone_is_cleaned_more_and_a_strength_outranks_the_type(
    reduction, level
) -> None:
    assert noise_level(reduction) == level
