"""Is a service alive? Answered by the age of the file its event loop touches every second.

`python -m workers.runtime.health collector.binance_spot` exits 0 or 1. It never asks the broker: a
health check through Redis would restart healthy collectors in a Redis outage.
"""

import sys
import time
from pathlib import Path

from config import Settings, load
from config.shards import plain

MAX_AGE_S = 10.0


def alive_file(settings: Settings, service: str) -> Path:
    """`<data_path>/run/<service>.alive`."""
    return settings.data_path / "run" / f"{service}.alive"


def age_s(file: Path) -> float | None:
    """Seconds since the file was touched; None if there is no such file."""
    try:
        return max(0.0, time.time() - file.stat().st_mtime)
    except FileNotFoundError:
        return None


def main(arguments: list[str] | None = None) -> int:
    """Exit code for a container's health check: 0 alive, 1 not, 2 wrong usage."""
    given = sys.argv[1:] if arguments is None else arguments
    if len(given) != 1:
        print("usage: python -m workers.runtime.health SERVICE", file=sys.stderr)
        return 2
    file = alive_file(load(), plain(given[0]))
    age = age_s(file)
    if age is None:
        print(f"{given[0]}: not running, there is no {file}")
        return 1
    print(f"{given[0]}: event loop seen {age:.1f} s ago, at most {MAX_AGE_S:g} s is healthy")
    return 0 if age <= MAX_AGE_S else 1


if __name__ == "__main__":
    sys.exit(main())
