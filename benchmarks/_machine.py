"""What every table says about itself: the machine, the interpreter, and medians."""

import os
import platform
import statistics
from collections.abc import Callable, Sequence
from pathlib import Path


def machine() -> str:
    """CPU, cores, memory, kernel and Python in one line."""
    cpu = "unknown CPU"
    info = Path("/proc/cpuinfo")
    if info.is_file():
        names = [line for line in info.read_text().splitlines() if line.startswith("model name")]
        cpu = names[0].partition(":")[2].strip() if names else cpu
    memory_gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{cpu}, {os.cpu_count()} cores, {memory_gib:.0f} GiB, "
        f"{platform.system()} {platform.release()}, Python {platform.python_version()}"
    )


def median_of(run: Callable[[], float], times: int = 5) -> float:
    """Median of several runs."""
    return statistics.median(run() for _ in range(times))


def table(title: str, header: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print a Markdown table with the machine under it."""
    print(f"\n{title}\n")
    print("| " + " | ".join(header) + " |")
    print("|" + "---|" * len(header))
    for row in rows:
        print("| " + " | ".join(str(cell) for cell in row) + " |")
    print(f"\nmachine: {machine()}", flush=True)
