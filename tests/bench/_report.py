"""What every bench prints and keeps: a table, and JSON with the machine and the commit."""

import json
import os
import platform
import statistics
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

OUT = Path(__file__).resolve().parents[2] / "out" / "bench"


def quantiles(values: list[float]) -> dict[str, float]:
    """p50 and p95 (nearest rank, so that 20 values have a p95 that was measured), and the count."""
    ordered = sorted(values)
    rank = max(0, -(-95 * len(ordered) // 100) - 1)
    return {"p50": statistics.median(ordered), "p95": ordered[rank], "n": len(ordered)}


def publish(name: str, rows: dict[str, dict[str, Any]], *, unit: str) -> None:
    """Print the rows as a table and write them to out/bench/NAME.json."""
    about = machine()
    print(
        f"\n{name}, {about['cpu']}, {about['cores']} cores, load {about['load']}, {about['commit']}"
    )
    columns = list(dict.fromkeys(key for row in rows.values() for key in row))
    width = max(map(len, rows)) + 2
    print(" " * width + "".join(f"{column:>12}" for column in columns) + f"   ({unit})")
    for label, row in rows.items():
        print(f"{label:{width}}" + "".join(f"{_shown(row.get(c)):>12}" for c in columns))
    OUT.mkdir(parents=True, exist_ok=True)
    path = OUT / f"{name}.json"
    path.write_text(
        json.dumps({"bench": name, "unit": unit, "machine": about, "rows": rows}, indent=2)
    )
    print(f"-> {path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path}")


def machine() -> dict[str, Any]:
    return {
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "load": round(os.getloadavg()[0], 1),
        "commit": _commit(),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _cpu() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())


def _commit() -> str:
    described = subprocess.run(
        ["git", "describe", "--always", "--dirty"], capture_output=True, text=True, check=False
    )
    return described.stdout.strip() or "no commit"


def _shown(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.1f}" if isinstance(value, float) else str(value)
