"""What a voice costs and how soon it is heard: `python tests/bench/voices.py [rounds]`.

First audio is counted from the call of `speak` to the first stretch of sound; CPU is that of the
voice's processes and of this one. Prints a table.
"""

from __future__ import annotations

import asyncio
import os
import platform
import statistics
import sys
import time
from pathlib import Path

from rtav.engines.base import TtsEngine
from rtav.engines.tts.choice import best_available
from rtav.engines.tts.espeak import EspeakTts
from rtav.engines.tts.flite import FliteTts

TEXTS = {
    "word": "Sure.",
    "clause": "I can certainly help you with that today,",
    "sentence": "The house on the hill behind the river belongs to the family of the baker, "
    "who left it years ago.",
}
TICKS_PER_S = os.sysconf("SC_CLK_TCK")


async def main(rounds: int) -> None:
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} CPUs, {rounds} rounds")
    print(f"load {os.getloadavg()[0]:.1f}")
    print("engine  voice    text      seconds  first ms p50  p95   all ms p50   CPU ms   CPU/s")
    engines: list[TtsEngine] = [EspeakTts()]
    if best_available() == "flite":
        engines.insert(0, FliteTts())
    for engine in engines:
        began = time.perf_counter()
        await engine.start()
        print(f"{engine.capabilities.name} starts in {1e3 * (time.perf_counter() - began):.0f} ms")
        for voice in ("alice", "anthony"):
            for name, text in TEXTS.items():
                await _measure(engine, voice, name, text, rounds)
        await engine.close()


async def _measure(engine: TtsEngine, voice: str, name: str, text: str, rounds: int) -> None:
    firsts, alls = [], []
    await _say(engine, voice, text)
    cpu = _cpu_s()
    for _ in range(rounds):
        first, all_of_it, duration_s = await _say(engine, voice, text)
        firsts.append(1e3 * first)
        alls.append(1e3 * all_of_it)
    cpu = (_cpu_s() - cpu) / rounds
    print(
        f"{engine.capabilities.name:7} {voice:8} {name:9} {duration_s:6.2f}  "
        f"{statistics.median(firsts):11.1f} {statistics.quantiles(firsts, n=20)[-1]:6.1f} "
        f"{statistics.median(alls):9.1f} {1e3 * cpu:11.1f} {cpu / duration_s:9.4f}"
    )


async def _say(engine: TtsEngine, voice: str, text: str) -> tuple[float, float, float]:
    began, first, samples = time.perf_counter(), 0.0, 0
    async for speech in engine.speak(text, voice=voice):
        first = first or time.perf_counter() - began
        samples += len(speech.pcm)
    return first, time.perf_counter() - began, samples / engine.rate_hz


def _cpu_s() -> float:
    """CPU seconds of this process and its living children so far (Linux)."""
    children = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split()
    ticks = 0
    for pid in children:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")")[-1].split()
        ticks += int(fields[11]) + int(fields[12])
    return time.process_time() + ticks / TICKS_PER_S


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 40))
