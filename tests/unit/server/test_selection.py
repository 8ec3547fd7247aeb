import asyncio

import pytest

from rtav.engines.llm.local import Found
from rtav.errors import ConfigError
from rtav.server import selection
from rtav.settings import Settings

LOCAL = Found(name="Ollama", base_url="http://127.0.0.1:11434/v1", model="qwen")


@pytest.fixture
def select(monkeypatch):
    """Selects for `settings` on a machine where `found` runs; returns it and the ports skipped."""

    def run(settings: Settings, *, found: Found | None = None):
        skipped = []

        async def find_local(*, skip_ports=()):
            skipped.append(set(skip_ports))
            return found

        monkeypatch.setattr(selection, "find_local", find_local)
        return asyncio.run(selection.select(settings, own_ports={8000})), skipped

    return run


def names(chosen) -> list[str]:
    return [engine.capabilities.name for _, engine in chosen.engines.in_order()]


def test_without_a_word_the_built_in_engines_serve(select):
    chosen, skipped = select(Settings())

    assert names(chosen)[:3] == ["silero", "pocketsphinx", "demo"]
    assert names(chosen)[3] in ("flite", "espeak")
    assert names(chosen)[4] == "portrait"
    assert chosen.llm_at is None
    assert skipped == [{8000}]


def test_a_model_on_this_machine_is_taken(select):
    chosen, _ = select(Settings(), found=LOCAL)

    assert names(chosen)[2] == "openai"
    assert chosen.llm_at == "http://127.0.0.1:11434/v1"


def test_a_named_model_is_not_looked_for(select):
    chosen, skipped = select(
        Settings(llm={"base_url": "https://llm.example/v1", "model": "m", "api_key": "k"}),
        found=LOCAL,
    )

    assert chosen.llm_at == "https://llm.example/v1"
    assert skipped == []


def test_looking_can_be_switched_off(select):
    chosen, skipped = select(Settings(llm={"discover": False}), found=LOCAL)

    assert names(chosen)[2] == "demo"
    assert skipped == []


def test_a_server_without_a_model_is_a_mistake_that_names_the_setting(select):
    with pytest.raises(ConfigError) as refused:
        select(Settings(llm={"base_url": "https://llm.example/v1"}))

    assert refused.value.setting == "llm.model"


def test_named_engines_and_their_options_are_taken(select):
    chosen, _ = select(Settings(tts={"engine": "espeak"}, llm={"engine": "demo"}))

    assert names(chosen)[2:4] == ["demo", "espeak"]
