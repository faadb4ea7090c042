"""The exchanges the collector is tried with, and their truth in our own words."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from tests.simulated import SideDoor

Levels = list[tuple[Decimal, Decimal]]


@dataclass(frozen=True)
class Dialect:
    """One exchange, simulated.

    Args:
        exchange: its name.
        options: of the simulator.
        raw: their names by ours, books first.
        path: behind the simulator's address, for `ws_url`.
        dollars: symbols whose amounts are dollars; ours are coins.
        books: what their book streams are called in faults.
        trades: the same for single trades.
        indices: collected beside the symbols.
        env: settings of the exchange that differ.
    """

    exchange: str
    options: tuple[str, ...]
    raw: dict[str, str]
    path: str = ""
    dollars: tuple[str, ...] = ()
    books: str = "@books"
    trades: str = "@trades"
    indices: tuple[str, ...] = ()
    env: dict[str, str] = field(default_factory=dict)

    @property
    def symbols(self) -> list[str]:
        return list(self.raw)

    def book(
        self, simulator: SideDoor, symbol: str, update_id: int, depth: int
    ) -> dict[str, Levels]:
        """The true book after an update id, `depth` levels a side, in base units."""
        truth = simulator.book(self.raw[symbol], update_id, depth)
        value = Decimal(truth.get("contract_value") or "1")
        return {
            side: [(Decimal(p), self._base(symbol, p, q, value)) for p, q in truth[side]]
            for side in ("bids", "asks")
        }

    def trades_made(
        self, simulator: SideDoor, symbol: str, first: int, last: int
    ) -> list[tuple[int, Decimal, Decimal, str]]:
        """Id, price, quantity in base units and taker's side of every trade."""
        answer = simulator.get(
            "/sim/truth/trades", symbol=self.raw[symbol], from_id=first, to_id=last
        )
        value = Decimal(answer.get("contract_value") or "1")
        return [
            (
                each["id"],
                Decimal(each["price"]),
                self._base(symbol, each["price"], each["quantity"], value),
                each["side"],
            )
            for each in answer["trades"]
        ]

    def _base(self, symbol: str, price: str, quantity: str, value: Decimal) -> Decimal:
        amount = Decimal(quantity) * value
        return rounded(amount / Decimal(price) if symbol in self.dollars else amount)


def rounded(quantity: Decimal | str) -> Decimal:
    """To 12 places: what is divided by a price never ends."""
    return Decimal(quantity).quantize(Decimal("1e-12"))


def levels_of(book: dict[str, Any]) -> dict[str, Levels]:
    """A book of ours in the same shape as `Dialect.book`."""
    return {
        side: [(Decimal(price), rounded(quantity)) for price, quantity in book[side]]
        for side in ("bids", "asks")
    }


SPOT = Dialect(
    exchange="binance_spot",
    options=("--dialect", "binance_spot"),
    raw={"BTC-USDT": "BTCUSDT", "ETH-USDT": "ETHUSDT", "SOL-USDT": "SOLUSDT"},
    books="@depth",
    trades="@trade",
    env={"CHANNELS": "trade,orderbook,ticker"},
)
USDM = Dialect(
    exchange="binance_derivatives",
    options=("--dialect", "binance_derivatives", "--symbols", "BTC-USDT,ETH-USDT"),
    raw={"BTC-USDT-PERP": "BTCUSDT", "ETH-USDT-PERP": "ETHUSDT"},
    books="@depth",
    trades="@trade",
)
OKX_SPOT = Dialect(
    exchange="okx_spot",
    options=("--dialect", "okx", "--symbols", "BTC-USDT,ETH-USDT"),
    raw={"BTC-USDT": "BTC-USDT", "ETH-USDT": "ETH-USDT"},
    path="/ws/v5",
    trades="@trades-all",
)
OKX_DERIVATIVES = Dialect(
    exchange="okx_derivatives",
    options=("--dialect", "okx", "--symbols", "BTC-USDT,ETH-USDT,BTC-USD-SWAP"),
    raw={
        "BTC-USDT-PERP": "BTC-USDT-SWAP",
        "ETH-USDT-PERP": "ETH-USDT-SWAP",
        "BTC-USD-PERP": "BTC-USD-SWAP",
    },
    path="/ws/v5",
    dollars=("BTC-USD-PERP",),
    trades="@trades-all",
)
DERIBIT = Dialect(
    exchange="deribit",
    options=("--dialect", "deribit"),
    raw={
        "BTC-USD-PERP": "BTC-PERPETUAL",
        "ETH-USD-PERP": "ETH-PERPETUAL",
        "BTC-USDC-PERP": "BTC_USDC-PERPETUAL",
    },
    dollars=("BTC-USD-PERP", "ETH-USD-PERP"),
    books="book.",
    trades="trades.",
    indices=("BTC-DVOL",),
)
ALL = (SPOT, USDM, OKX_SPOT, OKX_DERIVATIVES, DERIBIT)
