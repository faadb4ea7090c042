"""All instruments of the simulated OKX, their time, and the first pushes of subscriptions."""

from collections.abc import Mapping

from workers.simulator.hub import Hub
from workers.simulator.live import Market
from workers.simulator.okx import payloads
from workers.simulator.okx.control import Topic
from workers.simulator.okx.derived import Derived
from workers.simulator.okx.listing import Listing, hub_key, listings
from workers.simulator.okx.options import OkxOptions
from workers.simulator.okx.publisher import FAST_STEPS, Publisher
from workers.simulator.okx.truth import OkxTruth
from workers.simulator.options import Options
from workers.simulator.world import World

HOUR_US = 3_600_000_000
NEWCOMER = "NEWS-USDT-SWAP"
"""An instrument that is announced, listed, suspended and taken off again, and never trades."""

LIFE = ("preopen", "live", "suspend", "expired")


class OkxMarket(Market):
    """The markets.

    Attributes:
        books: what `publishers` holds, with what only OKX has.
        notices: rows of the channel `status`, newest last.

    Args:
        options: symbols and seed.
        okx: of the dialect.
        world: time and worth.
        hub: where pushes go.
        rate: messages a second.
    """

    def __init__(
        self, options: Options, okx: OkxOptions, world: World, hub: Hub, rate: float
    ) -> None:
        super().__init__(world, hub, hub_key, rate=rate, news_s=options.news_s)
        self.books: dict[str, Publisher] = {}
        self.notices: list[payloads.Row] = []
        listed = {each.inst_id: each for symbol in options.symbols for each in listings(symbol)}
        engines = {
            name: world.engine(each.at, rate / len(listed), where=f":okx:{each.inst_type}")
            for name, each in listed.items()
        }
        for index, (name, listing) in enumerate(listed.items()):
            spot = engines.get(listing.index, engines[name])
            self.books[name] = Publisher(
                listing,
                engines[name],
                Derived(listing, engines[name], spot, options.seed),
                hub=hub,
                options=okx,
                phase=index * 7 % FAST_STEPS,
            )
        self.publishers.update(self.books)
        self._newcomer = listings(NEWCOMER)[0]
        self.begin()

    def now_us(self) -> int:
        """Engine time."""
        return max(each.engine.now_us for each in self.books.values())

    def listed(self) -> frozenset[str]:
        """Instrument ids that may be subscribed."""
        return frozenset(self.names())

    def truth(self) -> OkxTruth:
        """What really happened."""
        return OkxTruth(self.books, self.find)

    def instruments(self, kind: str) -> list[payloads.Row]:
        """Rows of all instruments of a kind."""
        found = (self.books[name] for name in self.names())
        return [each.listing.row(each.state) for each in found if each.listing.inst_type == kind]

    def greeting(self, topic: Topic) -> bytes | None:
        """First push of a new subscription; `instruments`, trades and status have none."""
        channel, name = topic
        if channel == "liquidation-orders":
            return self._stale_liquidation()
        at = self.books.get(f"{name}-SWAP" if channel == "index-tickers" else name)
        if at is None or channel in ("trades", "trades-all"):
            return None
        if channel == "books":
            return at.snapshot()
        if channel.startswith("candle"):
            return payloads.push(channel, name, at.candle(channel.removeprefix("candle")))
        rows: Mapping[str, object] = {
            "bbo-tbt": at.bbo,
            "books5": at.books5,
            "tickers": lambda: [payloads.ticker(at.listing, at.engine)],
            "mark-price": lambda: [at.derived.mark()],
            "index-tickers": lambda: [at.derived.index()],
            "funding-rate": lambda: [at.derived.funding()],
            "open-interest": lambda: [at.derived.open_interest()],
        }
        make = rows[channel]
        assert callable(make)
        return payloads.push(channel, name, make())

    def told(self, name: str) -> None:
        """Push the instrument's state."""
        publisher = self.books[name]
        publisher.state = "suspend" if name in self.halted else "live"
        self._push_instrument(
            publisher.listing, "expired" if name in self.gone else publisher.state
        )

    def news(self, number: int) -> None:
        """The rows of all instruments as they were, then the next of the newcomer's states."""
        for name in self.names():
            self.told(name)
        self._push_instrument(self._newcomer, LIFE[number % len(LIFE)])

    def reset_sequence(self, name: str) -> bool:
        """The next push of its `books` begins the numbers again."""
        self.books[name].reset_sequence()
        return True

    def maintenance(self, lead_us: int) -> None:
        """A row of `status`: maintenance in so long."""
        begin_us = self.now_us() + lead_us
        self.announce(
            {
                "title": "WebSocket system upgrade",
                "state": "scheduled",
                "begin": payloads.stamp(begin_us),
                "end": payloads.stamp(begin_us + 60_000_000),
                "href": "",
                "preOpenBegin": "",
                "scheDesc": "",
                "serviceType": "0",
                "system": "unified",
                "maintType": "1",
                "env": "1",
                "ts": payloads.stamp(self.now_us()),
            }
        )

    def announce(self, row: payloads.Row) -> None:
        """Push a row of the channel `status`."""
        self.notices.append(row)
        body = payloads.encode_json({"arg": {"channel": "status"}, "data": [row]})
        self.hub.publish("status@status", lambda _: body)

    def _push_instrument(self, listing: Listing, state: str) -> None:
        kind = listing.inst_type
        body = payloads.push("instruments", kind, [listing.row(state)], "instType")
        self.hub.publish(f"{kind.lower()}@instruments", lambda _: body)

    def _stale_liquidation(self) -> bytes | None:
        """An hour old, as the first push after a subscription is."""
        swaps = [each for each in self.books.values() if each.listing.swap]
        if not swaps:
            return None
        fill = swaps[0].engine.tape.fill(swaps[0].engine.tape.first_id)
        row = payloads.liquidation(swaps[0].listing, fill, self.now_us() - HOUR_US)
        return payloads.push("liquidation-orders", "SWAP", [row], "instType")
