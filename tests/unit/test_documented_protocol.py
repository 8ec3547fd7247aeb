import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def docs():
    path = ROOT / "tools" / "docs_protocol.py"
    spec = importlib.util.spec_from_file_location("docs_protocol", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def noted(docs, monkeypatch, tmp_path):
    """Changes the notes of the documentation, for one test."""

    def change(before, after):
        notes = docs.NOTES.read_text(encoding="utf-8")
        assert before in notes
        changed = tmp_path / "notes.toml"
        changed.write_text(notes.replace(before, after), encoding="utf-8")
        monkeypatch.setattr(docs, "NOTES", changed)

    return change


def test_the_documented_protocol_is_what_the_code_says(docs):
    documented = (ROOT / "docs" / "protocol.md").read_text(encoding="utf-8")
    assert documented == docs.text(), "run: python3 dev.py docs"


@pytest.mark.parametrize(
    "note",
    [
        '"audio.output.speed" = "How',
        '"response.cancel.response_id" = "Absent',
        '"metadata" = "Comes back',
        '"rate_limits.updated" = "There',
        '"conversation.item.input_audio_transcription.delta.logprobs" = "no',
        '"status_details" = "null',
    ],
)
def test_a_field_that_nobody_explains_is_an_error(docs, noted, note):
    noted(note, "#" + note)
    with pytest.raises(AssertionError, match="says nothing of"):
        docs.text()


def test_a_note_about_no_field_is_an_error(docs, noted):
    noted("[session]\n", '[session]\n"volume" = "Loud"\n')
    with pytest.raises(AssertionError, match="there is no volume"):
        docs.text()


def test_every_event_of_openais_stands_in_the_table(docs):
    page = docs.text()
    for name in docs.MODELS:
        assert f"| `{name}` |" in page
