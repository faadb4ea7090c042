"""The made-up Deribit: one seeded market per instrument, one change counter for all."""

import time
from collections.abc import Mapping
from functools import partial

from workers.simulator.deribit.chatter import Chatter
from workers.simulator.deribit.instruments import listed, row
from workers.simulator.deribit.marks import ChangeCounter, Marks
from workers.simulator.deribit.prints import Prints, TradeIds
from workers.simulator.deribit.streams import InstrumentStreams
from workers.simulator.deribit.switches import switches
from workers.simulator.deribit.truth import DeribitTruth
from workers.simulator.faults import Fault
from workers.simulator.hub import Hub
from workers.simulator.live import Market
from workers.simulator.market.clock import Pacer
from workers.simulator.market.engine import Engine, EngineOptions
from workers.simulator.options import Options
from workers.simulator.truth import Truth

FIRST_CHANGE = 136_069_961_946
FIRST_TRADE = 416_203_311
IDS_FROM_S = 1_767_225_600
"""2026-01-01, when the ids above were current; later starts begin with greater ones."""

IDS_PER_S = 100_000
LEAST_RATE = 3.0
"""Messages a second of the quietest instrument."""


class DeribitMarket(Market):
    """All instruments.

    `--symbols` chooses among Deribit's own names; where it names none of them, all are traded.

    Attributes:
        streams: each instrument's market and channels, by its name.
        hidden: instruments that exist but are not listed yet.
        chatter: channels that belong to no instrument.
    """

    def __init__(self, options: Options, hub: Hub) -> None:
        self.switches = switches(options.switches)
        self.halted: set[str] = set()
        self.paused = False
        self.rate = options.rate
        now_s = time.time() if options.start_ms is None else options.start_ms / 1000
        begin_s = int(now_s)
        offered = listed(begin_s * 1000)
        contracts = [each for each in offered if each.raw in options.symbols] or list(offered)
        self.hidden = {offered[-1].raw} & {each.raw for each in contracts}
        passed = max(0, begin_s - IDS_FROM_S) * IDS_PER_S
        counter = ChangeCounter(options.seed, FIRST_CHANGE + passed)
        ids = TradeIds(FIRST_TRADE + passed)
        self.streams: dict[str, InstrumentStreams] = {}
        for at in contracts:
            engine = Engine(
                at,
                EngineOptions(
                    seed=options.seed,
                    start_us=begin_s * 1_000_000,
                    rate=max(LEAST_RATE, options.rate * at.busy),
                    levels=min(options.levels, at.levels),
                    journal_size=options.journal,
                ),
            )
            self.streams[at.raw] = InstrumentStreams(
                at,
                engine,
                hub,
                Marks(counter, engine.book.update_id, engine.now_us // 1000),
                Prints(at, engine.tape, ids, self.switches),
                partial(self.state, at.raw),
                bool(self.switches.exponents),
            )
        self.publishers = self.streams
        self.chatter = Chatter(hub, begin_s * 1_000_000)
        steps = [*(each.step for each in self.streams.values()), self.chatter.step]
        wall_s = begin_s if options.start_ms is None else None
        self.pacer = Pacer(steps, self._skip, hub.flush, wall_s)

    def truth(self) -> Truth:
        """What really happened."""
        return DeribitTruth(self.streams)

    def now_us(self) -> int:
        """Engine time."""
        return self.chatter.now_us

    def names(self) -> list[str]:
        """Instruments that are listed."""
        return [each for each in self.streams if each not in self.hidden]

    def state(self, name: str) -> str:
        """`open`, or `halted`."""
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

    def halt(self, symbol: str, halted: bool) -> None:
        """Stop or restart one instrument, by its name with or without hyphens."""
        for name, streams in self.streams.items():
            if symbol in (name, name.replace("-", "").upper()):
                super().halt(name, halted)
                at = streams.at
                self.chatter.state(at.kind, at.settlement, name, self.state(name))

    def set_rate(self, rate: float) -> None:
        """Messages a second, all instruments together."""
        self.rate = rate
        for streams in self.streams.values():
            streams.engine.set_rate(max(LEAST_RATE, rate * streams.at.busy))

    def weight(self, path: str, query: Mapping[str, str]) -> int:
        """Deribit counts credits by method instead; see credits.py."""
        return 0

    def _skip(self, seconds: int) -> None:
        super()._skip(seconds)
        self.chatter.now_us += seconds * 1_000_000

    def stale_change(self, name: str, fault: Fault) -> int:
        """The change_id of a book that is `updates` changes old."""
        streams = self.streams[name]
        book = streams.engine.book
        return streams.marks.change_before(max(book.oldest_id, book.update_id - fault.updates))
