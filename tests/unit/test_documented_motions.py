import importlib.util
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_table_of_motions_is_what_their_files_say():
    spec = importlib.util.spec_from_file_location("m", ROOT / "tools" / "docs_motions.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    assert module.TARGET.read_text(encoding="utf-8") == module.text(), "run: python3 dev.py docs"
