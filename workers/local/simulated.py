"""Simulated data never mixes with real data, and begins anew with every start.

The simulated exchange begins with another market each time; rows and messages of an earlier run
would only be in the way of the new one's. What people changed is theirs and stays: edits of the
schedule, symbols added at run time.
"""

import shutil
from fnmatch import fnmatchcase
from pathlib import Path

from redis import Redis

from config.settings import RedisSettings
from workers.local.ports import LocalStackError

_KEPT_BY_SERVERS = ("redis", "nats", "clickhouse")
_OF_ONE_RUN = ("nats", "clickhouse")
_OF_PEOPLE = ("*:beat:edits", "*:beat:revision", "marketprism:symbols:*")
"""Keys in Redis that outlive a simulated run (beat/keys.py, collector/symbols/remembered.py)."""

_MARK = "simulated"


def separate(data_dir: Path, *, simulate: bool) -> bool:
    """Make sure a data directory holds only data of one kind; empty one of simulated data.

    Returns:
        whether data of an earlier simulated run was removed.

    Raises:
        LocalStackError: the directory holds data of the other kind.
    """
    mark = data_dir / _MARK
    holds_data = [each for each in _KEPT_BY_SERVERS if (data_dir / each).exists()]
    if holds_data and mark.exists() != simulate:
        kind, other = ("real", "simulated") if simulate else ("simulated", "real")
        raise LocalStackError(
            f"{data_dir} holds {kind} data and must not take {other} data; choose another "
            "data_dir (MARKETPRISM_DATA_DIR)"
        )
    if not simulate:
        return False
    for each in _OF_ONE_RUN:
        if (data_dir / each).exists():
            shutil.rmtree(data_dir / each)
    data_dir.mkdir(parents=True, exist_ok=True)
    mark.touch()
    return bool(holds_data)


def forget_run(settings: RedisSettings) -> int:
    """Remove what the run before left in Redis, but not what people changed; number of keys."""
    with Redis.from_url(settings.url, decode_responses=True) as redis:
        gone = [
            key
            for key in redis.scan_iter(count=1000)
            if not any(fnmatchcase(key, kept) for kept in _OF_PEOPLE)
        ]
        return int(redis.delete(*gone)) if gone else 0
