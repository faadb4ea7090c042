"""The words that polling tasks accept, by exchange: kinds, periods, lengths of candles, currencies.

Ours throughout: `1h`, `1d`. An exchange's own words are in its folder.
"""

from config import queues

_RATIO_KINDS = ("all_accounts", "top_accounts", "top_positions", "taker_volume")

KINDS = {"binance_derivatives": _RATIO_KINDS, "okx_derivatives": _RATIO_KINDS}
"""Long/short ratios; a currency of OKX has `all_accounts` and `taker_volume` alone."""

_PERIODS = ("5m", "15m", "30m", "1h", "2h", "4h", "6h", "12h", "1d")

PERIODS = {
    "binance_derivatives": _PERIODS,
    "okx_derivatives": (*_PERIODS, "2d", "3d", "1w", "1M", "3M"),
}
"""Statistics; a currency of OKX has 5m, 1h and 1d alone."""

RESOLUTIONS = {"deribit": ("1s", "1m", "1h", "12h", "1d")}
"""Candles of a volatility index."""

_MINUTES = ("1m", "3m", "5m", "15m", "30m")
_BINANCE = (*_MINUTES, "1h", "2h", "4h", "6h", "8h", "12h", "1d", "3d", "1w", "1M")
_OKX = (*_MINUTES, "1h", "2h", "4h", "6h", "12h", "1d", "2d", "3d", "1w", "1M", "3M")

INTERVALS = {
    "binance_spot": ("1s", *_BINANCE),
    "binance_derivatives": _BINANCE,
    "okx_spot": ("1s", *_OKX),
    "okx_derivatives": ("1s", *_OKX),
    "deribit": ("1m", "3m", "5m", "10m", "15m", "30m", "1h", "2h", "3h", "6h", "12h", "1d"),
}
"""Candles of what is traded."""

CURRENCIES = {(queues.POLL_VOLATILITY_INDEX, "deribit"): ("BTC", "ETH")}
"""Currencies of (task, exchange), where they are few; elsewhere any base coin is one."""
