import ssl
from collections.abc import Callable, Iterator

import pytest

from tests.transport.rest import Rest


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
