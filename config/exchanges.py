"""The exchanges and what may be collected from each, as the settings know it.

The exchange folders say the same in code; a test holds the two together. Packages may add
exchanges of their own (entry points `marketprism.exchanges`): their names are known here, their
channels only where exchanges may be imported.
"""

from importlib.metadata import entry_points
from typing import Literal, NamedTuple

ENTRY_POINTS = "marketprism.exchanges"

Channel = Literal[
    "trade",
    "aggregate-trade",
    "orderbook",
    "ticker",
    "book-ticker",
    "kline",
    "kline-1s",
    "kline-3m",
    "kline-5m",
    "kline-10m",
    "kline-15m",
    "kline-30m",
    "kline-1h",
    "kline-2h",
    "kline-3h",
    "kline-4h",
    "kline-6h",
    "kline-8h",
    "kline-12h",
    "kline-1d",
    "kline-2d",
    "kline-3d",
    "kline-1w",
    "kline-1M",
    "kline-3M",
    "funding-rate",
    "mark-price",
    "index-price",
    "open-interest",
    "liquidation",
    "volatility-index",
    "instrument",
]
"""What can be subscribed to somewhere; `kline` has candles of one minute, `1M` is a month."""

Kind = Literal["pair", "contract", "index"]
"""What a symbol names: `BTC-USDT`, `BTC-USDT-PERP` and the like, `BTC-DVOL`."""


class Offer(NamedTuple):
    """What an exchange offers and what is collected where nobody chooses.

    Args:
        channels: all it has.
        collected: the default of `channels`.
        depth: the default of `depth`: the deepest book it gives.
        kinds: the kinds of symbols it lists.
    """

    channels: tuple[str, ...]
    collected: tuple[str, ...]
    depth: int
    kinds: tuple[Kind, ...]


def _names(text: str, klines: str) -> tuple[str, ...]:
    return (*text.split(), *(f"kline-{interval}" for interval in klines.split()))


_BINANCE_KLINES = "3m 5m 15m 30m 1h 2h 4h 6h 8h 12h 1d 3d 1w 1M"
_OKX_KLINES = "1s 3m 5m 15m 30m 1h 2h 4h 6h 12h 1d 2d 3d 1w 1M 3M"
_EVERYWHERE = "trade orderbook ticker book-ticker kline"

OFFERS = {
    "binance_spot": Offer(
        _names(f"{_EVERYWHERE} aggregate-trade", f"1s {_BINANCE_KLINES}"),
        ("trade", "orderbook", "ticker", "kline"),
        5000,
        ("pair",),
    ),
    "binance_derivatives": Offer(
        _names(
            f"{_EVERYWHERE} aggregate-trade funding-rate liquidation instrument", _BINANCE_KLINES
        ),
        (
            # book-ticker: its ticker has no best bid and ask
            *("trade", "orderbook", "ticker", "book-ticker", "kline"),
            *("funding-rate", "liquidation", "instrument"),
        ),
        1000,
        ("contract",),
    ),
    "okx_spot": Offer(
        _names(f"{_EVERYWHERE} aggregate-trade instrument", _OKX_KLINES),
        ("trade", "orderbook", "ticker", "kline", "instrument"),
        400,
        ("pair",),
    ),
    "okx_derivatives": Offer(
        _names(
            f"{_EVERYWHERE} aggregate-trade instrument funding-rate mark-price index-price "
            "open-interest liquidation",
            _OKX_KLINES,
        ),
        (
            *("trade", "orderbook", "ticker", "kline", "funding-rate", "mark-price"),
            *("index-price", "open-interest", "liquidation", "instrument"),
        ),
        400,
        ("contract",),
    ),
    # open interest, mark and index price are in its ticker, liquidations in its trades
    "deribit": Offer(
        _names(
            f"{_EVERYWHERE} funding-rate index-price volatility-index instrument",
            "3m 5m 10m 15m 30m 1h 2h 3h 6h 12h 1d",
        ),
        ("trade", "orderbook", "ticker", "kline", "funding-rate", "volatility-index", "instrument"),
        10_000,
        ("pair", "contract", "index"),
    ),
}
"""By name, in the order they are shown."""

EXCHANGES_AVAILABLE = tuple(OFFERS)
"""Exchanges of this repository; workers/exchanges/registry.py holds the same names."""


def exchanges_known() -> tuple[str, ...]:
    """Those of this repository and those of installed packages."""
    added = (each.name for each in entry_points(group=ENTRY_POINTS))
    return tuple(dict.fromkeys((*EXCHANGES_AVAILABLE, *added)))


def kind_of(symbol: str) -> Kind:
    """What one of our symbols names."""
    if symbol.endswith("-DVOL"):
        return "index"
    return "contract" if symbol.count("-") > 1 else "pair"
