"""What follows from a contract's market: mark, index, funding, open interest, ratios.

Made up, but coherent: functions of the seed and the time, so that a row asked for twice is equal.
"""

import random

from workers.simulator.market.engine import Engine
from workers.simulator.market.instruments import SCALE, decimal8
from workers.simulator.usdm.switches import Switches

FUNDING_US = 8 * 3_600_000_000
MOST_FUNDING = 0.003
OPEN_COINS = 80_000


class Figures:
    """One contract's figures beside its book.

    Args:
        engine: its market.
        seed: of funding, open interest and ratios.
        switches: how late they are.
    """

    def __init__(self, engine: Engine, seed: int, switches: Switches) -> None:
        self._engine, self._seed, self._switches = engine, seed, switches
        self._at = engine.instrument

    def mark_units(self) -> int:
        """Mark price in 1e-8 units."""
        return self._engine.mid_ticks() * self._at.tick

    def index_units(self) -> int:
        """Index price in 1e-8 units: what the coin is worth."""
        worth = self._engine.worth(self._engine.now_us)
        return int(self._at.price_ticks * self._at.tick * worth)

    def rate(self) -> str:
        """The rate expected for the next payment."""
        index = self.index_units()
        premium = (self.mark_units() - index) / index
        return f"{max(-MOST_FUNDING, min(MOST_FUNDING, premium + 1e-4)):.8f}"

    def next_funding_us(self) -> int:
        """When it is paid."""
        return self._engine.now_us // FUNDING_US * FUNDING_US + FUNDING_US

    def settled(self, time_us: int) -> str:
        """The rate that was paid at a time."""
        return f"{self._drawn('funding', time_us).gauss(1e-4, 5e-5):.8f}"

    def worth_at(self, time_us: int) -> str:
        """The price at a time, also of the past."""
        return decimal8(int(self._at.price_ticks * self._at.tick * self._engine.worth(time_us)))

    def mark(self) -> dict[str, object]:
        """`<symbol>@markPrice`."""
        mark = decimal8(self.mark_units())
        return {
            "e": "markPriceUpdate",
            "E": self._engine.now_us // 1000,
            "s": self._at.name,
            "p": mark,
            "i": decimal8(self.index_units()),
            "P": mark,
            "r": self.rate(),
            "ap": mark,
            "T": self.next_funding_us() // 1000,
            "st": 1,
        }

    def premium(self) -> dict[str, object]:
        """A row of /fapi/v1/premiumIndex."""
        mark = decimal8(self.mark_units())
        return {
            "symbol": self._at.name,
            "markPrice": mark,
            "indexPrice": decimal8(self.index_units()),
            "estimatedSettlePrice": mark,
            "lastFundingRate": self.rate(),
            "interestRate": "0.00010000",
            "nextFundingTime": self.next_funding_us() // 1000,
            "time": self._engine.now_us // 1000,
        }

    def open_interest(self) -> dict[str, object]:
        """/fapi/v1/openInterest: renewed now and then, and late."""
        every_us = max(1, int(self._switches.interest_lag_s * 1e6))
        slot_us = (self._engine.now_us - every_us) // every_us * every_us
        return {
            "openInterest": self._at.quantity(self._open_lots(slot_us)),
            "symbol": self._at.name,
            "time": slot_us // 1000,
        }

    def interest_row(self, time_us: int) -> dict[str, object]:
        """A row of /futures/data/openInterestHist."""
        units = self._open_lots(time_us) * self._at.lot
        price = int(self._at.price_ticks * self._at.tick * self._engine.worth(time_us))
        return {
            "symbol": self._at.name,
            "sumOpenInterest": decimal8(units),
            "sumOpenInterestValue": decimal8(units * price // SCALE),
            "CMCCirculatingSupply": "165880.538",
            "timestamp": time_us // 1000,
        }

    def ratio_row(self, kind: str, time_us: int) -> dict[str, object]:
        """A row of one of the long/short ratios."""
        ratio = self._drawn(kind, time_us).lognormvariate(0.1, 0.2)
        return {
            "symbol": self._at.name,
            "longShortRatio": f"{ratio:.4f}",
            "longAccount": f"{ratio / (1 + ratio):.4f}",
            "shortAccount": f"{1 / (1 + ratio):.4f}",
            "timestamp": time_us // 1000,
        }

    def taker_row(self, time_us: int) -> dict[str, object]:
        """A row of takerlongshortRatio, which names no symbol."""
        drawn = self._drawn("taker", time_us)
        bought, sold = drawn.uniform(100, 900), drawn.uniform(100, 900)
        return {
            "buySellRatio": f"{bought / sold:.4f}",
            "buyVol": f"{bought:.4f}",
            "sellVol": f"{sold:.4f}",
            "timestamp": time_us // 1000,
        }

    def _open_lots(self, time_us: int) -> int:
        coins = OPEN_COINS + self._drawn("interest", time_us).uniform(-400, 400)
        return int(coins * SCALE) // self._at.lot

    def _drawn(self, what: str, time_us: int) -> random.Random:
        return random.Random(f"{self._seed}:{self._at.name}:{what}:{time_us}")
