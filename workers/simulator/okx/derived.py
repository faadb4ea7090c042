"""What follows from a swap's market: mark, index, funding, open interest. Made up, but coherent."""

import random
from collections.abc import Callable

from workers.simulator.market.engine import Engine
from workers.simulator.okx.listing import Listing, plain
from workers.simulator.okx.payloads import DAY_US, SHANGHAI_US, Row, opening, stamp

FUNDING_US = 8 * 3_600_000_000
MOST_FUNDING = 0.00375
OPEN_LOTS = 221_611_301


class Derived:
    """One instrument's figures beside its book.

    Args:
        listing: the instrument.
        engine: its market.
        spot: the market of its index; its own where spot is not listed.
        seed: of the funding history.
    """

    def __init__(self, listing: Listing, engine: Engine, spot: Engine, seed: int) -> None:
        self._listing, self._engine, self._spot, self._seed = listing, engine, spot, seed

    def mark_price(self) -> str:
        """`markPx`."""
        return self._listing.price(self._engine.mid_ticks())

    def mark(self) -> Row:
        """Row of `mark-price`."""
        return {
            "instType": self._listing.inst_type,
            "instId": self._listing.inst_id,
            "markPx": self.mark_price(),
            "ts": stamp(self._engine.now_us),
        }

    def index_price(self) -> str:
        """`idxPx`."""
        return plain(self._spot.mid_ticks() * self._spot.instrument.tick)

    def index(self) -> Row:
        """Row of `index-tickers`."""
        day = self._spot.candles.day(self._spot.now_us)

        def price(ticks: int) -> str:
            return plain(ticks * self._spot.instrument.tick)

        return {
            "instId": self._listing.index,
            "idxPx": self.index_price(),
            "open24h": price(day.open),
            "high24h": price(day.high),
            "low24h": price(day.low),
            "sodUtc0": price(opening(self._spot, 0)),
            "sodUtc8": price(opening(self._spot, SHANGHAI_US)),
            "ts": stamp(self._engine.now_us),
        }

    def funding(self) -> Row:
        """Row of `funding-rate`: the rate expected for `fundingTime`, and the last settled one."""
        now_us = self._engine.now_us
        due_us = now_us // FUNDING_US * FUNDING_US + FUNDING_US
        mark, index = float(self.mark_price()), float(self.index_price())
        premium = max(-MOST_FUNDING, min(MOST_FUNDING, (mark - index) / index))
        return {
            "formulaType": "noRate",
            "fundingRate": f"{premium:.16f}",
            "fundingTime": stamp(due_us),
            "impactValue": "",
            "instId": self._listing.inst_id,
            "instType": self._listing.inst_type,
            "interestRate": "",
            "method": "current_period",
            "maxFundingRate": f"{MOST_FUNDING:.5f}",
            "minFundingRate": f"{-MOST_FUNDING:.5f}",
            "nextFundingRate": "",
            "nextFundingTime": stamp(due_us + FUNDING_US),
            "premium": f"{premium:.16f}",
            "settFundingRate": self._settled(due_us - FUNDING_US),
            "settState": "settled",
            "ts": stamp(now_us),
        }

    def funding_history(self, wanted: Callable[[int], bool], limit: int) -> list[Row]:
        """Settled rates of three months, newest first; `wanted` judges a time in milliseconds."""
        newest = self._engine.now_us // FUNDING_US * FUNDING_US
        times = range(newest, newest - 90 * DAY_US, -FUNDING_US)
        rows: list[Row] = [
            {
                "instType": self._listing.inst_type,
                "instId": self._listing.inst_id,
                "formulaType": "noRate",
                "fundingRate": self._settled(each),
                "realizedRate": self._settled(each),
                "fundingTime": stamp(each),
                "method": "current_period",
            }
            for each in times
            if wanted(each // 1000)
        ]
        return rows[:limit]

    def open_interest(self) -> Row:
        """Row of `open-interest`; contracts, coins, dollars."""
        tape, listing = self._engine.tape, self._listing
        lots = OPEN_LOTS + (tape.next_id - tape.first_id) % 1_000_003
        value = lots * self._engine.mid_ticks()
        return {
            "instId": listing.inst_id,
            "instType": listing.inst_type,
            "oi": listing.size(lots),
            "oiCcy": listing.coins(lots, value),
            "oiUsd": listing.money(lots, value),
            "ts": stamp(self._engine.now_us),
        }

    def _settled(self, time_us: int) -> str:
        drawn = random.Random(f"{self._seed}:{self._listing.inst_id}:{time_us}").gauss(1e-4, 5e-5)
        return f"{drawn:.16f}"
