"""The made-up Deribit: one seeded market per instrument, one change counter for all."""

from functools import partial

from workers.simulator.deribit.channels import hub_key
from workers.simulator.deribit.chatter import Chatter
from workers.simulator.deribit.instruments import Contract, listed, row
from workers.simulator.deribit.prints import Prints, TradeIds
from workers.simulator.deribit.streams import InstrumentStreams
from workers.simulator.deribit.switches import Switches
from workers.simulator.deribit.truth import DeribitTruth
from workers.simulator.faults import Fault
from workers.simulator.hub import Hub
from workers.simulator.live import Market
from workers.simulator.market.marks import ChangeCounter, Marks
from workers.simulator.options import Options
from workers.simulator.world import World

FIRST_CHANGE = 136_069_961_946
FIRST_TRADE = 416_203_311
IDS_FROM_S = 1_767_225_600
"""2026-01-01, when the ids above were current; later starts begin with greater ones."""

IDS_PER_S = 100_000
LEAST_RATE = 3.0
"""Messages a second of the quietest instrument."""


class DeribitMarket(Market):
    """All instruments.

    `--symbols` chooses among Deribit's own names, else those on its coins; else all are traded.

    Attributes:
        streams: each instrument's market and channels, by its name.
        hidden: instruments that exist but are not listed yet.
        chatter: channels that belong to no instrument.
        worths: what coins are worth.

    Args:
        options: symbols and seed.
        switches: of the dialect.
        world: time and worth.
        hub: where events go.
        rate: messages a second.
    """

    def __init__(
        self, options: Options, switches: Switches, world: World, hub: Hub, rate: float
    ) -> None:
        super().__init__(world, hub, hub_key, rate=rate, news_s=options.news_s)
        self.switches, self.worths = switches, world.worths
        offered = listed(world.begin_s * 1000)
        contracts = chosen(offered, options.symbols)
        self.hidden = {offered[-1].raw} & {each.raw for each in contracts}
        passed = max(0, world.begin_s - IDS_FROM_S) * IDS_PER_S
        counter = ChangeCounter(options.seed, FIRST_CHANGE + passed)
        ids = TradeIds(FIRST_TRADE + passed)
        self.streams: dict[str, InstrumentStreams] = {}
        for at in contracts:
            engine = world.engine(
                at,
                max(LEAST_RATE, rate * at.busy),
                where=":deribit",
                levels=at.levels,
                follows=at.kind != "option",
            )
            self.streams[at.raw] = InstrumentStreams(
                at,
                engine,
                hub,
                Marks(counter, engine.book.update_id, engine.now_us // 1000),
                Prints(at, engine.tape, ids, switches, world.worths),
                partial(self.state, at.raw),
                bool(switches.exponents),
                world.worths,
            )
        self.publishers.update(self.streams)
        self.chatter = Chatter(hub, world.begin_us, world.worths)
        self.begin([self.chatter.step])

    def truth(self) -> DeribitTruth:
        """What really happened."""
        return DeribitTruth(self.streams, self.find)

    def now_us(self) -> int:
        """Engine time."""
        return self.chatter.now_us

    def names(self) -> list[str]:
        """Instruments that are listed."""
        return [each for each in self.streams if each not in self.hidden | self.gone]

    def state(self, name: str) -> str:
        """`open`, `halted`, or `archivized` once it is gone."""
        if name in self.gone:
            return "archivized"
        return "halted" if name in self.halted else "open"

    def row(self, name: str) -> dict[str, object]:
        """An instrument as get_instruments shows it."""
        number = list(self.streams).index(name)
        return row(self.streams[name].at, self.state(name), number)

    def list_instrument(self, name: str) -> bool:
        """List a hidden instrument and tell the subscribers; False if it was listed."""
        if name not in self.hidden:
            return False
        self.hidden.discard(name)
        at = self.streams[name].at
        self.chatter.creation(at.kind, at.settlement, self.row(name))
        self.chatter.state(at.kind, at.settlement, name, "open")
        return True

    def told(self, name: str) -> None:
        """Push the instrument's state."""
        at = self.streams[name].at
        self.chatter.state(at.kind, at.settlement, name, self.state(name))

    def news(self, number: int) -> None:
        """All states as they were, and the hidden one: listed, then halted, then open again."""
        for name in self.names():
            self.told(name)
        if self.hidden:
            self.list_instrument(next(iter(self.hidden)))
        else:
            last = list(self.streams)[-1]
            self.halt(last, last not in self.halted)

    def maintenance(self, lead_us: int) -> None:
        """`platform_state` says it."""
        self.chatter.platform({"maintenance": True})

    def set_rate(self, rate: float) -> None:
        """Messages a second, all instruments together."""
        self.rate = rate
        for streams in self.streams.values():
            streams.engine.set_rate(max(LEAST_RATE, rate * streams.at.busy))

    def skip(self, seconds: int) -> None:
        """Let time pass in which nothing happens."""
        super().skip(seconds)
        self.chatter.now_us += seconds * 1_000_000

    def stale_change(self, name: str, fault: Fault) -> int:
        """The change_id of a book that is `updates` changes old."""
        streams = self.streams[name]
        book = streams.engine.book
        return streams.marks.change_before(max(book.oldest_id, book.update_id - fault.updates))


def chosen(offered: tuple[Contract, ...], symbols: tuple[str, ...]) -> list[Contract]:
    """By their own names, else those on the coins of the symbols, else all."""
    bases = {each.partition("-")[0].upper() for each in symbols}
    named = [each for each in offered if each.raw in symbols]
    return named or [each for each in offered if each.base in bases] or list(offered)
