"""What a plain subscriber hears of each book, held against the exchange's own."""

import asyncio
import threading
import time
from dataclasses import replace
from typing import Any, NamedTuple

import msgspec
import nats

from tests.chaos.stack import ChaosStack, Traded
from tests.collector.dialects import ALL, levels_of

DIALECTS = {each.exchange: each for each in ALL}
COMPARED = 100
"""Levels a side."""


class Heard(NamedTuple):
    """The newest message of one book."""

    at_s: float
    data: bytes


class BookEars:
    """Listens to every published book in a thread of its own; NATS may come and go."""

    def __init__(self, stack: ChaosStack) -> None:
        self._stack = stack
        self._newest: dict[tuple[str, str], Heard] = {}
        self._ended = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._listen()), daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._ended.set()
        self._thread.join(10)

    def unsynced(self, since_s: float) -> list[Traded]:
        """Books that were not published SYNCED since a monotonic moment."""
        return [
            each
            for each in self._stack.traded
            if (self._book(each, since_s) or {}).get("state") != "SYNCED"
        ]

    def unequal(self, since_s: float) -> list[str]:
        """Books whose best levels differ from the exchange's at the same update id."""
        wrong = []
        for each in self._stack.traded:
            book = self._book(each, since_s)
            if book is None:
                wrong.append(f"{each.exchange} {each.symbol}: not published")
                continue
            dialect = replace(DIALECTS[each.exchange], raw={each.symbol: each.raw_symbol})
            door = self._stack.door(each.exchange)
            truth = dialect.book(door, each.symbol, book["last_update_id"], COMPARED)
            ours = levels_of(book)
            wrong += [
                f"{each.exchange} {each.symbol} {side} at {book['last_update_id']} is not true"
                for side in ("bids", "asks")
                if ours[side][:COMPARED] != truth[side][:COMPARED]
            ]
        return wrong

    def _book(self, each: Traded, since_s: float) -> dict[str, Any] | None:
        heard = self._newest.get((each.exchange, each.symbol))
        if heard is None or heard.at_s < since_s:
            return None
        book: dict[str, Any] = msgspec.json.decode(heard.data)
        return book

    async def _listen(self) -> None:
        async def note(message: Any) -> None:
            _, exchange, symbol = message.subject.split(".", 2)
            self._newest[exchange, symbol] = Heard(time.monotonic(), message.data)

        async def quiet(_: Exception) -> None:
            return  # it connects again by itself

        client = await nats.connect(
            self._stack.settings.nats.servers[0],
            max_reconnect_attempts=-1,
            reconnect_time_wait=0.2,
            error_cb=quiet,
        )
        await client.subscribe("orderbook-data.>", cb=note)
        await asyncio.get_running_loop().run_in_executor(None, self._ended.wait)
        await client.close()
