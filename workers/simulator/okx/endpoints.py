"""The paths of OKX: how often each may be asked, and who answers.

Source: OKX API v5 guide, the "Rate Limit" of each endpoint.
"""

from collections.abc import Callable
from typing import NamedTuple

from workers.simulator.okx import rubik
from workers.simulator.okx.limits import EndpointLimit
from workers.simulator.okx.rest import Query, RestApi, Rows


class Endpoint(NamedTuple):
    """One path: how often it may be asked, and who answers."""

    limit: EndpointLimit
    answer: Callable[[RestApi, Query], Rows]


def _paths() -> dict[str, Endpoint]:
    contracts = "rubik/stat/contracts"
    ratios = (
        "long-short-account-ratio-contract",
        "long-short-account-ratio-contract-top-trader",
        "long-short-position-ratio-contract-top-trader",
    )
    by_type, by_id = EndpointLimit(20, per="instType"), EndpointLimit(10, per="instId")
    table = {
        "public/time": Endpoint(EndpointLimit(10), RestApi.time),
        "public/instruments": Endpoint(by_type, RestApi.instruments),
        "public/funding-rate": Endpoint(by_id, RestApi.funding_rate),
        "public/funding-rate-history": Endpoint(by_id, RestApi.funding_history),
        "public/open-interest": Endpoint(EndpointLimit(20, per="instId"), RestApi.open_interest),
        "public/mark-price": Endpoint(by_id, RestApi.mark_price),
        "market/books": Endpoint(EndpointLimit(40), RestApi.books),
        "market/books-full": Endpoint(EndpointLimit(10), RestApi.books_full),
        "market/trades": Endpoint(EndpointLimit(100), RestApi.trades),
        "market/history-trades": Endpoint(EndpointLimit(20), RestApi.history_trades),
        "market/candles": Endpoint(EndpointLimit(40), RestApi.candles),
        "market/history-candles": Endpoint(EndpointLimit(20), RestApi.history_candles),
        "market/ticker": Endpoint(EndpointLimit(20), RestApi.ticker),
        "market/tickers": Endpoint(EndpointLimit(20), RestApi.tickers),
        "market/index-tickers": Endpoint(EndpointLimit(20), RestApi.index_tickers),
        "system/status": Endpoint(EndpointLimit(1, 5.0), RestApi.status),
        f"{contracts}/open-interest-history": Endpoint(by_id, rubik.interest_history),
        f"{contracts}/open-interest-volume": Endpoint(EndpointLimit(5), rubik.interest_volume),
        f"{contracts}/long-short-account-ratio": Endpoint(EndpointLimit(5), rubik.currency_ratio),
        "rubik/stat/taker-volume": Endpoint(EndpointLimit(5), rubik.currency_taker_volume),
        "rubik/stat/taker-volume-contract": Endpoint(
            EndpointLimit(5, per="instId"), rubik.taker_volume
        ),
        **{
            f"{contracts}/{each}": Endpoint(EndpointLimit(5, per="instId"), rubik.ratio)
            for each in ratios
        },
    }
    return {f"/api/v5/{path}": endpoint for path, endpoint in table.items()}


ENDPOINTS = _paths()
