"""What all dialects of one process share: the time, its pace, and what coins are worth."""

import time

from workers.simulator.market.clock import Pacer
from workers.simulator.market.engine import STEP_US, WARM_UP_STEPS, Engine, EngineOptions
from workers.simulator.market.fair import Worths
from workers.simulator.market.instruments import Instrument
from workers.simulator.options import Options


class World:
    """The stage of the markets.

    Attributes:
        begin_s: engine time at the start, whole seconds since 1970.
        pacer: lets time pass in all markets alike.
        worths: what every market of a coin follows.
    """

    def __init__(self, options: Options) -> None:
        wall = options.start_ms is None
        self.begin_s = int(time.time()) if options.start_ms is None else options.start_ms // 1000
        self.pacer = Pacer(self.begin_s if wall else None)
        self.worths = Worths(options.seed, self.begin_us - WARM_UP_STEPS * STEP_US)
        self._options = options

    @property
    def begin_us(self) -> int:
        """The same in microseconds."""
        return self.begin_s * 1_000_000

    def engine(
        self,
        at: Instrument,
        rate: float,
        *,
        where: str = "",
        levels: int | None = None,
        merge_us: int = 0,
        follows: bool = True,
    ) -> Engine:
        """A market.

        Args:
            at: what is traded.
            rate: messages a second.
            where: the venue, so that equal names on two of them have orders of their own.
            levels: at most, where the instrument has fewer than the options say.
            merge_us: see EngineOptions.
            follows: whether its price is the coin's worth; premiums of options are not.
        """
        options = EngineOptions(
            seed=f"{self._options.seed}{where}",
            start_us=self.begin_us,
            rate=rate,
            levels=min(self._options.levels, levels or self._options.levels),
            journal_size=self._options.journal,
            merge_us=merge_us,
        )
        return Engine(at, options, self.worths.pair(at.base, at.quote) if follows else None)
