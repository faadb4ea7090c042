"""The paths of `/api/v3`: what each costs, which parameters it knows, who answers it.

Source: binance-spot-api-docs, rest-api.md.
"""

from collections.abc import Callable, Mapping
from typing import Generic, NamedTuple, TypeVar

from workers.simulator.binance import tickers
from workers.simulator.binance.replies import Parameters
from workers.simulator.binance.rest import RestApi

R = TypeVar("R", bound=RestApi)


class Endpoint(NamedTuple, Generic[R]):
    """One path."""

    weight: Callable[[Mapping[str, str]], int]
    known: tuple[str, ...]
    answer: Callable[[R, Parameters, bool], bytes]


def depth_weight(query: Mapping[str, str]) -> int:
    """5 up to 100 levels, 25 up to 500, 50 up to 1000, 250 above."""
    text = query.get("limit", "100")
    limit = int(text) if text.isascii() and text.isdigit() else 100
    return next((cost for most, cost in ((100, 5), (500, 25), (1000, 50)) if limit <= most), 250)


def day_ticker_weight(query: Mapping[str, str]) -> int:
    """2 for up to 20 symbols, 40 up to 100, 80 for more or all."""
    if "symbol" in query:
        return 2
    count = _count(query) if "symbols" in query else 101
    return 2 if count <= 20 else 40 if count <= 100 else 80


def price_weight(query: Mapping[str, str]) -> int:
    """2 for one symbol, 4 for several or all."""
    return 2 if "symbol" in query else 4


def window_weight(query: Mapping[str, str]) -> int:
    """4 for each symbol, at most 200."""
    return min(200, 4 * _count(query))


def fixed(weight: int) -> Callable[[Mapping[str, str]], int]:
    """A weight that no parameter changes."""
    return lambda _: weight


def _count(query: Mapping[str, str]) -> int:
    return query.get("symbols", "").count(",") + 1


KLINES: Endpoint[RestApi] = Endpoint(
    fixed(2),
    ("symbol", "interval", "startTime", "endTime", "timeZone", "limit"),
    RestApi.klines,
)
TICKER = ("symbol", "symbols", "symbolStatus")

ENDPOINTS: dict[str, Endpoint[RestApi]] = {
    "/api/v3/ping": Endpoint(fixed(1), (), RestApi.ping),
    "/api/v3/time": Endpoint(fixed(1), (), RestApi.time),
    "/api/v3/exchangeInfo": Endpoint(
        fixed(20),
        ("symbol", "symbols", "permissions", "symbolStatus", "showPermissionSets"),
        RestApi.exchange_info,
    ),
    "/api/v3/depth": Endpoint(
        depth_weight, ("symbol", "limit", "symbolStatus"), RestApi.order_book
    ),
    "/api/v3/trades": Endpoint(fixed(25), ("symbol", "limit"), RestApi.trades),
    "/api/v3/historicalTrades": Endpoint(
        fixed(25), ("symbol", "fromId", "limit"), RestApi.historical_trades
    ),
    "/api/v3/historicalBlockTrades": Endpoint(
        fixed(25), ("symbol", "fromId", "limit"), tickers.block_trades
    ),
    "/api/v3/aggTrades": Endpoint(
        fixed(4),
        ("symbol", "fromId", "startTime", "endTime", "limit"),
        RestApi.aggregate_trades,
    ),
    "/api/v3/klines": KLINES,
    "/api/v3/uiKlines": KLINES,
    "/api/v3/avgPrice": Endpoint(fixed(2), ("symbol",), tickers.average_price),
    "/api/v3/ticker/24hr": Endpoint(day_ticker_weight, (*TICKER, "type"), RestApi.day_ticker),
    "/api/v3/ticker/price": Endpoint(price_weight, TICKER, tickers.last_price),
    "/api/v3/ticker/bookTicker": Endpoint(price_weight, TICKER, tickers.book_ticker),
    "/api/v3/ticker": Endpoint(
        window_weight, (*TICKER, "type", "windowSize"), tickers.rolling_window
    ),
    "/api/v3/ticker/tradingDay": Endpoint(
        window_weight, (*TICKER, "type", "timeZone"), tickers.trading_day
    ),
    "/api/v3/referencePrice": Endpoint(fixed(2), ("symbol",), tickers.reference_price),
}
