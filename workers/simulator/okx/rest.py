"""REST of OKX over the engines: `/api/v5/*`, newest first. What each path costs: endpoints.py.

Source: OKX API v5 guide, "Order Book Trading / Market Data", "Public Data".
`after` asks for what is older, `before` for what is newer; `before` alone gives the newest page.
"""

from collections.abc import Callable, Mapping

from workers.simulator.market.candles import bounds_us
from workers.simulator.okx import payloads
from workers.simulator.okx.market import OkxMarket
from workers.simulator.okx.publisher import BARS, Publisher

BOOK_LEVELS, FULL_LEVELS = 400, 5000

Query = Mapping[str, str]
Rows = list[object]


class ApiError(Exception):
    """A request answered with a code that is not 0."""

    def __init__(self, code: str, message: str, status: int = 200) -> None:
        super().__init__(message)
        self.code, self.message, self.status = code, message, status


class RestApi:
    """Answers over the markets."""

    def __init__(self, market: OkxMarket) -> None:
        self.market = market

    def time(self, query: Query) -> Rows:
        """`/public/time`."""
        return [{"ts": payloads.stamp(self.market.now_us())}]

    def instruments(self, query: Query) -> Rows:
        """`/public/instruments`; futures and options are known and empty."""
        kind = given(query, "instType")
        if kind not in ("SPOT", "SWAP", "MARGIN", "FUTURES", "OPTION", "EVENTS"):
            raise ApiError("51000", "Parameter instType error")
        if "instId" in query:
            at = self.publisher(query)
            return [at.listing.row(at.state)] if at.listing.inst_type == kind else []
        return list(self.market.instruments(kind))

    def books(self, query: Query) -> Rows:
        """`/market/books`: the book now."""
        at = self.publisher(query)
        return [self.book_at(query, at.engine.book.update_id)]

    def book_at(self, query: Query, update_id: int) -> payloads.Row:
        """The book right after an update id; one level a side unless `sz` says more."""
        at = self.publisher(query)
        engine, listing = at.engine, at.listing
        totals = engine.book.totals_at(update_id)
        bids, asks = _best(totals, count(query, "sz", 1, BOOK_LEVELS))

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
        at = self.publisher(query)
        listing, book = at.listing, at.engine.book
        bids, asks = _best(book.totals, count(query, "sz", 1, FULL_LEVELS))

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
        at = self.publisher(query)
        return self._page(at, at.engine.tape.next_id, count(query, "limit", 100, 500))

    def history_trades(self, query: Query) -> Rows:
        """`/market/history-trades`: older than `after`, by trade id (`type=1`) or time (2)."""
        at = self.publisher(query)
        tape = at.engine.tape
        after, before = number(query, "after"), number(query, "before")
        end = tape.next_id
        if query.get("type", "1") == "2":
            if before is not None:
                raise ApiError("51000", "Parameter before error")
            end = end if after is None else tape.first_at(after * 1000)
        elif after is not None:
            end = min(end, after)
        rows = self._page(at, end, count(query, "limit", 100, 100))
        return rows if before is None else [r for r in rows if int(_field(r, "tradeId")) > before]

    def candles(self, query: Query) -> Rows:
        """`/market/candles` and `/market/history-candles`, which leaves the open one out."""
        at = self.publisher(query)
        bar = query.get("bar", "1m")
        if bar not in BARS:
            raise ApiError("51000", "Parameter bar error")
        engine, name = at.engine, BARS[bar]
        engine.candles.advance(engine.now_us)
        wanted = _between(query)
        limit = count(query, "limit", 100, 300)
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
        at = self.publisher(query)
        return [payloads.ticker(at.listing, at.engine)]

    def tickers(self, query: Query) -> Rows:
        """`/market/tickers`."""
        kind = given(query, "instType")
        every = (self.market.books[name] for name in self.market.names())
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
        if given(query, "instId") == "ANY":
            return [each.derived.funding() for each in self._swaps()]
        return [self.swap(query).derived.funding()]

    def funding_history(self, query: Query) -> Rows:
        """`/public/funding-rate-history`."""
        limit = count(query, "limit", 400, 400)
        return list(self.swap(query).derived.funding_history(_between(query), limit))

    def open_interest(self, query: Query) -> Rows:
        """`/public/open-interest`."""
        return [each.derived.open_interest() for each in self._asked(query)]

    def mark_price(self, query: Query) -> Rows:
        """`/public/mark-price`."""
        return [each.derived.mark() for each in self._asked(query)]

    def status(self, query: Query) -> Rows:
        """`/system/status`: what was announced."""
        state = query.get("state")
        return [row for row in self.market.notices if state in (None, row["state"])]

    def _page(self, at: Publisher, end: int, limit: int) -> Rows:
        """Up to `limit` trades with ids below `end`, newest first."""
        fills = at.engine.tape.fills(end - limit, max(0, end - max(end - limit, 0)))
        return [payloads.trade(at.listing, each) for each in reversed(fills) if each.trade_id < end]

    def _swaps(self) -> list[Publisher]:
        every = (self.market.books[name] for name in self.market.names())
        return [each for each in every if each.listing.swap]

    def _asked(self, query: Query) -> list[Publisher]:
        # Documented as required; public clients leave it out where they name the instrument.
        if "instId" not in query and given(query, "instType") != "SWAP":
            raise ApiError("51000", "Parameter instType error")
        if query.get("instType", "SWAP") != "SWAP":
            raise ApiError("51000", "Parameter instType error")
        return [self.swap(query)] if "instId" in query else self._swaps()

    def swap(self, query: Query) -> Publisher:
        """The swap that is asked about. Raises ApiError."""
        found = self.publisher(query)
        if not found.listing.swap:
            raise _unknown_instrument()
        return found

    def publisher(self, query: Query) -> Publisher:
        """The instrument that is asked about. Raises ApiError."""
        found = self.market.books.get(given(query, "instId"))
        if found is None or found.listing.inst_id in self.market.gone:
            raise _unknown_instrument()
        return found


def _unknown_instrument() -> ApiError:
    return ApiError("51001", "Instrument ID, Instrument ID code, or Spread ID doesn't exist.")


def given(query: Query, name: str) -> str:
    """A parameter that must be there. Raises ApiError."""
    if not query.get(name):
        raise ApiError("50014", f"Parameter {name} can not be empty.", 400)
    return query[name]


def number(query: Query, name: str) -> int | None:
    """A whole number, None if it was not sent. Raises ApiError."""
    text = query.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit()):
        raise ApiError("51000", f"Parameter {name} error")
    return int(text)


def count(query: Query, name: str, usual: int, most: int) -> int:
    """A number of rows or levels; more than the most is cut. Raises ApiError."""
    found = number(query, name)
    return usual if found is None else max(1, min(found, most))


def _between(query: Query) -> Callable[[int], bool]:
    """Judges times in milliseconds by `after` and `before`, both exclusive."""
    after, before = number(query, "after"), number(query, "before")
    return lambda ms: (after is None or ms < after) and (before is None or ms > before)


def _best(totals: Mapping[int, int], count: int) -> tuple[list[int], list[int]]:
    keys = sorted(totals, reverse=True)
    bids = [key for key in keys if key > 0][:count]
    return bids, [key for key in keys if key < 0][:count]


def _field(row: object, name: str) -> str:
    return str(row[name]) if isinstance(row, dict) else ""
