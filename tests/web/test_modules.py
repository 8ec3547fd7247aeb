"""The page's pure modules, run by Node."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

WEB = Path(__file__).parents[2] / "src" / "rtav" / "web"
TESTS = sorted((Path(__file__).parent / "modules").glob("*.test.js"))
NODE = Path(sys.executable).with_name("node")
"""Comes with the tools by pip."""


@pytest.fixture
def node_project(tmp_path: Path) -> Path:
    """The modules and their tests, where Node takes them for ES modules without a flag."""
    (tmp_path / "package.json").write_text('{"type": "module"}')
    shutil.copytree(WEB, tmp_path / "web")
    for test in TESTS:
        shutil.copy(test, tmp_path)
    return tmp_path


@pytest.mark.parametrize("test", TESTS, ids=lambda test: test.name.removesuffix(".test.js"))
def test_the_module_behaves(test: Path, node_project: Path) -> None:
    result = subprocess.run(
        [NODE, "--test", test.name], cwd=node_project, capture_output=True, text=True, timeout=60
    )
    assert result.returncode == 0, result.stdout + result.stderr


def test_the_page_asks_for_nothing_from_elsewhere() -> None:
    """No script, style, font or picture of another host; nothing inline either."""
    for file in WEB.iterdir():
        text = file.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
        addresses = [word for word in text.split() if "://" in word]
        assert addresses == [], file.name
    page = (WEB / "index.html").read_text(encoding="utf-8")
    assert "<style" not in page
    assert " style=" not in page
    assert page.count("<script") == page.count('<script type="module" src=')
