import itertools
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.runtime.children import Child, environment
from workers.local.ports import free_port
from workers.local.redis import RedisServer

Start = Callable[..., Child]

WORKER = ["celery", "-A", "tests.runtime.demo", "worker", "--service", "demo"]
STANDALONE = ["tests.runtime.demo", "demo"]


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    """A Redis of one test alone, which it may stop, kill and start again."""
    server = RedisServer(tmp_path / "redis", free_port())
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def steady_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """A Redis nobody disturbs."""
    server = RedisServer(tmp_path_factory.mktemp("redis"), free_port())
    server.start()
    yield server
    server.stop()


@pytest.fixture
def data_path(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def start(tmp_path: Path, data_path: Path) -> Iterator[Start]:
    """Start a child process; whatever still lives at the end is killed by its pid."""
    numbers = itertools.count()
    with ExitStack() as stack:

        def child(arguments: list[str], redis_port: int, **more: str) -> Child:
            env = environment(data_path, redis_port, more)
            return stack.enter_context(
                Child(arguments, env, tmp_path / f"child-{next(numbers)}.log")
            )

        yield child


@pytest.fixture(params=["celery", "standalone"])
def host(request: pytest.FixtureRequest) -> list[str]:
    """The command line of each host."""
    return WORKER if request.param == "celery" else STANDALONE
