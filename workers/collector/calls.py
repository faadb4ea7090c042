"""Calls from the service's loop to the thread that owns a connection."""

import asyncio
import concurrent.futures
from collections.abc import Callable
from typing import TypeVar

from workers.collector.books.books import LiveBooks
from workers.collector.connection.connection import Connection
from workers.model.errors import ServiceClosed

T = TypeVar("T")

TIMEOUT_S = 10.0


async def call(service: str, connection: Connection, act: Callable[[LiveBooks], T]) -> T:
    """Run something with a connection's books, between two of its frames.

    Args:
        service: for error texts.
        connection: whose books.
        act: runs on the connection's thread; what it raises is raised here.

    Raises:
        ServiceClosed: the connection has ended.
        TimeoutError: it did not take the call in time; nothing was done.
    """
    if not connection.is_alive():
        raise ServiceClosed(f"{service}: {connection.name} has ended; the call was not made")
    answer: concurrent.futures.Future[T] = concurrent.futures.Future()

    def letter() -> None:
        if not answer.set_running_or_notify_cancel():
            return
        try:
            answer.set_result(act(connection.books))
        except Exception as error:  # belongs to the caller, not to the connection
            answer.set_exception(error)

    connection.post(letter)
    try:
        return await asyncio.wait_for(asyncio.wrap_future(answer), TIMEOUT_S)
    except TimeoutError:
        raise TimeoutError(
            f"{service}: {connection.name} is {connection.state} and did not take the call "
            f"within {TIMEOUT_S:g} s; nothing was done"
        ) from None
