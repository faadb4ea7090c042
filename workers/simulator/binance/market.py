"""The made-up Binance spot: one seeded market per symbol, answering and publishing."""

from collections.abc import Mapping

from workers.simulator.binance.endpoints import ENDPOINTS
from workers.simulator.binance.overview import Overview
from workers.simulator.binance.publisher import FAST_STEPS, Publisher
from workers.simulator.binance.replies import ApiError, Parameters
from workers.simulator.binance.rest import RestApi
from workers.simulator.faults import DEPTH_PATH, Fault, plain_key
from workers.simulator.hub import Hub
from workers.simulator.live import Market
from workers.simulator.market.instruments import instrument
from workers.simulator.options import Options
from workers.simulator.truth import Streams, Truth
from workers.simulator.world import World

MOST_BURSTS = 1000
"""Steps to wait for a depth event that may never come in a market at rest: some five seconds."""


class SpotMarket(Market):
    """All symbols, by the exchange's name.

    Args:
        options: symbols, and the weight that exchangeInfo tells.
        world: time and worth.
        hub: where events go.
        rate: messages a second.
    """

    def __init__(self, options: Options, world: World, hub: Hub, rate: float) -> None:
        super().__init__(world, hub, plain_key, rate=rate, news_s=options.news_s)
        publishers: dict[str, Publisher] = {}
        for index, symbol in enumerate(options.symbols):
            at = instrument(symbol)
            engine = world.engine(at, rate / len(options.symbols))
            publishers[at.name] = Publisher(engine, hub, index * 7 % FAST_STEPS)
        self.publishers.update(publishers)
        self.rest = RestApi(publishers, self.halted, self.gone, options.limits.weight)
        self.begin([Overview(publishers, hub).step])

    def weight(self, path: str, query: Mapping[str, str]) -> int:
        """What a request costs; unknown paths cost 1."""
        endpoint = ENDPOINTS.get(path)
        return endpoint.weight(query) if endpoint else 1

    def bucket(self, path: str) -> str | None:
        """Spot knows weights alone."""
        return None

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

    def truth(self) -> Truth[Streams]:
        """What really happened."""
        return Truth(self.publishers, self.find)

    def now_us(self) -> int:
        """Engine time."""
        return self.rest.now_us()

    def told(self, name: str) -> None:
        """Spot pushes nothing about instruments: exchangeInfo tells."""

    def maintenance(self, lead_us: int) -> None:
        """Each connection is told alone."""

    def news(self, number: int) -> None:
        """Spot pushes none."""
