"""Writes the table in docs/motions.md: every standard motion, from its file."""

from __future__ import annotations

import json
from pathlib import Path

ROOT = Path(__file__).parent.parent
TARGET = ROOT / "docs" / "motions.md"
MARKER = "<!-- written by tools/docs_motions.py from here on -->\n"


def text() -> str:
    """The whole file: the prose by hand above the marker, the table below it."""
    prose = TARGET.read_text(encoding="utf-8").partition(MARKER)[0]
    return prose + MARKER + table()


def table() -> str:
    rows = ["", "| motion | seconds | loop | what the face does |", "|---|---|---|---|"]
    for path in sorted((ROOT / "src" / "rtav" / "assets" / "driving").glob("*.json")):
        motion = json.loads(path.read_text(encoding="utf-8"))
        loop = "yes" if motion["loop"] else ""
        rows.append(
            f"| `{motion['name']}` | {motion['duration']:g} | {loop} | {motion['description']} |"
        )
    return "\n".join(rows) + "\n"


if __name__ == "__main__":
    TARGET.write_text(text(), encoding="utf-8")
