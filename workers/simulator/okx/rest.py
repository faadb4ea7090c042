"""REST endpoints of OKX over the engines: `/api/v5/*`, their limits and replies, newest first.

Source: OKX API v5 guide, "Order Book Trading / Market Data", "Public Data", "Trading Statistics".
`after` asks for what is older, `before` for what is newer; `before` alone gives the newest page.
"""

import random
from collections.abc import Callable, Mapping
from typing import NamedTuple

from workers.simulator.market.candles import bounds_us
from workers.simulator.okx import payloads
from workers.simulator.okx.limits import EndpointLimit
from workers.simulator.okx.market import OkxMarket
from workers.simulator.okx.publisher import BARS, Publisher

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
BOOK_LEVELS, FULL_LEVELS = 400, 5000

Query = Mapping[str, str]
Rows = list[object]


class ApiError(Exception):
    """A request answered with a code that is not 0."""

    def __init__(self, code: str, message: str, status: int = 200) -> None:
        super().__init__(message)
        self.code, self.message, self.status = code, message, status


class Endpoint(NamedTuple):
    """One path: how often it may be asked, and who answers."""

    limit: EndpointLimit
    answer: Callable[["RestApi", Query], Rows]


class RestApi:
    """Answers over the markets."""

    def __init__(self, market: OkxMarket) -> None:
        self._market = market

    def time(self, query: Query) -> Rows:
        """`/public/time`."""
        return [{"ts": payloads.stamp(self._market.now_us())}]

    def instruments(self, query: Query) -> Rows:
        """`/public/instruments`; futures and options are known and empty."""
        kind = _given(query, "instType")
        if kind not in ("SPOT", "SWAP", "MARGIN", "FUTURES", "OPTION", "EVENTS"):
            raise ApiError("51000", "Parameter instType error")
        if "instId" in query:
            at = self._publisher(query)
            return [at.listing.row(at.state)] if at.listing.inst_type == kind else []
        return list(self._market.instruments(kind))

    def books(self, query: Query) -> Rows:
        """`/market/books`: the book now."""
        at = self._publisher(query)
        return [self.book_at(query, at.engine.book.update_id)]

    def book_at(self, query: Query, update_id: int) -> payloads.Row:
        """The book right after an update id; one level a side unless `sz` says more."""
        at = self._publisher(query)
        engine, listing = at.engine, at.listing
        totals = engine.book.totals_at(update_id)
        bids, asks = _best(totals, _count(query, "sz", 1, BOOK_LEVELS))

        def rows(keys: list[int]) -> list[tuple[str, str, str, str]]:
            orders = engine.book.orders_at
            return [
                (
                    listing.price(abs(key)),
                    listing.size(totals[key]),
                    "0",
                    str(max(1, orders(key))),
                )
                for key in keys
            ]

        back = engine.book.update_id - update_id
        return {
            "asks": rows(asks),
            "bids": rows(bids),
            "ts": payloads.stamp(engine.now_us),
            "seqId": at.seq.now() - back,
        }

    def books_full(self, query: Query) -> Rows:
        """`/market/books-full`: three elements a level and no `seqId`."""
        at = self._publisher(query)
        listing, book = at.listing, at.engine.book
        bids, asks = _best(book.totals, _count(query, "sz", 1, FULL_LEVELS))

        def rows(keys: list[int]) -> list[tuple[str, str, str]]:
            return [
                (
                    listing.price(abs(key)),
                    listing.size(book.totals[key]),
                    str(book.orders_at(key)),
                )
                for key in keys
            ]

        return [{"asks": rows(asks), "bids": rows(bids), "ts": payloads.stamp(at.engine.now_us)}]

    def trades(self, query: Query) -> Rows:
        """`/market/trades`: the newest, one by one."""
        at = self._publisher(query)
        return self._page(at, at.engine.tape.next_id, _count(query, "limit", 100, 500))

    def history_trades(self, query: Query) -> Rows:
        """`/market/history-trades`: older than `after`, by trade id (`type=1`) or time (2)."""
        at = self._publisher(query)
        tape = at.engine.tape
        after, before = _number(query, "after"), _number(query, "before")
        end = tape.next_id
        if query.get("type", "1") == "2":
            if before is not None:
                raise ApiError("51000", "Parameter before error")
            end = end if after is None else tape.first_at(after * 1000)
        elif after is not None:
            end = min(end, after)
        rows = self._page(at, end, _count(query, "limit", 100, 100))
        return rows if before is None else [r for r in rows if int(_field(r, "tradeId")) > before]

    def candles(self, query: Query) -> Rows:
        """`/market/candles` and `/market/history-candles`, which leaves the open one out."""
        at = self._publisher(query)
        bar = query.get("bar", "1m")
        if bar not in BARS:
            raise ApiError("51000", "Parameter bar error")
        engine, name = at.engine, BARS[bar]
        engine.candles.advance(engine.now_us)
        wanted = _between(query)
        limit = _count(query, "limit", 100, 300)
        oldest = bounds_us(name, engine.candles.first_us)[0]
        begin, end = bounds_us(name, engine.now_us)
        found: Rows = []
        while begin >= oldest and len(found) < limit:
            if wanted(begin // 1000):
                whole = engine.candles.range(begin, end)
                found.append(payloads.candle(at.listing, whole, closed=end <= engine.now_us))
            begin, end = bounds_us(name, begin - 1)
        return found

    def history_candles(self, query: Query) -> Rows:
        """`/market/history-candles`: closed ones."""
        return [row for row in self.candles(query) if isinstance(row, list) and row[8] == "1"]

    def ticker(self, query: Query) -> Rows:
        """`/market/ticker`."""
        at = self._publisher(query)
        return [payloads.ticker(at.listing, at.engine)]

    def tickers(self, query: Query) -> Rows:
        """`/market/tickers`."""
        kind = _given(query, "instType")
        every = self._market.publishers.values()
        found = (each for each in every if each.listing.inst_type == kind)
        return [payloads.ticker(each.listing, each.engine) for each in found]

    def index_tickers(self, query: Query) -> Rows:
        """`/market/index-tickers` by `instId` or `quoteCcy`."""
        name, quote = query.get("instId"), query.get("quoteCcy")
        if name is None and quote is None:
            raise ApiError("50014", "Parameter instId can not be empty.", 400)
        found = [
            each.derived.index()
            for each in self._swaps()
            if name in (None, each.listing.index) and quote in (None, each.listing.at.quote)
        ]
        if not found:
            raise _unknown_instrument()
        return list(found)

    def funding_rate(self, query: Query) -> Rows:
        """`/public/funding-rate`; `ANY` asks for all."""
        if _given(query, "instId") == "ANY":
            return [each.derived.funding() for each in self._swaps()]
        return [self._swap(query).derived.funding()]

    def funding_history(self, query: Query) -> Rows:
        """`/public/funding-rate-history`."""
        limit = _count(query, "limit", 400, 400)
        return list(self._swap(query).derived.funding_history(_between(query), limit))

    def open_interest(self, query: Query) -> Rows:
        """`/public/open-interest`."""
        return [each.derived.open_interest() for each in self._asked(query)]

    def mark_price(self, query: Query) -> Rows:
        """`/public/mark-price`."""
        return [each.derived.mark() for each in self._asked(query)]

    def status(self, query: Query) -> Rows:
        """`/system/status`: what was announced."""
        state = query.get("state")
        return [row for row in self._market.notices if state in (None, row["state"])]

    def ratio(self, query: Query) -> Rows:
        """`/rubik/stat/contracts/long-short-*`: `[ts, ratio]`, made up."""
        return self._statistics(query, lambda draw, _: [f"{draw.lognormvariate(0.1, 0.2):.4f}"])

    def taker_volume(self, query: Query) -> Rows:
        """`/rubik/stat/taker-volume-contract`: `[ts, sold, bought]` in coins, made up."""
        if query.get("unit", "1") not in ("0", "1", "2"):
            raise ApiError("51000", "Parameter unit error")
        return self._statistics(query, lambda draw, _: _volumes(draw))

    def currency_ratio(self, query: Query) -> Rows:
        """`/rubik/stat/contracts/long-short-account-ratio` by `ccy`: `[ts, ratio]`, made up."""
        return self._currency(query, lambda draw: [f"{draw.lognormvariate(0.1, 0.2):.4f}"])

    def currency_taker_volume(self, query: Query) -> Rows:
        """`/rubik/stat/taker-volume` by `ccy`: `[ts, sold, bought]` in coins, made up."""
        if _given(query, "instType") not in ("SPOT", "CONTRACTS"):
            raise ApiError("51000", "Parameter instType error")
        return self._currency(query, _volumes)

    def _currency(self, query: Query, columns: Callable[[random.Random], list[str]]) -> Rows:
        coin, period = _given(query, "ccy"), query.get("period", "5m")
        if coin not in {each.listing.at.base for each in self._market.publishers.values()}:
            raise ApiError("51000", "Parameter ccy error")
        if period not in CURRENCY_ROWS:
            raise ApiError("51000", "Parameter period error")
        length = PERIODS_MS[period]
        newest = self._market.now_us() // 1000 // length * length
        begin, end = _number(query, "begin"), _number(query, "end")
        times = [newest - index * length for index in range(CURRENCY_ROWS[period])]
        return [
            [str(each), *columns(random.Random(f"{coin}:{each}"))]
            for each in times
            if (begin is None or each >= begin) and (end is None or each <= end)
        ]

    def interest_history(self, query: Query) -> Rows:
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

        return self._statistics(query, columns)

    def _statistics(
        self, query: Query, columns: Callable[[random.Random, Publisher], list[str]]
    ) -> Rows:
        at = self._swap(query)
        period = PERIODS_MS.get(query.get("period", "5m"))
        if period is None:
            raise ApiError("51000", "Parameter period error")
        newest = self._market.now_us() // 1000 // period * period
        begin, end = _number(query, "begin"), _number(query, "end")
        times = [newest - index * period for index in range(1440)]
        rows: Rows = [
            [str(each), *columns(random.Random(f"{at.listing.inst_id}:{each}"), at)]
            for each in times
            if (begin is None or each >= begin) and (end is None or each <= end)
        ]
        return rows[: _count(query, "limit", 100, 100)]

    def _page(self, at: Publisher, end: int, limit: int) -> Rows:
        """Up to `limit` trades with ids below `end`, newest first."""
        fills = at.engine.tape.fills(end - limit, max(0, end - max(end - limit, 0)))
        return [payloads.trade(at.listing, each) for each in reversed(fills) if each.trade_id < end]

    def _swaps(self) -> list[Publisher]:
        return [each for each in self._market.publishers.values() if each.listing.swap]

    def _asked(self, query: Query) -> list[Publisher]:
        if _given(query, "instType") != "SWAP":
            raise ApiError("51000", "Parameter instType error")
        return [self._swap(query)] if "instId" in query else self._swaps()

    def _swap(self, query: Query) -> Publisher:
        found = self._publisher(query)
        if not found.listing.swap:
            raise _unknown_instrument()
        return found

    def _publisher(self, query: Query) -> Publisher:
        found = self._market.publishers.get(_given(query, "instId"))
        if found is None:
            raise _unknown_instrument()
        return found


def _volumes(draw: random.Random) -> list[str]:
    return [f"{draw.uniform(50, 500):.4f}", f"{draw.uniform(50, 500):.4f}"]


def _unknown_instrument() -> ApiError:
    return ApiError("51001", "Instrument ID, Instrument ID code, or Spread ID doesn't exist.")


def _given(query: Query, name: str) -> str:
    if not query.get(name):
        raise ApiError("50014", f"Parameter {name} can not be empty.", 400)
    return query[name]


def _number(query: Query, name: str) -> int | None:
    text = query.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit()):
        raise ApiError("51000", f"Parameter {name} error")
    return int(text)


def _count(query: Query, name: str, usual: int, most: int) -> int:
    found = _number(query, name)
    return usual if found is None else max(1, min(found, most))


def _between(query: Query) -> Callable[[int], bool]:
    """Judges times in milliseconds by `after` and `before`, both exclusive."""
    after, before = _number(query, "after"), _number(query, "before")
    return lambda ms: (after is None or ms < after) and (before is None or ms > before)


def _best(totals: Mapping[int, int], count: int) -> tuple[list[int], list[int]]:
    keys = sorted(totals, reverse=True)
    bids = [key for key in keys if key > 0][:count]
    return bids, [key for key in keys if key < 0][:count]


def _field(row: object, name: str) -> str:
    return str(row[name]) if isinstance(row, dict) else ""


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
        f"{contracts}/open-interest-history": Endpoint(by_id, RestApi.interest_history),
        f"{contracts}/long-short-account-ratio": Endpoint(EndpointLimit(5), RestApi.currency_ratio),
        "rubik/stat/taker-volume": Endpoint(EndpointLimit(5), RestApi.currency_taker_volume),
        "rubik/stat/taker-volume-contract": Endpoint(
            EndpointLimit(5, per="instId"), RestApi.taker_volume
        ),
        **{
            f"{contracts}/{each}": Endpoint(EndpointLimit(5, per="instId"), RestApi.ratio)
            for each in ratios
        },
    }
    return {f"/api/v5/{path}": endpoint for path, endpoint in table.items()}


ENDPOINTS = _paths()
