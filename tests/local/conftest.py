from pathlib import Path

import pytest

from config.settings import ROOT
from tests.alone import BINANCE_SPOT_ALONE
from workers.local.ports import free_ports


@pytest.fixture
def stack_env(tmp_path: Path) -> dict[str, str]:
    """The demo's settings on free ports, with a data directory of its own."""
    redis, nats, monitoring, native, http, flower, simulator = free_ports(7)
    prefix = "MARKETPRISM_"
    return {
        f"{prefix}CONFIG": str(ROOT / "config" / "demo.yaml"),
        f"{prefix}DATA_DIR": str(tmp_path / "data"),
        f"{prefix}REDIS__PORT": str(redis),
        f"{prefix}NATS__SERVERS": f"nats://127.0.0.1:{nats}",
        f"{prefix}NATS__MONITORING_PORT": str(monitoring),
        f"{prefix}CLICKHOUSE__PORT": str(native),
        f"{prefix}CLICKHOUSE__HTTP_PORT": str(http),
        f"{prefix}FLOWER__PORT": str(flower),
        f"{prefix}SIMULATOR__PORT": str(simulator),
        f"{prefix}EXCHANGES__BINANCE_SPOT__WS_URL": f"ws://127.0.0.1:{simulator}",
        f"{prefix}EXCHANGES__BINANCE_SPOT__REST_URL": f"http://127.0.0.1:{simulator}",
        **BINANCE_SPOT_ALONE,
    }
