import importlib.util
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_documented_protocol_is_what_the_code_says():
    path = ROOT / "tools" / "docs_protocol.py"
    spec = importlib.util.spec_from_file_location("docs_protocol", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    documented = (ROOT / "docs" / "protocol.md").read_text(encoding="utf-8")
    assert documented == module.text(), "run: python3 dev.py docs"
