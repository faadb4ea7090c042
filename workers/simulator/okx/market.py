"""All instruments of the simulated OKX, their time, and the first pushes of subscriptions."""

import time
from collections.abc import Mapping

from workers.simulator.hub import Hub
from workers.simulator.market.clock import Pacer
from workers.simulator.market.engine import Engine, EngineOptions
from workers.simulator.okx import payloads
from workers.simulator.okx.control import Topic
from workers.simulator.okx.derived import Derived
from workers.simulator.okx.listing import SWAP, Listing, listings, stream_key
from workers.simulator.okx.options import OkxOptions
from workers.simulator.okx.publisher import FAST_STEPS, Publisher
from workers.simulator.options import Options

HOUR_US = 3_600_000_000


class OkxMarket:
    """The markets.

    Attributes:
        publishers: by instrument id.
        listed: instrument ids.
        notices: rows of the channel `status`, newest last.
    """

    def __init__(self, options: Options, okx: OkxOptions, hub: Hub) -> None:
        self.publishers: dict[str, Publisher] = {}
        self.halted: set[str] = set()
        self.notices: list[payloads.Row] = []
        self.paused = False
        self.rate = options.rate
        self._hub = hub
        begin_s = int(time.time()) if options.start_ms is None else options.start_ms // 1000
        listed = {each.inst_id: each for symbol in options.symbols for each in listings(symbol)}
        engines = {
            name: Engine(
                each.at,
                EngineOptions(
                    seed=options.seed + 1_000_003 * each.swap,
                    start_us=begin_s * 1_000_000,
                    rate=options.rate / len(listed),
                    levels=options.levels,
                    journal_size=options.journal,
                ),
            )
            for name, each in listed.items()
        }
        for index, (name, listing) in enumerate(listed.items()):
            spot = engines.get(listing.index, engines[name])
            self.publishers[name] = Publisher(
                listing,
                engines[name],
                Derived(listing, engines[name], spot, options.seed),
                hub=hub,
                options=okx,
                phase=index * 7 % FAST_STEPS,
            )
        self.listed = frozenset(listed)
        steps = [publisher.step for publisher in self.publishers.values()]
        self.pacer = Pacer(
            steps, self._skip, hub.flush, begin_s if options.start_ms is None else None
        )

    def now_us(self) -> int:
        """Engine time."""
        return max(each.engine.now_us for each in self.publishers.values())

    def find(self, symbol: str) -> Publisher | None:
        """By instrument id, also `BTCUSDTSWAP` and our `BTC-USDT-PERP`."""
        wanted = stream_key(symbol.upper().replace("-PERP", SWAP))
        return next((e for e in self.publishers.values() if e.listing.key == wanted), None)

    def instruments(self, kind: str) -> list[payloads.Row]:
        """Rows of all instruments of a kind."""
        found = (each for each in self.publishers.values() if each.listing.inst_type == kind)
        return [each.listing.row(each.state) for each in found]

    def greeting(self, topic: Topic) -> bytes | None:
        """First push of a new subscription; `instruments`, trades and status have none."""
        channel, name = topic
        if channel == "liquidation-orders":
            return self._stale_liquidation()
        at = self.publishers.get(f"{name}-SWAP" if channel == "index-tickers" else name)
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

    def halt(self, symbol: str, halted: bool) -> bool:
        """Stop or restart an instrument; False where there is none. Its new state is pushed."""
        publisher = self.find(symbol)
        if publisher is None:
            return False
        listing = publisher.listing
        publisher.state = "suspend" if halted else "live"
        (self.halted.add if halted else self.halted.discard)(listing.inst_id)
        self._wake()
        self._push_instrument(listing, publisher.state)
        return True

    def announce(self, row: payloads.Row) -> None:
        """Push a row of the channel `status`."""
        self.notices.append(row)
        body = payloads.encode_json({"arg": {"channel": "status"}, "data": [row]})
        self._hub.publish("status@status", lambda _: body)

    def set_rate(self, rate: float) -> None:
        """Messages a second, all instruments together."""
        self.rate = rate
        for publisher in self.publishers.values():
            publisher.engine.set_rate(rate / len(self.publishers))

    def _push_instrument(self, listing: Listing, state: str) -> None:
        kind = listing.inst_type
        body = payloads.push("instruments", kind, [listing.row(state)], "instType")
        self._hub.publish(f"{kind.lower()}@instruments", lambda _: body)

    def _stale_liquidation(self) -> bytes | None:
        """An hour old, as the first push after a subscription is."""
        swaps = [each for each in self.publishers.values() if each.listing.swap]
        if not swaps:
            return None
        fill = swaps[0].engine.tape.fill(swaps[0].engine.tape.first_id)
        row = payloads.liquidation(swaps[0].listing, fill, self.now_us() - HOUR_US)
        return payloads.push("liquidation-orders", "SWAP", [row], "instType")

    def _skip(self, seconds: int) -> None:
        for publisher in self.publishers.values():
            publisher.engine.now_us += seconds * 1_000_000

    def _wake(self) -> None:
        for name, publisher in self.publishers.items():
            publisher.engine.active = not self.paused and name not in self.halted
