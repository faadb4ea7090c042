"""Instruments as OKX lists them: ids, texts of numbers, contract sizes.

Prices are whole ticks and quantities whole lots in the market engine. A spot lot is a part of the
base coin. A lot of a swap is 0.01 contracts; a contract is so many base coins (linear) or, for
instruments quoted in USD, 100 dollars (inverse).
"""

from dataclasses import dataclass, replace

from workers.simulator.market.instruments import SCALE, Instrument, instrument

SWAP = "-SWAP"
LOTS_IN_CONTRACT = 100
DOLLARS_IN_CONTRACT = 100
LISTED_MS = "1611916828000"


def plain(units: int) -> str:
    """Text of a number of 1e-8 units without idle zeros: 6392100000000 -> `63921`."""
    whole, part = divmod(units, SCALE)
    return f"{whole}.{part:08d}".rstrip("0").rstrip(".") if part else str(whole)


@dataclass(frozen=True)
class Listing:
    """One instrument of OKX.

    Args:
        inst_id: `BTC-USDT`, `BTC-USDT-SWAP`, `BTC-USD-SWAP`.
        at: its ticks and lots in the engine.
        contract: base coins in a contract in 1e-8 units; 0 for spot and inverse swaps.
    """

    inst_id: str
    at: Instrument
    contract: int = 0

    @property
    def swap(self) -> bool:
        """Whether it is a perpetual swap."""
        return self.inst_id.endswith(SWAP)

    @property
    def inverse(self) -> bool:
        """Whether its contracts are dollars."""
        return self.swap and not self.contract

    @property
    def inst_type(self) -> str:
        """`SPOT` or `SWAP`."""
        return "SWAP" if self.swap else "SPOT"

    @property
    def index(self) -> str:
        """Its index, `BTC-USDT`."""
        return self.inst_id.removesuffix(SWAP)

    @property
    def key(self) -> str:
        """What its streams begin with, `btcusdtswap`."""
        return stream_key(self.inst_id)

    def price(self, ticks: int) -> str:
        """A price."""
        return plain(ticks * self.at.tick)

    def size(self, lots: int) -> str:
        """A quantity in the exchange's own unit: base coins, or contracts."""
        if self.swap:
            return plain(lots * (SCALE // LOTS_IN_CONTRACT))
        return plain(lots * self.at.lot)

    def coins(self, lots: int, value: int) -> str:
        """Base coins of so many lots that were worth `value` ticks times lots."""
        if not self.inverse:
            return plain(lots * self.at.lot)
        average = value * self.at.tick // lots if lots else 0
        return plain(lots * SCALE * SCALE // average) if average else "0"

    def money(self, lots: int, value: int) -> str:
        """Quote coins of so many lots that were worth `value` ticks times lots."""
        if self.inverse:
            return str(lots * DOLLARS_IN_CONTRACT // LOTS_IN_CONTRACT)
        return plain(value * self.at.tick * self.at.lot // SCALE)

    def row(self, state: str) -> dict[str, object]:
        """As `/api/v5/public/instruments` and the channel `instruments` show it."""
        at, swap = self.at, self.swap
        lot = "0.01" if swap else plain(at.lot)
        return {
            "instType": self.inst_type,
            "instId": self.inst_id,
            "uly": self.index if swap else "",
            "instFamily": self.index if swap else "",
            "baseCcy": "" if swap else at.base,
            "quoteCcy": "" if swap else at.quote,
            "settleCcy": (at.base if self.inverse else at.quote) if swap else "",
            "ctVal": self.contract_value,
            "ctMult": "1" if swap else "",
            "ctValCcy": (at.quote if self.inverse else at.base) if swap else "",
            "ctType": ("inverse" if self.inverse else "linear") if swap else "",
            "tickSz": plain(at.tick),
            "lotSz": lot,
            "minSz": lot,
            "listTime": LISTED_MS,
            "expTime": "",
            "state": state,
            "ruleType": "normal",
            "instCategory": "1",
            "instIdCode": 10_000 + sum(self.inst_id.encode()),
            "upcChg": [],
        }

    @property
    def contract_value(self) -> str:
        """`ctVal`: base coins, or dollars, in a contract; empty for spot."""
        if self.inverse:
            return str(DOLLARS_IN_CONTRACT)
        return plain(self.contract) if self.swap else ""


def stream_key(name: str) -> str:
    """`BTC-USDT-SWAP` -> `btcusdtswap`, as faults name symbols."""
    return name.replace("-", "").lower()


def hub_key(symbol: str) -> str:
    """The same of a symbol in any form, also our `BTC-USDT-PERP`."""
    return stream_key(symbol.upper().replace("-PERP", SWAP))


def listings(symbol: str) -> list[Listing]:
    """`BTC-USDT` is listed as spot and as swap; `BTC-USDT-SPOT` and `BTC-USDT-SWAP` as one.

    Raises:
        ValueError: it is not BASE-QUOTE with one of these endings or none.
    """
    name = symbol.upper().replace("-PERP", SWAP)
    pair = name.removesuffix(SWAP).removesuffix("-SPOT")
    at = instrument(pair)
    found = []
    if not name.endswith(SWAP):
        found.append(Listing(pair, at))
    if not name.endswith("-SPOT"):
        if at.quote == "USD":
            lot = max(1, SCALE * SCALE // (at.price_ticks * at.tick))
            found.append(Listing(pair + SWAP, replace(at, lot=lot)))
        else:
            lot = at.lot * 10
            found.append(Listing(pair + SWAP, replace(at, lot=lot), lot * LOTS_IN_CONTRACT))
    return found
