"""Which types of events the settings ask for, by exchange and symbol."""

from config.exchanges import kind_of
from config.polls import POLLS
from config.settings import ExchangeSettings

INDEX = "volatility-index"
OF_CHANNEL = {
    "trade": ("trade",),
    "aggregate-trade": ("trade",),
    "orderbook": ("orderbook", "orderbook-delta"),
    "ticker": ("ticker",),
    "book-ticker": ("ticker",),
    "kline": ("kline",),
    "funding-rate": ("funding-rate",),
    "mark-price": ("funding-rate",),
    "index-price": ("funding-rate",),
    "open-interest": ("open-interest",),
    "liquidation": ("liquidation",),
    INDEX: (INDEX,),
    "instrument": ("instrument",),
}
"""Types of the events that come through a channel; candles of any interval are `kline`."""

RARE = frozenset({"liquidation", "instrument"})
"""Hours may pass without one."""

OF_PERPETUALS = frozenset({"funding-rate", "open-interest"})


def types_of(channels: list[str], symbol: str | None = None) -> set[str]:
    """Types of events these channels bring.

    Args:
        channels: as in the settings.
        symbol: only what this one can have; None: all.
    """
    found = {kind for each in channels for kind in OF_CHANNEL[_plain(each)]}
    if symbol is None:
        return found
    if kind_of(symbol) == "index":
        return found & {INDEX}
    return found - {INDEX} - (set() if symbol.endswith("-PERP") else OF_PERPETUALS)


def offered(exchange: str, settings: ExchangeSettings) -> set[str]:
    """Types of events that may be seen of an exchange: subscribed or polled."""
    polled = (poll.events for poll in POLLS.values() if exchange in poll.scopes)
    return types_of(list(settings.channels)).union(*polled)


def has_book(settings: ExchangeSettings, symbol: str) -> bool:
    """Whether a book of this symbol is kept."""
    return "orderbook" in types_of(list(settings.channels), symbol)


def _plain(channel: str) -> str:
    return "kline" if channel.startswith("kline-") else channel
