"""The running system around the tasks: simulator, NATS, a general worker and a collector."""

import asyncio
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from celery import Celery
from redis import Redis

from config import ROOT, load
from config.settings import NatsSettings
from tests.runtime.children import Child, environment, run
from tests.waiting import wait_until
from workers.bus.streams import ensure_streams
from workers.local.ports import answers, free_port, free_ports
from workers.local.servers import ClickHouseServer, NatsServer, RedisServer
from workers.store.migrate import migrate

Start = Callable[..., Child]


@pytest.fixture
def broker(redis_server: RedisServer) -> Iterator["Redis[bytes]"]:
    """The session's Redis, emptied."""
    with Redis(port=redis_server.port) as client:
        client.flushall()
        yield client


@pytest.fixture
def shell(redis_server: RedisServer, tmp_path: Path) -> Callable[..., Any]:
    """`celery -A tasks ...` as a person types it; returns the finished process."""

    def celery(*arguments: str, **more: str) -> Any:
        env = environment(tmp_path / "data", redis_server.port, more)
        return run(["celery", "-A", "tasks", *arguments], env)

    return celery


class System:
    """A collector on the simulator and a general worker, with a Redis of their own."""

    def __init__(self, env: dict[str, str], nats: NatsServer, app: Celery, workers: int) -> None:
        self.env, self.nats, self.app, self._workers = env, nats, app, workers
        self.config = Path(env["MARKETPRISM_CONFIG"])

    def celery(self, *arguments: str) -> Any:
        """`celery -A tasks ...` in a shell."""
        return run(["celery", "-A", "tasks", *arguments], self.env)

    def inspect(self, command: str) -> dict[str, Any]:
        """Replies by the part of the node name before the host."""
        replies = self.app.control.broadcast(command, reply=True, timeout=1.0, limit=self._workers)
        return {node.split("@")[0]: answer for reply in replies for node, answer in reply.items()}

    def call(self, name: str, queue: str, **kwargs: object) -> dict[str, Any]:
        """Run a task; `state` and `result`, which is the error's text if it failed."""
        result = self.app.send_task(name, kwargs=kwargs, queue=queue, expires=30)
        result.get(timeout=30, propagate=False)
        done = result.result
        return {"state": result.state, "result": done if isinstance(done, dict) else str(done)}


def _books(reply: dict[str, Any]) -> dict[str, Any]:
    """Books of all services of one worker's reply; none where it hosts no service."""
    return {
        symbol: book
        for books in reply.values()
        if isinstance(books, dict)
        for symbol, book in books.items()
    }


def sender(env: Mapping[str, str]) -> Celery:
    """An app that sends tasks and reads their results, with settings of its own."""
    app = Celery("sender", set_as_current=False)
    app.settings = load(env=env)
    app.conf.update(
        broker_url=app.settings.redis.url,
        result_backend="tasks.results:ClickHouseBackend",
        result_backend_thread_safe=True,
    )
    return app


@pytest.fixture(scope="module")
def system(
    tmp_path_factory: pytest.TempPathFactory, clickhouse_server: ClickHouseServer
) -> Iterator[System]:
    """Everything up, three books SYNCED."""
    path = tmp_path_factory.mktemp("system")
    with running(path, clickhouse_server, "collector.binance_spot") as found:
        yield found


@contextmanager
def running(
    path: Path, clickhouse_server: ClickHouseServer, *services: str, **more: str
) -> Iterator[System]:
    """Simulator, servers, a general worker and collectors, three books SYNCED."""
    with ExitStack() as stack:
        redis = RedisServer(path, free_port())
        nats = NatsServer(path, *free_ports(2))
        for server in (redis, nats):
            server.start()
            stack.callback(server.stop)
        asyncio.run(ensure_streams([nats.url], NatsSettings().streams_file))
        port, config = free_port(), path / "own.yaml"
        config.write_text(f"extends: {ROOT / 'config' / 'marketprism.yaml'}\n")
        env = environment(
            path / "data",
            redis.port,
            {
                "MARKETPRISM_CONFIG": str(config),
                "MARKETPRISM_NATS__SERVERS": nats.url,
                "MARKETPRISM_CLICKHOUSE__PORT": str(clickhouse_server.port),
                "MARKETPRISM_CLICKHOUSE__DATABASE": f"test_{uuid.uuid4().hex[:12]}",
                "MARKETPRISM_SIMULATOR__PORT": str(port),
                "MARKETPRISM_EXCHANGES__BINANCE_SPOT__WS_URL": f"ws://127.0.0.1:{port}",
                "MARKETPRISM_EXCHANGES__BINANCE_SPOT__REST_URL": f"http://127.0.0.1:{port}",
                **more,
            },
        )
        migrate(load(env=env).clickhouse)
        stack.enter_context(Child(["workers.simulator"], env, path / "simulator.log"))
        wait_until(lambda: answers(port), 20, "the simulator listens")
        for name, arguments in (
            ("worker", ["worker", "-n", "worker@%h"]),
            *((each, ["worker", "--service", each]) for each in services),
        ):
            stack.enter_context(
                Child(["celery", "-A", "tasks", *arguments], env, path / f"{name}.log")
            )
        app = sender(env)
        stack.callback(app.close)
        system = System(env, nats, app, 1 + len(services))

        def synced() -> bool:
            replies = system.inspect("books").values()
            books = {symbol: book for reply in replies for symbol, book in _books(reply).items()}
            return len(books) == 3 and {book["state"] for book in books.values()} == {"SYNCED"}

        wait_until(synced, 60, "three books SYNCED")
        wait_until(lambda: "worker" in system.inspect("ping"), 20, "the general worker answers")
        yield system
