"""How the parts of a call start what takes time: as tasks of the call, which end with it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

Start = Callable[[Coroutine[Any, Any, None], str], asyncio.Task[None]]
"""Starts a task of the call, by its name."""
