"""Are the servers there, how fast do they answer, and what do they hold?

Every probe gives facts or an error text; a server that hangs costs its deadline, not the command.
"""

import socket
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import requests
from redis import Redis
from redis.exceptions import RedisError

from config.explain import without_credentials
from config.settings import Settings
from workers.model.errors import StoreError

ANSWER_S = 1.0
NATS_PORT = 4222


@dataclass(frozen=True)
class Server:
    """One server as it was found.

    Args:
        address: without credentials.
        latency_ms: of one question and its answer; None if there was none.
        error: why there was none.
    """

    address: str
    latency_ms: float | None = None
    error: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """`address`, `reachable`, `latency_ms`, `error`."""
        return {
            "address": self.address,
            "reachable": self.error is None,
            "latency_ms": self.latency_ms,
            "error": self.error,
        }


def redis_server(settings: Settings) -> Server:
    """Redis answers PING under its password."""
    address = f"{settings.redis.host}:{settings.redis.port}"
    client = Redis.from_url(
        settings.redis.url, socket_timeout=ANSWER_S, socket_connect_timeout=ANSWER_S
    )
    try:
        _knock(settings.redis.host, settings.redis.port)
        client.ping()  # the first opens the connection
        return Server(address, _timed(client.ping))
    except OSError as error:
        return Server(address, error=error.strerror or str(error))
    except RedisError as error:
        return Server(address, error=str(error))
    finally:
        client.close()


def nats_server(settings: Settings) -> Server:
    """The first NATS server that sends its greeting, or what the last one did instead."""
    found = Server("none")
    for url in settings.nats.servers:
        address = without_credentials(url)
        parts = urlsplit(url)
        greet = partial(_greet, parts.hostname or "", parts.port or NATS_PORT)
        try:
            return Server(address, _timed(greet))
        except OSError as error:
            found = Server(address, error=error.strerror or str(error))
    return found


def clickhouse_server(settings: Settings) -> Server:
    """ClickHouse answers SELECT 1 in our database's server."""
    from workers.store.queries import query

    address = f"{settings.clickhouse.host}:{settings.clickhouse.port}"
    hasty = _hasty(settings).model_copy(update={"database": "default"})
    try:
        _knock(hasty.host, hasty.port)
        return Server(address, _timed(lambda: query(hasty, "SELECT 1")))
    except OSError as error:
        return Server(address, error=error.strerror or str(error))
    except StoreError as error:
        return Server(address, error=str(error).removeprefix("query: "))


def stored_rows(settings: Settings) -> dict[str, int]:
    """Rows by table, from the parts' own counts: at once, a row delivered twice perhaps twice.

    Raises:
        StoreError: ClickHouse refused or is away.
    """
    from workers.store.queries import query
    from workers.store.tables import TABLES

    sql = (
        "SELECT table, sum(rows) FROM system.parts "
        "WHERE database = currentDatabase() AND active GROUP BY table"
    )
    counts = {str(table): int(rows) for table, rows in query(_hasty(settings), sql).rows}
    return {table: counts.get(table, 0) for table in TABLES}


def jetstream(settings: Settings) -> list[dict[str, Any]]:
    """JetStream's streams: stream, messages, bytes, and what the writer has still to take.

    Raises:
        OSError: NATS's monitoring page does not answer.
    """
    host = urlsplit(settings.nats.servers[0]).hostname
    url = f"http://{host}:{settings.nats.monitoring_port}/jsz"
    answer = requests.get(url, {"streams": "1", "consumers": "1"}, timeout=ANSWER_S)
    answer.raise_for_status()
    accounts = answer.json().get("account_details") or []
    streams = [each for account in accounts for each in account.get("stream_detail") or []]
    return sorted((_stream(each) for each in streams), key=lambda each: str(each["stream"]))


def all_at_once(
    questions: Mapping[str, Callable[[], Any]], timeout_s: float
) -> dict[str, Any | Exception]:
    """Ask everything at the same time.

    Returns:
        Per question its answer, the error it raised, or TimeoutError; a thread that hangs is left
        behind and does not keep the process alive.
    """
    answers: dict[str, Any] = {}

    def ask(name: str, question: Callable[[], Any]) -> None:
        try:
            answers[name] = question()
        except Exception as error:
            answers[name] = error

    threads = [
        threading.Thread(target=ask, args=item, name=f"ask {item[0]}", daemon=True)
        for item in questions.items()
    ]
    for thread in threads:
        thread.start()
    end_s = time.monotonic() + timeout_s
    for thread in threads:
        thread.join(max(0.0, end_s - time.monotonic()))
    late = TimeoutError(f"no answer within {timeout_s:g} s")
    return {name: answers.get(name, late) for name in questions}


def _stream(detail: Mapping[str, Any]) -> dict[str, Any]:
    state = detail.get("state", {})
    consumers = detail.get("consumer_detail") or []
    waiting = [
        each.get("num_pending", 0) + each.get("num_ack_pending", 0)
        for each in consumers
        if str(each.get("name")).partition("-")[0] == "writer"
    ]
    return {
        "stream": detail.get("name"),
        "messages": state.get("messages", 0),
        "bytes": state.get("bytes", 0),
        "writer_pending": sum(waiting) if waiting else None,
    }


def _knock(host: str, port: int) -> None:
    """Is anybody there? The operating system's words are shorter than a client library's."""
    socket.create_connection((host, port), timeout=ANSWER_S).close()


def _greet(host: str, port: int) -> None:
    """A NATS server speaks first: `INFO {...}`."""
    with socket.create_connection((host, port), timeout=ANSWER_S) as connection:
        if connection.recv(4) != b"INFO":
            raise OSError("it is no NATS server: it does not greet with INFO")


def _hasty(settings: Settings) -> Any:
    timeouts = {"connect_timeout": ANSWER_S, "send_receive_timeout": ANSWER_S}
    return settings.clickhouse.model_copy(update=timeouts)


def _timed(work: Callable[[], object]) -> float:
    begun_s = time.perf_counter()
    work()
    return round((time.perf_counter() - begun_s) * 1000, 2)
