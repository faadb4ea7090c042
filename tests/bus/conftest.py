from collections.abc import Iterator
from pathlib import Path

import pytest

from workers.local.nats import NatsServer
from workers.local.ports import free_ports


@pytest.fixture
def own_nats(tmp_path: Path) -> Iterator[NatsServer]:
    """A server of the test's own, not started: it will be killed, stopped and started again."""
    server = NatsServer(tmp_path / "nats", *free_ports(2))
    server.prepare()
    yield server
    server.stop()
