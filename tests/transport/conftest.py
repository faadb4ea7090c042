import ssl
from collections.abc import Callable, Iterator

import pytest
from redis import Redis

from tests.transport.rest import Rest
from workers.local.servers import RedisServer


@pytest.fixture
def start() -> Iterator[Callable[..., Rest]]:
    started: list[Rest] = []

    def start_one(secure: bool | ssl.SSLContext = False) -> Rest:
        started.append(Rest(secure))
        return started[-1]

    yield start_one
    for server in started:
        server.stop()


@pytest.fixture
def rest(start) -> Rest:
    return start()


@pytest.fixture
def redis_url(redis_server: RedisServer) -> str:
    with Redis(port=redis_server.port) as client:
        client.flushall()
    return f"redis://127.0.0.1:{redis_server.port}/0"
