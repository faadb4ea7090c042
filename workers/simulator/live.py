"""The made-up exchange: one seeded market per symbol, answering and publishing."""

import time
from collections.abc import Mapping

from workers.simulator.binance.endpoints import ENDPOINTS
from workers.simulator.binance.overview import Overview
from workers.simulator.binance.publisher import FAST_STEPS, Publisher
from workers.simulator.binance.replies import ApiError, Parameters
from workers.simulator.binance.rest import RestApi
from workers.simulator.faults import DEPTH_PATH, Fault
from workers.simulator.hub import Hub
from workers.simulator.market.clock import Pacer
from workers.simulator.market.engine import Engine, EngineOptions
from workers.simulator.market.instruments import instrument
from workers.simulator.options import Options
from workers.simulator.truth import Streams, Truth

MOST_BURSTS = 1000
"""Steps to wait for a depth event that may never come in a market at rest: some five seconds."""


class Market:
    """All symbols.

    Attributes:
        publishers: each symbol's market and streams, by the exchange's symbol.
        halted: symbols with status BREAK.
    """

    def __init__(self, options: Options, hub: Hub) -> None:
        self.publishers: Mapping[str, Streams]
        publishers: dict[str, Publisher] = {}
        self.halted: set[str] = set()
        self.paused = False
        self.rate = options.rate
        begin_s = int(time.time()) if options.start_ms is None else options.start_ms // 1000
        for index, symbol in enumerate(options.symbols):
            at = instrument(symbol)
            each = EngineOptions(
                seed=options.seed,
                start_us=begin_s * 1_000_000,
                rate=options.rate / len(options.symbols),
                levels=options.levels,
                journal_size=options.journal,
            )
            phase = index * 7 % FAST_STEPS
            publishers[at.name] = Publisher(Engine(at, each), hub, phase)
        self.publishers = publishers
        self.rest = RestApi(publishers, self.halted, options.limits.weight)
        steps = [publisher.step for publisher in publishers.values()]
        steps.append(Overview(publishers, hub).step)
        self.pacer = Pacer(
            steps, self._skip, hub.flush, begin_s if options.start_ms is None else None
        )

    async def run(self) -> None:
        """Let time pass, for ever."""
        await self.pacer.run()

    def weight(self, path: str, query: Mapping[str, str]) -> int:
        """What a request costs; unknown paths cost 1."""
        endpoint = ENDPOINTS.get(path)
        return endpoint.weight(query) if endpoint else 1

    def answer(self, path: str, query: Mapping[str, str], micro: bool) -> bytes:
        """The reply to a REST request. Raises ApiError."""
        endpoint = ENDPOINTS.get(path)
        if endpoint is None:
            raise ApiError(-1000, "Not found.", 404)
        return endpoint.answer(self.rest, Parameters(query, endpoint.known), micro)

    async def odd_snapshot(self, fault: Fault, query: Mapping[str, str]) -> bytes:
        """A snapshot `updates` ids old, or one that the next depth event follows exactly."""
        parameters = Parameters(query, ENDPOINTS[DEPTH_PATH].known)
        symbol, limit = parameters.symbol(), parameters.limit(100, 5000)
        book = self.rest.engine(symbol).book
        publisher = self.publishers[symbol]
        if fault.kind == "stale_snapshot":
            wanted = max(book.oldest_id, book.update_id - fault.updates)
            return self.rest.depth(symbol, limit, wanted)
        published = publisher.fast_id
        body = self.rest.depth(symbol, limit, published)
        for _ in range(MOST_BURSTS):
            if publisher.fast_id != published:
                break
            await self.pacer.burst()
        return body

    def subscribed(self) -> None:
        """A market does not wait for listeners."""

    async def pause(self) -> None:
        """Stand still; returns once every book change has been published."""
        self.paused = True
        self._wake()
        while not all(publisher.settled() for publisher in self.publishers.values()):
            await self.pacer.burst()

    def resume(self) -> None:
        """Go on."""
        self.paused = False
        self._wake()

    def truth(self) -> Truth:
        """What really happened."""
        return Truth(self.publishers)

    def now_us(self) -> int:
        """Engine time."""
        return self.rest.now_us()

    def halt(self, symbol: str, halted: bool) -> None:
        """Stop or restart one symbol; its status follows."""
        (self.halted.add if halted else self.halted.discard)(symbol)
        self._wake()

    def empty(self, symbol: str, side: str | None) -> None:
        """Take all orders of a side away and let none come; None lets both sides fill again."""
        self.publishers[symbol].engine.empty(side)

    def set_rate(self, rate: float) -> None:
        """Messages a second, all symbols together."""
        self.rate = rate
        for publisher in self.publishers.values():
            publisher.engine.set_rate(rate / len(self.publishers))

    def _skip(self, seconds: int) -> None:
        for publisher in self.publishers.values():
            publisher.engine.now_us += seconds * 1_000_000

    def _wake(self) -> None:
        for name, publisher in self.publishers.items():
            publisher.engine.active = not self.paused and name not in self.halted
