"""A running general worker: polls from a shell, and messages nobody can run."""

import asyncio
import base64
import json
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from redis import Redis

from config import load, queues
from config.settings import NatsSettings
from tests.conftest import delete_streams
from tests.runtime.children import Child, environment, run
from tests.runtime.polling import simulated
from tests.simulated import SideDoor
from tests.telemetry.page import page
from tests.waiting import wait_until
from workers.bus.streams import ensure_streams
from workers.local.ports import free_port
from workers.local.servers import ClickHouseServer, NatsServer, RedisServer
from workers.store.client import connect
from workers.store.migrate import migrate

pytestmark = pytest.mark.e2e


class Worker:
    """A general worker with a Redis of its own."""

    def __init__(
        self, env: dict[str, str], child: Child, port: int, deribit: SideDoor, page: int
    ) -> None:
        self.env, self.child, self.deribit, self._page = env, child, deribit, page
        self.redis = Redis(port=port)

    def shown(self, metric: str, **labels: str) -> float:
        """A value on the worker's Prometheus page; 0 if it is not there."""
        wanted = frozenset({"service": "polling", **labels}.items())
        return page(self._page)[f"marketprism_{metric}"].get(wanted, 0.0)

    def call(self, name: str, **kwargs: str) -> str:
        """Call a task in a shell; its state once it has ended."""
        called = run(
            ["celery", "-A", "tasks", "call", name, "--kwargs", json.dumps(kwargs)], self.env
        )
        assert called.returncode == 0, called.stderr
        made = called.stdout.strip()
        question = f"select state from task_results final where task_id = '{made}'"

        def state() -> str | None:
            states = [state for (state,) in self.rows(question)]
            return next((each for each in states if each in ("SUCCESS", "FAILURE")), None)

        return wait_until(state, 60, "the run is a row")

    def push(self, message: str) -> None:
        """Push, and wait until it was taken and is not held back."""
        self.redis.lpush(queues.DEFAULT_QUEUE, message)
        wait_until(self._taken, 20, f"{message[:60]} taken")
        assert self.child.alive(), self.child.output[-3000:]

    def _taken(self) -> bool:
        return not self.redis.exists(queues.DEFAULT_QUEUE) and not self.redis.hlen("unacked")

    def rows(self, question: str) -> list[tuple[Any, ...]]:
        """What ClickHouse answers."""
        with connect(load(env=self.env).clickhouse) as client:
            rows: list[tuple[Any, ...]] = client.execute(question)
        return rows

    def counted(self) -> dict[str, int]:
        """The worker's own counters."""
        command = ["celery", "-A", "tasks", "inspect", "polls", "--json", "-t", "5"]
        (answer,) = json.loads(run(command, self.env).stdout).values()
        counters: dict[str, int] = answer["counters"]
        return counters


@pytest.fixture(scope="module")
def worker(
    tmp_path_factory: pytest.TempPathFactory,
    clickhouse_server: ClickHouseServer,
    nats_server: NatsServer,
) -> Iterator[Worker]:
    folder = tmp_path_factory.mktemp("general")
    asyncio.run(delete_streams(nats_server.url))  # those of other files
    asyncio.run(ensure_streams([nats_server.url], NatsSettings().streams_file))
    with ExitStack() as stack:
        server = RedisServer(folder, free_port())
        server.start()
        stack.callback(server.stop)
        simulator = stack.enter_context(simulated(folder))
        port = free_port()
        env = environment(
            folder / "data",
            server.port,
            {
                "MARKETPRISM_TELEMETRY__PORTS": json.dumps({"polling": port}),
                "MARKETPRISM_NATS__SERVERS": nats_server.url,
                "MARKETPRISM_CLICKHOUSE__PORT": str(clickhouse_server.port),
                "MARKETPRISM_CLICKHOUSE__DATABASE": f"test_{uuid.uuid4().hex[:12]}",
                "MARKETPRISM_EXCHANGES__DERIBIT__REST_URL": simulator.rest_url,
            },
        )
        migrate(load(env=env).clickhouse)
        command = ["celery", "-A", "tasks", "worker", "-n", "w@%h"]
        child = stack.enter_context(Child(command, env, folder / "worker.log"))
        found = Worker(env, child, server.port, simulator.at("deribit"), port)
        stack.callback(found.redis.close)
        wait_until(lambda: "ready" in child.output, 60, "the worker is ready")
        yield found


def message(task: str, body: Any = ((), {}, {}), **more: Any) -> dict[str, Any]:
    """A message as Celery sends it; a body that is text goes out as it is."""
    text = body if isinstance(body, str) else base64.b64encode(json.dumps(body).encode()).decode()
    made = uuid.uuid4().hex
    return {
        "body": text,
        "content-encoding": "utf-8",
        "content-type": "application/json",
        "headers": {"lang": "py", "task": task, "id": made, "root_id": made, "retries": 0},
        "properties": {
            "correlation_id": made,
            "delivery_mode": 2,
            "delivery_info": {"exchange": "", "routing_key": queues.DEFAULT_QUEUE},
            "priority": 0,
            "body_encoding": "base64",
            "delivery_tag": uuid.uuid4().hex,
        },
        **more,
    }


NOTHING = "polling.nothing"
POISON = {
    "not-json": ("garbage", "no message"),
    "no-message": ('{"a": 1}', "no message"),
    "no-object": ("[1]", "no message"),
    "unknown-task": (message(NOTHING), "unknown task"),
    "no-task": (message(NOTHING, headers={}), "no task"),
    "pickled": (message(queues.POLL_KLINES) | {"content-type": "application/x-pickle"}, "invalid"),
    "body-not-base64": (message(queues.POLL_KLINES, "!!!!"), "no arguments"),
    "body-not-json": (message(queues.POLL_KLINES, "e25vcGU="), "undecodable"),
    "body-no-list": (message(queues.POLL_KLINES, 7), "no arguments"),
}


def test_poison_is_refused_once_counted_and_recorded_while_the_worker_goes_on(
    worker: Worker,
) -> None:
    for poison, _ in POISON.values():
        worker.push(poison if isinstance(poison, str) else json.dumps(poison))
    expected: dict[str, int] = {}
    for _, why in POISON.values():
        key = f"messages_poisoned_total{{{queues.DEFAULT_QUEUE},{why}}}"
        key = key.replace(queues.DEFAULT_QUEUE, "unknown") if why == "no message" else key
        expected[key] = expected.get(key, 0) + 1
    wait_until(lambda: expected.items() <= worker.counted().items(), 20, f"{expected} counted")

    def recorded() -> list[tuple[Any, ...]]:
        rows = worker.rows(POISONED)
        return rows if len(rows) == len(POISON) else []

    rows = wait_until(recorded, 30, "every poisoned message is a row")
    assert {state for _, state in rows} == {"FAILURE"}
    assert {name for name, _ in rows} == {NOTHING, queues.POLL_KLINES, "unreadable"}


POISONED = "select name, state from task_results final where error like '%PoisonedMessage%'"


def test_a_poll_called_in_a_shell_is_published_and_its_run_recorded(worker: Worker) -> None:
    words = '{"exchange": "deribit", "currency": "BTC"}'
    called = run(["celery", "-A", "tasks", "call", NAME, "--kwargs", words], worker.env)
    assert called.returncode == 0, called.stderr
    question = (
        f"select state, result from task_results final where task_id = '{called.stdout.strip()}'"
    )

    def finished() -> list[tuple[Any, ...]]:
        return [row for row in worker.rows(question) if row[0] in ("SUCCESS", "FAILURE")]

    ((state, result),) = wait_until(finished, 30, "the run is a row")
    assert state == "SUCCESS", result
    told = json.loads(result)
    assert (told["task"], told["about"], told["published"]) == (NAME, "BTC", True)
    assert told["events"] == 60


def test_prometheus_reads_how_polls_and_their_calls_ended(worker: Worker) -> None:
    path = "/api/v2/public/get_volatility_index_data"
    polls = {"exchange": "deribit", "task": NAME}
    calls = {"exchange": "deribit", "endpoint": path}
    before = worker.shown("polls", **polls, outcome="ok")
    assert worker.call(NAME, exchange="deribit", currency="ETH") == "SUCCESS"
    assert worker.shown("polls", **polls, outcome="ok") == before + 1
    assert worker.shown("rest_outcomes", **calls, outcome="ok") >= before + 1
    worker.deribit.fault("maintenance", path=path)
    assert worker.call(NAME, exchange="deribit", currency="ETH") == "FAILURE"
    worker.deribit.clear_faults()
    assert worker.shown("polls", **polls, outcome="maintenance") == 1
    assert worker.shown("rest_outcomes", **calls, outcome="maintenance") == 4
    worker.push("garbage")
    why = {"queue": "unknown", "why": "no message"}
    wait_until(lambda: worker.shown("messages_poisoned", **why), 20, "the poison counted")


def test_a_poll_with_a_wrong_name_is_refused_in_the_shell(worker: Worker) -> None:
    refused = run(
        ["celery", "-A", "tasks", "call", NAME, "--kwargs", '{"currency": "BTCC"}'], worker.env
    )
    assert refused.returncode == 1
    words = f"Error: no currency of {NAME} on deribit is called 'BTCC'; nearest: BTC"
    assert refused.stderr.strip() == words


NAME = queues.POLL_VOLATILITY_INDEX


def test_wrong_arguments_fail_the_run_with_what_would_be_right(worker: Worker) -> None:
    sent = message(queues.POLL_KLINES, ((), {"exchange": "okx"}, {}))
    worker.push(json.dumps(sent))
    words = "no exchange of polling.klines is called 'okx'; nearest: okx_spot"
    wait_until(lambda: words in worker.child.output, 20, "the failure in the log")
    assert "Traceback" not in worker.child.output.partition(words)[0][-500:]
