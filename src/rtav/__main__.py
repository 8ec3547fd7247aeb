"""`python -m rtav` is the `rtav` command."""

from __future__ import annotations

from rtav.cli import app

app(prog_name="rtav")
