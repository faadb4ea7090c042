"""The made-up Binance USD-M: one seeded market per contract, one counter of update ids for all."""

from collections.abc import Mapping

from workers.simulator.binance.market import MOST_BURSTS
from workers.simulator.binance.replies import ApiError, Parameters
from workers.simulator.faults import Fault
from workers.simulator.hub import Hub
from workers.simulator.live import Market
from workers.simulator.market.instruments import Instrument
from workers.simulator.market.marks import ChangeCounter, Marks
from workers.simulator.options import Options
from workers.simulator.truth import MarkedTruth, Row
from workers.simulator.usdm.endpoints import ENDPOINTS, bucket
from workers.simulator.usdm.figures import Figures
from workers.simulator.usdm.names import NEVER_MS, ONBOARD_MS, hub_key, perpetual
from workers.simulator.usdm.overview import Overview
from workers.simulator.usdm.payloads import contract_info
from workers.simulator.usdm.publisher import FAST_STEPS, UsdmPublisher
from workers.simulator.usdm.rest import UsdmRest
from workers.simulator.usdm.switches import Switches
from workers.simulator.world import World

DEPTH_PATH = "/fapi/v1/depth"
INFO = "!contractInfo"
FIRST_ID = 600_859_599_090
IDS_FROM_S, IDS_PER_S = 1_626_992_741, 200_000
"""Update ids were so high in July 2021; later starts begin with greater ones."""

MERGE_US = 100_000
"""aggTrade joins the fills of one price and side within this."""

NEWCOMER = "NEWS-USDT"
"""A contract that is announced, listed, settled and closed again, and never trades."""

LIFE = ("PENDING_TRADING", "TRADING", "SETTLING", "CLOSE")
COIN_M = 2


class UsdmTruth(MarkedTruth[UsdmPublisher]):
    """The markets, asked from the side; ids are those on the wire."""

    def ours(self, name: str, streams: UsdmPublisher) -> str:
        """The symbol as we write it."""
        return f"{super().ours(name, streams)}-PERP"

    def facts(self, streams: UsdmPublisher) -> Row:
        """How many liquidations there were, and how many the stream told of."""
        return {"liquidations": streams.liquidated, "liquidations_told": streams.told}


class UsdmMarket(Market):
    """All contracts.

    Attributes:
        contracts: what `publishers` holds, with what only USD-M has.

    Args:
        options: symbols, weight, seed.
        switches: of the dialect.
        world: time and worth.
        hub: where events go.
        rate: messages a second.
    """

    def __init__(
        self, options: Options, switches: Switches, world: World, hub: Hub, rate: float
    ) -> None:
        super().__init__(world, hub, hub_key, rate=rate, news_s=options.news_s)
        passed = max(0, world.begin_s - IDS_FROM_S) * IDS_PER_S
        counter = ChangeCounter(options.seed, FIRST_ID + passed, unseen=(1, 40))
        self.contracts: dict[str, UsdmPublisher] = {}
        for index, symbol in enumerate(options.symbols):
            at = perpetual(symbol)
            engine = world.engine(at, rate / len(options.symbols), where=":usdm", merge_us=MERGE_US)
            self.contracts[at.name] = UsdmPublisher(
                engine,
                Marks(counter, engine.book.update_id, engine.now_us // 1000),
                Figures(engine, options.seed, switches),
                hub=hub,
                switches=switches,
                phase=index * 7 % FAST_STEPS,
            )
        self.publishers.update(self.contracts)
        self._newcomer, self._life = perpetual(NEWCOMER), 0
        self.rest = UsdmRest(
            self.contracts,
            self.halted,
            self.gone,
            int(switches.weight),
            switches=switches,
            newcomer=self.newcomer,
        )
        overview = Overview(self.contracts, self.gone, hub, bool(switches.leaks))
        self.begin([overview.step])

    def newcomer(self) -> tuple[Instrument, str]:
        """The contract that never trades, and its status."""
        return self._newcomer, LIFE[self._life % len(LIFE)]

    def weight(self, path: str, query: Mapping[str, str]) -> int:
        """What a request costs; unknown paths cost 1."""
        endpoint = ENDPOINTS.get(path)
        return endpoint.weight(query) if endpoint else 1

    def bucket(self, path: str) -> str | None:
        """Where a request counts instead."""
        return bucket(path)

    def answer(self, path: str, query: Mapping[str, str], micro: bool) -> bytes:
        """The reply to a REST request; times are milliseconds. Raises ApiError."""
        endpoint = ENDPOINTS.get(path)
        if endpoint is None:
            raise ApiError(-5000, f"Path {path}, Method GET is invalid", 404)
        return endpoint.answer(self.rest, Parameters(query, endpoint.known), False)

    async def odd_snapshot(self, fault: Fault, query: Mapping[str, str]) -> bytes:
        """A snapshot `updates` ids old, or one whose id the next event has as its `pu`."""
        parameters = Parameters(query, ENDPOINTS[DEPTH_PATH].known)
        at, limit = self.rest.contract(parameters), parameters.limit(500, 1000)
        book = at.engine.book
        if fault.kind == "stale_snapshot":
            wanted = max(book.oldest_id, book.update_id - fault.updates)
            return self.rest.depth(at.symbol, limit, wanted)
        published = at.fast_id
        body = self.rest.depth(at.symbol, limit, published)
        for _ in range(MOST_BURSTS):
            if at.fast_id != published:
                break
            await self.pacer.burst()
        return body

    def subscribed(self) -> None:
        """A market does not wait for listeners."""

    def truth(self) -> UsdmTruth:
        """What really happened."""
        return UsdmTruth(self.contracts, self.find)

    def now_us(self) -> int:
        """Engine time."""
        return self.rest.now_us()

    def told(self, name: str) -> None:
        """Push the contract's status."""
        status = "CLOSE" if name in self.gone else self.rest.status(name)
        self._inform(name, status)

    def maintenance(self, lead_us: int) -> None:
        """Each connection is told alone."""

    def news(self, number: int) -> None:
        """New brackets of all contracts, then the next step of the newcomer's life; and a leak."""
        for name in self.names():
            self._inform(name, self.rest.status(name), brackets=True)
        self._life += 1
        self._inform(*_named(self.newcomer()))
        self._inform("BTCUSD_PERP", "TRADING", brackets=True, st=COIN_M)

    def _inform(self, name: str, status: str, *, brackets: bool = False, st: int = 1) -> None:
        dates = NEVER_MS, ONBOARD_MS
        payload = contract_info(name, status, self.now_us(), dates, brackets=brackets, st=st)
        self.hub.publish(INFO, lambda _: payload)


def _named(listed: tuple[Instrument, str]) -> tuple[str, str]:
    return listed[0].name, listed[1]
