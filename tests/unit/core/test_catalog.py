import pytest

from rtav.core.catalog import Catalog, Own
from rtav.errors import ProtocolError

CATALOG = Catalog.of(
    faces=["face1", "face2"],
    voices=["alice", "anthony"],
    motions=["idle", "Wink"],
    aliases={"alloy": "anthony"},
)


def test_default_is_a_name_of_every_kind() -> None:
    assert CATALOG.faces.resolve("default", param="session.face") == "face1"
    assert CATALOG.voices.resolve("default", param="session.voice") == "alice"
    assert CATALOG.motions.resolve("default", param="session.driving") == "idle"


def test_an_asset_that_is_called_default_is_the_default() -> None:
    catalog = Catalog.of(faces=["a", "default"], voices=["a"], motions=["idle", "default"])
    assert catalog.faces.resolve("default", param="session.face") == "default"
    assert catalog.motions.resolve("default", param="session.driving") == "default"


def test_names_match_exactly_first_and_then_in_any_case() -> None:
    catalog = Catalog.of(faces=["a"], voices=["a"], motions=["wink", "Wink"])
    assert catalog.motions.find("Wink") == "Wink"
    assert catalog.motions.find("WINK") == "wink"
    assert catalog.motions.find("nod") is None


def test_an_alias_is_a_name_of_a_voice() -> None:
    assert CATALOG.voices.resolve("alloy", param="session.voice") == "anthony"


def test_an_unknown_name_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ProtocolError) as refused:
        CATALOG.faces.resolve("nobody", param="session.face")
    assert refused.value.code == "face_not_found"
    assert refused.value.param == "session.face"
    assert "default, face1, face2" in refused.value.message


def test_what_an_owner_has_is_named_beside_the_standard_assets() -> None:
    own = Own(faces=("face_1",), voices=("voice_1",), motions=("driving_1",))
    catalog = CATALOG.joined(own)
    assert catalog.faces.resolve("face_1", param="session.face") == "face_1"
    assert catalog.voices.resolve("voice_1", param="session.voice") == "voice_1"
    assert catalog.motions.resolve("driving_1", param="session.driving") == "driving_1"
    assert catalog.faces.resolve("default", param="session.face") == "face1"
    assert catalog.voices.resolve("alloy", param="session.voice") == "anthony"


def test_what_an_owner_has_is_nobody_elses() -> None:
    CATALOG.joined(Own(faces=("face_1",)))
    assert CATALOG.faces.find("face_1") is None
    assert CATALOG.joined(Own(faces=("face_2",))).faces.find("face_1") is None


def test_faces_without_an_outline_are_known_and_those_of_an_owner_join_them() -> None:
    catalog = Catalog.of(faces=["a", "b"], voices=["v"], motions=["m"], pictures=["b"])

    joined = catalog.joined(Own(faces=("face_1", "face_2"), pictures=("face_2",)))

    assert catalog.pictures == {"b"}
    assert joined.pictures == {"b", "face_2"}
    assert joined.backgrounds.find("background_1") is None
