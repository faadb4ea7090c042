"""Trading statistics, `/api/v5/rubik/stat/*`: made up, equal whenever they are asked for again.

Source: OKX API v5 guide, "Trading Statistics".
"""

import random
from collections.abc import Callable

from workers.simulator.okx.publisher import Publisher
from workers.simulator.okx.rest import ApiError, Query, RestApi, Rows, count, given, number

PERIODS_MS = {
    "5m": 300_000,
    "15m": 900_000,
    "30m": 1_800_000,
    **{f"{hours}H": hours * 3_600_000 for hours in (1, 2, 4)},
    **{f"{hours}H{end}": hours * 3_600_000 for hours in (6, 12) for end in ("", "utc")},
    **{f"{days}D{end}": days * 86_400_000 for days in (1, 2, 3, 5) for end in ("", "utc")},
    **{f"1W{end}": 604_800_000 for end in ("", "utc")},
}
"""Lengths of periods; months are not made. All begin at multiples since 1970."""
CURRENCY_ROWS = {"5m": 576, "1H": 720, "1D": 180}
"""How far a currency's statistics reach back."""


def ratio(rest: RestApi, query: Query) -> Rows:
    """`/rubik/stat/contracts/long-short-*`: `[ts, ratio]`, made up."""
    return _statistics(rest, query, lambda draw, _: [f"{draw.lognormvariate(0.1, 0.2):.4f}"])


def taker_volume(rest: RestApi, query: Query) -> Rows:
    """`/rubik/stat/taker-volume-contract`: `[ts, sold, bought]` in coins, made up."""
    if query.get("unit", "1") not in ("0", "1", "2"):
        raise ApiError("51000", "Parameter unit error")
    return _statistics(rest, query, lambda draw, _: _volumes(draw))


def currency_ratio(rest: RestApi, query: Query) -> Rows:
    """`/rubik/stat/contracts/long-short-account-ratio` by `ccy`: `[ts, ratio]`, made up."""
    return _currency(rest, query, lambda draw: [f"{draw.lognormvariate(0.1, 0.2):.4f}"])


def currency_taker_volume(rest: RestApi, query: Query) -> Rows:
    """`/rubik/stat/taker-volume` by `ccy`: `[ts, sold, bought]` in coins, made up."""
    if given(query, "instType") not in ("SPOT", "CONTRACTS"):
        raise ApiError("51000", "Parameter instType error")
    return _currency(rest, query, _volumes)


def _currency(rest: RestApi, query: Query, columns: Callable[[random.Random], list[str]]) -> Rows:
    coin, period = given(query, "ccy"), query.get("period", "5m")
    if coin not in {each.listing.at.base for each in rest.market.books.values()}:
        raise ApiError("51000", "Parameter ccy error")
    if period not in CURRENCY_ROWS:
        raise ApiError("51000", "Parameter period error")
    length = PERIODS_MS[period]
    newest = rest.market.now_us() // 1000 // length * length
    begin, end = number(query, "begin"), number(query, "end")
    times = [newest - index * length for index in range(CURRENCY_ROWS[period])]
    return [
        [str(each), *columns(random.Random(f"{coin}:{each}"))]
        for each in times
        if (begin is None or each >= begin) and (end is None or each <= end)
    ]


def interest_volume(rest: RestApi, query: Query) -> Rows:
    """`/rubik/stat/contracts/open-interest-volume` by `ccy`: `[ts, oiUsd, volUsd]`, made up."""

    def columns(draw: random.Random) -> list[str]:
        return [f"{draw.uniform(2e9, 3e9):.2f}", f"{draw.uniform(1e7, 9e7):.2f}"]

    return _currency(rest, query, columns)


def interest_history(rest: RestApi, query: Query) -> Rows:
    """`/rubik/stat/contracts/open-interest-history`: `[ts, oi, oiCcy, oiUsd]`."""

    def columns(draw: random.Random, at: Publisher) -> list[str]:
        lots = draw.randrange(200_000_000, 240_000_000)
        value = lots * at.engine.mid_ticks()
        listing = at.listing
        return [
            listing.size(lots),
            listing.coins(lots, value),
            listing.money(lots, value),
        ]

    return _statistics(rest, query, columns)


def _statistics(
    rest: RestApi, query: Query, columns: Callable[[random.Random, Publisher], list[str]]
) -> Rows:
    at = rest.swap(query)
    period = PERIODS_MS.get(query.get("period", "5m"))
    if period is None:
        raise ApiError("51000", "Parameter period error")
    newest = rest.market.now_us() // 1000 // period * period
    begin, end = number(query, "begin"), number(query, "end")
    times = [newest - index * period for index in range(1440)]
    rows: Rows = [
        [str(each), *columns(random.Random(f"{at.listing.inst_id}:{each}"), at)]
        for each in times
        if (begin is None or each >= begin) and (end is None or each <= end)
    ]
    return rows[: count(query, "limit", 100, 100)]


def _volumes(draw: random.Random) -> list[str]:
    return [f"{draw.uniform(50, 500):.4f}", f"{draw.uniform(50, 500):.4f}"]
