"""What the benchmarks share: times of many runs, the machine they ran on, JSON."""

from __future__ import annotations

import json
import os
import platform
import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

CPUINFO = Path("/proc/cpuinfo")
MEMINFO = Path("/proc/meminfo")


def machine() -> dict[str, object]:
    """Tell what a figure depends on beside the program."""
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "cores": len(os.sched_getaffinity(0)),
        "processor": _line(CPUINFO, "model name") or platform.machine(),
        "memory_gb": round(int(_line(MEMINFO, "MemTotal").partition(" ")[0] or 0) / 1e6, 1),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "load_before": round(os.getloadavg()[0], 1),
    }


def _line(file: Path, name: str) -> str:
    if not file.exists():
        return ""
    lines = file.read_text(encoding="utf-8").splitlines()
    return next((one.partition(":")[2].strip() for one in lines if one.startswith(name)), "")


def milliseconds(work: Callable[[], object], runs: int, *, warm_up: int = 5) -> dict[str, object]:
    """Do it again and again; return median, 95th percentile and worst in milliseconds."""
    for _ in range(warm_up):
        work()
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        work()
        times.append((time.perf_counter() - start) * 1000)
    return {
        "runs": runs,
        "median_ms": round(statistics.median(times), 2),
        "p95_ms": round(statistics.quantiles(times, n=20, method="inclusive")[-1], 2),
        "worst_ms": round(max(times), 2),
    }


def tell(figures: dict[str, object]) -> None:
    """Print one line of JSON."""
    print(json.dumps(figures), flush=True)
