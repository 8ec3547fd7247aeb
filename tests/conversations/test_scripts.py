"""Every script of this folder, played against the core."""

import json
from pathlib import Path

import pytest

from rtav.core.common import Policy
from rtav.core.dialect import Dialect
from rtav.testing.player import Player
from rtav.testing.script import play, signs_of

SCRIPTS = sorted((Path(__file__).parent / "scripts").glob("*.jsonl"))


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_a_conversation_goes_as_its_script_says(path: Path) -> None:
    lines = path.read_text().splitlines()
    setup = json.loads(lines[0]).get("setup", {})
    policy = setup.get("policy", {})
    if "default_dialect" in policy:
        policy["default_dialect"] = Dialect(policy["default_dialect"])
    player = Player(policy=Policy(**policy), signs=signs_of(setup.get("signs", {})))
    assert play([""] + lines[1:], player) == []
