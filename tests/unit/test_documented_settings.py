import importlib.util
import re
from pathlib import Path

from rtav.settings import Settings
from rtav.sources import load

ROOT = Path(__file__).parents[2]
DOCUMENTED = ROOT / "docs" / "rtav.toml"


def test_the_documented_file_is_what_the_settings_say():
    spec = importlib.util.spec_from_file_location("s", ROOT / "tools" / "docs_settings.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    assert DOCUMENTED.read_text(encoding="utf-8") == module.text(), "run: python3 dev.py docs"


def test_the_documented_file_is_valid_as_it_is_and_with_every_default_uncommented(
    monkeypatch, tmp_path
):
    monkeypatch.chdir(tmp_path)
    assert load(config=DOCUMENTED) == Settings()

    uncommented = re.sub(r"^# (\w+ = .+)$", r"\1", DOCUMENTED.read_text(), flags=re.MULTILINE)
    (tmp_path / "all.toml").write_text(uncommented)
    assert uncommented.count("\n# ") < DOCUMENTED.read_text().count("\n# ")
    assert load(config=tmp_path / "all.toml") == Settings()
