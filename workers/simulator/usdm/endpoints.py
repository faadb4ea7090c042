"""The paths of USD-M: what each costs, which parameters it knows, who answers it.

Source: the official SDK of 2026-07-24. `/futures/data/*` and the funding history have no weight:
they count in buckets of their own, which no header shows.
"""

from collections.abc import Callable, Mapping

from workers.simulator.binance.endpoints import Endpoint, fixed
from workers.simulator.binance.replies import Parameters
from workers.simulator.usdm.limits import DATA, FUNDING
from workers.simulator.usdm.publisher import UsdmPublisher
from workers.simulator.usdm.rest import UsdmRest

RANGE = ("startTime", "endTime", "limit")
DATA_PATH = "/futures/data/"
FUNDING_PATHS = ("/fapi/v1/fundingRate", "/fapi/v1/fundingInfo")


def depth_weight(query: Mapping[str, str]) -> int:
    """2 up to 50 levels, 5 up to 100, 10 up to 500, 20 above."""
    limit = _limit(query, 500)
    return next((cost for most, cost in ((50, 2), (100, 5), (500, 10)) if limit <= most), 20)


def klines_weight(query: Mapping[str, str]) -> int:
    """1 below 100 rows, 2 below 500, 5 up to 1000, 10 above."""
    limit = _limit(query, 500)
    return next((cost for most, cost in ((99, 1), (499, 2), (1000, 5)) if limit <= most), 10)


def per_symbol(one: int, every: int) -> Callable[[Mapping[str, str]], int]:
    """So much for one symbol, so much for all."""
    return lambda query: one if "symbol" in query else every


def bucket(path: str) -> str | None:
    """Where a request counts instead of the weight."""
    if path in FUNDING_PATHS:
        return FUNDING
    return DATA if path.startswith(DATA_PATH) else None


def _limit(query: Mapping[str, str], usual: int) -> int:
    text = query.get("limit", "")
    return int(text) if text.isascii() and text.isdigit() else usual


def _asks(
    method: Callable[[UsdmRest, Parameters], bytes],
) -> Callable[[UsdmRest, Parameters, bool], bytes]:
    return lambda rest, parameters, _: method(rest, parameters)


def _data(make: Callable[[UsdmPublisher, int], dict[str, object]]) -> Endpoint[UsdmRest]:
    return Endpoint(
        fixed(0),
        ("symbol", "period", *RANGE),
        lambda rest, parameters, _: rest.data_rows(parameters, make),
    )


def _ratio(kind: str) -> Endpoint[UsdmRest]:
    return _data(lambda at, time_us: at.figures.ratio_row(kind, time_us))


KLINES: Endpoint[UsdmRest] = Endpoint(
    klines_weight, ("symbol", "interval", *RANGE), UsdmRest.klines
)
PRICE: Endpoint[UsdmRest] = Endpoint(per_symbol(1, 2), ("symbol",), _asks(UsdmRest.last_price))

ENDPOINTS: dict[str, Endpoint[UsdmRest]] = {
    "/fapi/v1/ping": Endpoint(fixed(1), (), UsdmRest.ping),
    "/fapi/v1/time": Endpoint(fixed(1), (), UsdmRest.time),
    "/fapi/v1/exchangeInfo": Endpoint(fixed(1), (), UsdmRest.exchange_info),
    "/fapi/v1/depth": Endpoint(depth_weight, ("symbol", "limit"), UsdmRest.order_book),
    "/fapi/v1/trades": Endpoint(fixed(5), ("symbol", "limit"), UsdmRest.trades),
    "/fapi/v1/historicalTrades": Endpoint(
        fixed(20), ("symbol", "limit", "fromId"), UsdmRest.historical_trades
    ),
    "/fapi/v1/aggTrades": Endpoint(
        fixed(20), ("symbol", "fromId", *RANGE), UsdmRest.aggregate_trades
    ),
    "/fapi/v1/klines": KLINES,
    "/fapi/v1/ticker/24hr": Endpoint(per_symbol(1, 40), ("symbol",), UsdmRest.day_ticker),
    "/fapi/v1/ticker/bookTicker": Endpoint(
        per_symbol(2, 5), ("symbol",), _asks(UsdmRest.book_ticker)
    ),
    "/fapi/v1/ticker/price": PRICE,
    "/fapi/v2/ticker/price": PRICE,
    "/fapi/v1/premiumIndex": Endpoint(
        per_symbol(1, 10), ("symbol",), _asks(UsdmRest.premium_index)
    ),
    "/fapi/v1/fundingRate": Endpoint(fixed(0), ("symbol", *RANGE), _asks(UsdmRest.funding_rates)),
    "/fapi/v1/fundingInfo": Endpoint(fixed(0), (), _asks(UsdmRest.funding_info)),
    "/fapi/v1/openInterest": Endpoint(fixed(1), ("symbol",), _asks(UsdmRest.open_interest)),
    "/futures/data/openInterestHist": _data(lambda at, us: at.figures.interest_row(us)),
    "/futures/data/globalLongShortAccountRatio": _ratio("all accounts"),
    "/futures/data/topLongShortAccountRatio": _ratio("top accounts"),
    "/futures/data/topLongShortPositionRatio": _ratio("top positions"),
    "/futures/data/takerlongshortRatio": _data(lambda at, us: at.figures.taker_row(us)),
}
