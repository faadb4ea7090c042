"""Channel names: which are accepted, and what the hub calls them.

The hub's name is `<instrument without hyphens>@<depth?> <channel>`, so that faults find events by
symbol, and those of books by `@depth`, as in the first dialect.
"""

import re
from collections.abc import Collection

INTERVALS = ("100ms", "agg2")
RESOLUTIONS = {"1": 1, "3": 3, "5": 5, "10": 10, "15": 15, "30": 30, "60": 60, "120": 120}
RESOLUTIONS |= {"180": 180, "360": 360, "720": 720, "1D": 1440}
"""Minutes by name."""

KINDS = ("future", "option", "spot", "future_combo", "option_combo")
CURRENCIES = ("BTC", "ETH", "USDC", "USDT", "EURR", "any")
RAW = re.compile(r"\.raw$")


def needs_login(channel: str) -> bool:
    """Whether only authenticated sockets may have it."""
    return RAW.search(channel) is not None


def accepted(channel: str, instruments: Collection[str]) -> bool:
    """Whether subscribing it is confirmed; what is not vanishes from the result."""
    match channel.split("."):
        case ["book" | "ticker", name, interval]:
            return name in instruments and interval in INTERVALS
        case ["trades", name, interval] | ["perpetual", name, interval]:
            return name in instruments and interval in INTERVALS
        case ["trades", kind, currency, interval]:
            return kind in KINDS and currency in CURRENCIES and interval in INTERVALS
        case ["quote", name]:
            return name in instruments
        case ["chart", "trades", name, resolution]:
            return name in instruments and resolution in RESOLUTIONS
        case ["instrument", "state", kind, currency]:
            return kind in KINDS and currency in CURRENCIES
        case ["instrument", "creation", kind, currency]:
            return kind in (*KINDS, "any") and currency in CURRENCIES
        case ["deribit_volatility_index" | "deribit_price_index", name]:
            return bool(name)
        case ["platform_state"] | ["platform_state", "public_methods_state"]:
            return True
        case _:
            return False


def stream_of(channel: str) -> str:
    """The hub's name of a channel."""
    parts = channel.split(".")
    instrument = parts[2] if parts[0] == "chart" else parts[1] if len(parts) > 1 else ""
    mark = "depth" if parts[0] == "book" else ""
    return f"{instrument.replace('-', '').lower()}@{mark} {channel}"


def hub_key(symbol: str) -> str:
    """What an instrument's streams begin with; also from our `BTC-USD-PERP`, `BTC-USDC-PERP`."""
    pair, ours, _ = symbol.upper().partition("-PERP")
    base, hyphen, quote = pair.partition("-")
    if ours and hyphen:
        symbol = f"{base}-PERPETUAL" if quote == "USD" else f"{base}_{quote}-PERPETUAL"
    return symbol.replace("-", "").lower()


def channel_of(stream: str) -> str:
    """The channel of a hub's name."""
    return stream.rpartition(" ")[2]
