"""CPU time of a process and of everything that it started, from /proc: Linux only."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

_PPID, _UTIME, _NICE = 1, 11, 16  # fields of /proc/PID/stat behind the name (proc(5))
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True, kw_only=True)
class CpuTimes:
    """Seconds since each began."""

    loop: float
    """The main thread of the process."""
    encode: float
    """Its threads of lower priority."""
    render: float
    """Its other threads: the one that draws, and what starts and loads."""
    others: float
    """Every process below it, also those that have ended."""
    core: float
    """All that was done on `core`, by whomever."""

    def __sub__(self, before: CpuTimes) -> CpuTimes:
        return CpuTimes(
            **{name: getattr(self, name) - getattr(before, name) for name in self.__slots__}
        )

    @property
    def total(self) -> float:
        return self.loop + self.encode + self.render + self.others


def cpu_times(pid: int, core: int) -> CpuTimes:
    process = Path("/proc") / str(pid)
    threads = {int(task.name): _stat(task / "stat") for task in (process / "task").iterdir()}
    own = {
        task: (_seconds(stat[_UTIME : _UTIME + 2]), int(stat[_NICE]))
        for task, stat in threads.items()
    }
    loop = own.pop(pid)[0]
    encode = sum(seconds for seconds, nice in own.values() if nice > 0)
    whole = _stat(process / "stat")
    alive = sum(_seconds(_stat(path)[_UTIME : _UTIME + 4]) for path in _below(pid))
    return CpuTimes(
        loop=loop,
        encode=encode,
        render=_seconds(whole[_UTIME : _UTIME + 2]) - loop - encode,
        others=_seconds(whole[_UTIME + 2 : _UTIME + 4]) + alive,
        core=_core(core),
    )


def _below(pid: int) -> list[Path]:
    """The stat files of all processes that descend from `pid`."""
    parents: dict[int, int] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(path.parent.name)] = int(_stat(path)[_PPID])
        except OSError:  # it has ended meanwhile
            continue
    found, look_at = [], {pid}
    while look_at:
        look_at = {child for child, parent in parents.items() if parent in look_at}
        found += [Path(f"/proc/{child}/stat") for child in look_at]
    return found


def _stat(path: Path) -> list[str]:
    return path.read_text().rpartition(")")[2].split()


def _seconds(ticks: list[str]) -> float:
    return sum(map(int, ticks)) / _TICKS_PER_S


def _core(core: int) -> float:
    """Busy time, and what the machine's host took away."""
    for line in Path("/proc/stat").read_text().splitlines():
        name, *fields = line.split()
        if name == f"cpu{core}":
            user, nice, system, _idle, _wait, irq, softirq, steal = map(int, fields[:8])
            return (user + nice + system + irq + softirq + steal) / _TICKS_PER_S
    raise ValueError(f"there is no core {core}")
