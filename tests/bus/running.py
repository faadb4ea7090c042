"""Publishers and links on a loop of their own, and what a stream holds."""

import asyncio
import json
import threading
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import nats
from nats.aio.client import Client

from tests.waiting import wait_until
from workers.bus.publisher import Outgoing, Publisher

T = TypeVar("T")


class LoopThread:
    """An event loop in a thread; coroutines are started from the test's thread."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, name="test loop")
        self._thread.start()

    def call(self, coroutine: Awaitable[T], timeout_s: float = 30.0) -> T:
        """Run it to its end and return its result."""
        return self.start(coroutine).result(timeout_s)

    def start(self, coroutine: Awaitable[T]) -> Any:
        """Run it; the future can be cancelled from here."""
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop)  # type: ignore[arg-type]

    def close(self) -> None:
        """Stop the loop once every task on it has ended."""
        self.call(_end_others())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()


async def _end_others() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    if others:
        await asyncio.wait(others)


@contextmanager
def running(publisher: Publisher) -> Iterator[LoopThread]:
    """The publisher's `run` on a loop of its own; cancelled at the end."""
    thread = LoopThread()
    task = thread.start(publisher.run())
    try:
        yield thread
    finally:
        task.cancel()
        wait_until(lambda: publisher._loop is None, what="the publisher ended")
        thread.close()


def trade(number: int, size: int = 120, symbol: str = "BTC-USDT") -> Outgoing:
    payload = json.dumps({"type": "trade", "trade_id": number, "filler": "x" * size}).encode()
    return Outgoing(f"trade-data.test.{symbol}", payload, f"trade:{symbol}:{number}", "trade")


def trades(first: int, last: int) -> list[Outgoing]:
    """Trades `first` to `last`, both inclusive."""
    return [trade(number) for number in range(first, last + 1)]


def ask(url: str, what: Callable[[Client], Awaitable[T]]) -> T:
    """One question over a connection of its own."""

    async def run() -> T:
        client = await nats.connect(url, max_reconnect_attempts=2)
        try:
            return await what(client)
        finally:
            await client.close()

    return asyncio.run(run())


def stored(url: str, stream: str = "TRADES") -> list[dict[str, Any]]:
    """What a stream holds, in its order."""

    async def read(client: Client) -> list[dict[str, Any]]:
        jetstream = client.jetstream()
        state = (await jetstream.stream_info(stream)).state
        if not state.messages:
            return []
        subscription = await jetstream.subscribe(
            ">", stream=stream, ordered_consumer=True, pending_bytes_limit=0
        )
        messages = [await subscription.next_msg(timeout=10) for _ in range(state.messages)]
        return [json.loads(message.data) for message in messages]

    return ask(url, read)


def stored_ids(url: str, stream: str = "TRADES") -> list[int]:
    """Trade ids in a stream, in its order."""
    return [each["trade_id"] for each in stored(url, stream)]


def same(found: Sequence[int], first: int, last: int) -> bool:
    """Whether these are exactly the numbers from first to last, in order."""
    return list(found) == list(range(first, last + 1))
