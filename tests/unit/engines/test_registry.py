from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from rtav.engines import registry
from rtav.errors import ConfigError, EngineUnavailable

MODULE = """
class Loud:
    def __init__(self, *, volume=1):
        self.volume = volume

class Demanding:
    def __init__(self, *, url):
        self.url = url

class Lenient:
    def __init__(self, **options):
        self.options = options
"""

ENTRY_POINTS = """
[rtav.tts]
loud = shouting.engine:Loud
demanding = shouting.engine:Demanding
lenient = shouting.engine:Lenient
missing = shouting.engine:Nowhere
kokoro = shouting.needs_kokoro:Kokoro
broken = shouting.broken:Broken
whisperer = shouting.needs_whisper:Whisperer
lost = shouting.lost:Lost
"""


def _install(site: Path, *, package: str, entry_points: str, extras: str = "") -> None:
    folder = site / f"{package}-1.0.dist-info"
    folder.mkdir(parents=True)
    metadata = f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n{extras}"
    (folder / "METADATA").write_text(metadata)
    (folder / "entry_points.txt").write_text(entry_points)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of installed packages with engines of all kinds of quality in them."""
    code = tmp_path / "shouting"
    code.mkdir()
    (code / "__init__.py").touch()
    (code / "engine.py").write_text(MODULE)
    (code / "needs_kokoro.py").write_text("import kokoro_that_is_not_there")
    (code / "needs_whisper.py").write_text("import whisper_that_is_not_there")
    (code / "broken.py").write_text("raise ImportError('libshout.so.7: cannot open')")
    _install(
        tmp_path, package="shouting", entry_points=ENTRY_POINTS, extras="Provides-Extra: kokoro\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    for module in [name for name in sys.modules if name.startswith("shouting")]:
        del sys.modules[module]


def test_the_engines_of_a_kind_are_listed_by_name() -> None:
    assert {"demo", "openai"} <= set(registry.names("llm"))
    assert "demo" not in registry.names("tts")


def test_listing_imports_nothing(site: Path) -> None:
    assert "loud" in registry.names("tts")
    assert "shouting.engine" not in sys.modules


def test_only_the_chosen_engine_is_imported(site: Path) -> None:
    registry.load("tts", "loud", {})
    imported = {name for name in sys.modules if name.startswith("shouting")}
    assert imported == {"shouting", "shouting.engine"}


def test_options_reach_the_engine(site: Path) -> None:
    engine = registry.load("tts", "loud", {"volume": 11})
    assert engine.volume == 11  # type: ignore[attr-defined]


def test_an_unknown_name_is_answered_with_the_known_ones(site: Path) -> None:
    with pytest.raises(ConfigError, match=r"no engine is called 'quiet'; there are: .*loud") as e:
        registry.load("tts", "quiet", {})
    assert e.value.setting == "tts.engine"


def test_a_name_claimed_twice_is_refused_and_both_packages_are_named(site: Path) -> None:
    rival = "[rtav.tts]\nloud = rival:Loud\n"
    _install(site, package="rival", entry_points=rival)
    with pytest.raises(ConfigError, match=r"rival \(rival:Loud\) and shouting .*uninstall") as e:
        registry.load("tts", "loud", {})
    assert e.value.setting == "tts.engine"


def test_an_unknown_option_is_named_with_the_known_ones(site: Path) -> None:
    with pytest.raises(ConfigError, match="has no such option; it has: volume") as e:
        registry.load("tts", "loud", {"loudness": 3})
    assert e.value.setting == "tts.loudness"


def test_a_missing_option_is_named(site: Path) -> None:
    with pytest.raises(ConfigError, match="needs this option") as e:
        registry.load("tts", "demanding", {})
    assert e.value.setting == "tts.url"


def test_an_engine_that_takes_any_option_checks_them_itself(site: Path) -> None:
    engine = registry.load("tts", "lenient", {"anything": 1})
    assert engine.options == {"anything": 1}  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("kokoro", r"tts\.engine: needs .*; run: pip install 'shouting\[kokoro\]'"),
        ("whisperer", "needs the module 'whisper_that_is_not_there'; install what shouting says"),
        ("lost", "its package shouting is incomplete, reinstall it"),
        ("broken", r"shouting cannot be imported \(libshout.so.7: cannot open\)"),
        ("missing", "cannot be imported .*Nowhere"),
    ],
)
def test_an_engine_that_cannot_be_imported_says_what_to_do(
    site: Path, name: str, remedy: str
) -> None:
    with pytest.raises(EngineUnavailable, match=remedy):
        registry.load("tts", name, {})
