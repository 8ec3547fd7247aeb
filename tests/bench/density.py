"""How many callers one core carries: `python3 dev.py bench density [calls] [seconds] [listening]`.

The server and its processes are pinned to one core, the callers to the others. Those asked for
hear an avatar that speaks at least half of the time; `listening` callers, twice as many by
default, only listen to silence. "CPU" is the server's, with its processes, for all calls; "loop"
and "processes" are parts of what one call costs, render and encode are for a frame that was sent.
"others" is what else ran on the core meanwhile, which a shared machine cannot exclude: where it
is not small, late ticks, gaps and dropped frames are not the server's.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import statistics
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
import httpx
from _cpu import cpu_times
from _report import publish

from rtav.media.egress import TICK_S
from rtav.testing.crowd import QuietCaller
from rtav.testing.running import RunningServer, running_server

CALLS, SECONDS = 12, 20
MAX_CALLS, MAX_SECONDS = 64, 60
SETTLE_S = 3.0  # after the last call was answered: faces are loaded, first frames sent
TEXTS = (
    "The sea was calm that evening, and the lamps along the harbour went on one after another.",
    "Nobody knew.",
    "She put the letter back into the drawer, closed the window and went down to the garden.",
    "It rained for three days.",
)
PAUSE_SHARE = 0.6  # of what was just said: the avatar speaks for 60 % of the time


async def measure(
    server: RunningServer, core: int | None, *, calls: int, seconds: float, speaking: bool
) -> dict[str, Any]:
    callers = [QuietCaller(server.url, server.key) for _ in range(calls)]
    async with contextlib.AsyncExitStack() as ends, asyncio.TaskGroup() as tasks:
        for caller in callers:
            ends.push_async_callback(caller.close)
        running = [tasks.create_task(_microphones(callers))]
        for number, caller in enumerate(callers):
            await caller.connect()
            if speaking:
                running.append(tasks.create_task(_conversation(caller, number)))
        await asyncio.sleep(SETTLE_S)
        row = await _stretch(server, core, callers, seconds)
        for task in running:
            task.cancel()
    return row


async def _stretch(
    server: RunningServer, core: int | None, callers: list[QuietCaller], seconds: float
) -> dict[str, Any]:
    loop = asyncio.get_running_loop()
    pid, at = server.process.pid, core or 0
    counts, times, start = await _counts(server), cpu_times(pid, at), loop.time()
    await asyncio.sleep(seconds)
    spent, end = cpu_times(pid, at) - times, loop.time()
    counted = {name: value - counts[name] for name, value in (await _counts(server)).items()}
    received = [caller.received(start, end) for caller in callers]
    seconds, n = end - start, len(callers)
    percent, drawn = 100 / seconds / n, 1000 / max(1.0, counted["frames_sent"])
    return {
        "calls": n,
        "speaking %": 100 * statistics.mean(one.speaking for one in received),
        "CPU %": spent.total * percent * n,
        "a call %": round(spent.total * percent, 2),
        "loop %": round(spent.loop * percent, 2),
        "processes %": round(spent.others * percent, 2),
        "render ms": round(spent.render * drawn, 2),
        "encode ms": round(spent.encode * drawn, 2),
        "others %": (spent.core - spent.total) * percent * n if core is not None else None,
        "fps min": min(one.fps for one in received),
        "fps median": statistics.median(one.fps for one in received),
        "audio gap ms": max(one.longest_audio_gap_ms for one in received),
        "late ticks": f"{counted['ticks_late']:.0f}/{n * seconds / TICK_S:.0f}",
        "dropped": counted["frames_dropped"],
    }


async def _microphones(callers: list[QuietCaller]) -> None:
    loop = asyncio.get_running_loop()
    began, tick = loop.time(), 0
    while True:
        for caller in callers:
            caller.push(tick)
        tick += 1
        await asyncio.sleep(began + tick * TICK_S - loop.time())


async def _conversation(caller: QuietCaller, number: int) -> None:
    """Every caller at another place of the same talk."""
    while True:
        spoken_s = await caller.listen_to(TEXTS[number % len(TEXTS)])
        await asyncio.sleep(PAUSE_SHARE * spoken_s)
        number += 1


async def _counts(server: RunningServer) -> dict[str, float]:
    async with httpx.AsyncClient(trust_env=False) as http:
        text = (await http.get(f"{server.url}/metrics")).text
    return {
        name: sum(map(float, re.findall(rf"^rtav_{name}_total\S* (\S+)$", text, re.MULTILINE)))
        for name in ("ticks_late", "frames_dropped", "frames_sent")
    }


def main(calls: int, seconds: float, listening: int) -> None:
    usable = sorted(os.sched_getaffinity(0)) if sys.platform == "linux" else []
    core = usable[0] if len(usable) > 1 else None
    if core is None:
        print("not pinned: that needs Linux and two cores")
    else:
        os.sched_setaffinity(0, usable[1:])
    rows = {}
    for name, count in (("speaking", calls), ("listening", listening)):
        with running_server(
            environment={"RTAV_LIMITS_MAX_CALLS": str(count)},
            cores=None if core is None else [core],
        ) as server:
            rows[name] = asyncio.run(
                measure(server, core, calls=count, seconds=seconds, speaking=name == "speaking")
            )
    publish("density", rows, unit="CPU: percent of a core, ms a frame")


if __name__ == "__main__":
    numbers = [float(word) for word in sys.argv[1:4]]
    asked = min(MAX_CALLS // 2, int(numbers[0])) if numbers else CALLS
    main(
        asked,
        min(MAX_SECONDS, numbers[1]) if len(numbers) > 1 else SECONDS,
        min(MAX_CALLS, int(numbers[2])) if len(numbers) > 2 else 2 * asked,
    )
