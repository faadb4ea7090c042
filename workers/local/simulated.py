"""Simulated data never mixes with real data, and begins anew with every start.

The simulated exchange starts its numbering again each time; rows and messages of an earlier run
would look like duplicates of the new one's.
"""

import shutil
from pathlib import Path

from workers.local.ports import LocalStackError

_KEPT_BY_SERVERS = ("redis", "nats", "clickhouse")
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
    for each in holds_data:
        shutil.rmtree(data_dir / each)
    data_dir.mkdir(parents=True, exist_ok=True)
    mark.touch()
    return bool(holds_data)
