"""The methods that ask for data, the same over HTTP and WebSocket.

Source: docs.deribit.com, api-reference; dossier of September 2026.
"""

from collections.abc import Callable, Mapping
from decimal import Decimal

from workers.simulator.deribit import figures, indices, payloads
from workers.simulator.deribit.channels import RESOLUTIONS
from workers.simulator.deribit.market import DeribitMarket
from workers.simulator.deribit.numbers import raw
from workers.simulator.deribit.pages import history_page, page
from workers.simulator.deribit.rpc import RpcError, invalid, whole, word
from workers.simulator.deribit.streams import InstrumentStreams
from workers.simulator.market.candles import MINUTE_US

VERSION = "1.2.26"
DEPTHS = (1, 5, 10, 20, 50, 100, 1000, 10_000)
MOST_ROWS = 1000
SUMMARY_US = 2_000_000
MOST_HOURS = 744
VOLATILITY_SECONDS = {"1": 1, "60": 60, "3600": 3600, "43200": 43_200, "1D": 86_400}
CURRENCIES = ("BTC", "ETH", "USDC", "USDT", "EURR", "any")

Params = Mapping[str, object]


class Methods:
    """Answers over all instruments."""

    def __init__(self, market: DeribitMarket) -> None:
        self.market = market
        self._summaries: dict[str, tuple[int, list[dict[str, object]]]] = {}

    def call(self, method: str, params: Params, *, history: bool = False) -> object:
        """The result of a method. Raises RpcError.

        Args:
            method: its full name, `public/ticker`.
            params: as sent; values of a GET are texts.
            history: whether the history host is asked.
        """
        if method.startswith("private/"):
            raise RpcError(13009, "unauthorized", {"reason": "invalid_token"})
        found = METHODS.get(method)
        if found is None:
            raise RpcError(-32601, "Method not found")
        if history and method.startswith("public/get_last_trades"):
            streams = self.streams(params)
            return history_page(streams.prints, params, self.market.now_us(), self.market.switches)
        return found(self, params)

    def streams(self, params: Params) -> InstrumentStreams:
        """The instrument that is asked about."""
        return figures.streams_of(self.market, params)

    def time(self, params: Params) -> object:
        """`public/get_time`."""
        return self.market.now_us() // 1000

    def version(self, params: Params) -> object:
        """`public/test` and `public/hello`."""
        return {"version": VERSION}

    def status(self, params: Params) -> object:
        """`public/status`: a string, not a boolean."""
        return {"locked": "false", "locked_indices": []}

    def instruments(self, params: Params) -> object:
        """`public/get_instruments`."""
        currency = word(params, "currency", "any")
        if currency not in CURRENCIES:
            raise invalid("currency", "wrong value")
        if params.get("expired") in (True, "true"):
            return []
        kind = params.get("kind")
        found = [self.market.streams[name].at for name in self.market.names()]
        return [
            self.market.row(at.raw)
            for at in found
            if currency in ("any", at.settlement) and kind in (None, at.kind)
        ]

    def instrument(self, params: Params) -> object:
        """`public/get_instrument`."""
        return self.market.row(self.streams(params).at.raw)

    def ticker(self, params: Params) -> object:
        """`public/ticker`."""
        streams = self.streams(params)
        return payloads.ticker(
            streams.at, streams.engine, self.market.state(streams.at.raw), self.market.worths
        )

    def order_book(self, params: Params, change_id: int | None = None) -> object:
        """`public/get_order_book`, now or right after a change_id of the recent past."""
        streams = self.streams(params)
        depth = whole(params, "depth", 5)
        if depth not in DEPTHS:
            raise invalid("depth", f"must be one of: {', '.join(map(str, DEPTHS))}")
        at, book, marks = streams.at, streams.engine.book, streams.marks
        totals = book.totals
        if change_id is not None:
            update_id = marks.update_of(change_id)
            totals = book.totals_at(book.update_id if update_id is None else update_id)
        keys = sorted(totals, reverse=True)
        sides = {
            "bids": [key for key in keys if key > 0][:depth],
            "asks": [key for key in keys if key < 0][:depth],
        }
        fields = payloads.ticker(at, streams.engine, self.market.state(at.raw), self.market.worths)
        for name, chosen in sides.items():
            fields[name] = [payloads.pair(at, key, totals[key]) for key in chosen]
        return {**fields, "change_id": marks.change_id if change_id is None else change_id}

    def summaries(self, params: Params) -> object:
        """`public/get_book_summary_by_currency`: made each two seconds, not for each call."""
        currency = word(params, "currency")
        if currency not in CURRENCIES or currency == "any":
            raise invalid("currency", "wrong value")
        slot = self.market.now_us() // SUMMARY_US
        made, rows = self._summaries.get(currency, (-1, []))
        if made != slot:
            found = [self.market.streams[name] for name in self.market.names()]
            rows = [
                payloads.summary(each.at, each.engine, self.market.worths)
                for each in found
                if each.at.settlement == currency
            ]
            self._summaries[currency] = slot, rows
        kind = params.get("kind")
        return [
            row
            for row in rows
            if kind in (None, self.market.streams[str(row["instrument_name"])].at.kind)
        ]

    def last_trades(self, params: Params) -> object:
        """`public/get_last_trades_by_instrument` and `..._and_time`."""
        streams = self.streams(params)
        return page(streams.prints, params, self.market.now_us(), self.market.switches)

    def funding_history(self, params: Params) -> object:
        """`public/get_funding_rate_history`: one row per full hour that is over."""
        at = figures.perpetual_of(self.market, params).at
        start, end = whole(params, "start_timestamp"), whole(params, "end_timestamp")
        end = min(end, self.market.now_us() // 1000)
        hour_ms, worths = indices.HOUR_MS, self.market.worths
        rows = []
        last = end // hour_ms
        for hour in range(max(-(-start // hour_ms), last - MOST_HOURS + 1), last + 1):
            price = indices.index_price(at.index, hour * hour_ms, worths)
            before = indices.index_price(at.index, (hour - 1) * hour_ms, worths)
            rows.append(
                {
                    "timestamp": hour * hour_ms,
                    "index_price": raw(price, exponents=False),
                    "prev_index_price": raw(before, exponents=False),
                    "interest_1h": raw(indices.hourly_interest(at.raw, hour - 1)),
                    "interest_8h": raw(indices.eight_hour_interest(at.raw, hour - 1)),
                }
            )
        return rows

    def volatility(self, params: Params) -> object:
        """`public/get_volatility_index_data`: the latest rows, and where the page before ends."""
        currency = word(params, "currency")
        if currency not in indices.VOLATILITY:
            return {"data": [], "continuation": None}
        resolution = VOLATILITY_SECONDS.get(str(params.get("resolution", "")))
        if resolution is None:
            raise invalid("resolution", "wrong value")
        length = resolution * 1000
        start, end = whole(params, "start_timestamp"), whole(params, "end_timestamp")
        end = min(end, self.market.now_us() // 1000)
        first, last = -(-start // length), end // length
        begin = max(first, last - MOST_ROWS + 1)
        rows = [
            [row[0], *(raw(each) for each in row[1:])]
            for row in (
                indices.volatility_row(currency, each * length, (each + 1) * length)
                for each in range(begin, last + 1)
            )
        ]
        return {"data": rows, "continuation": (begin - 1) * length if begin > first else None}

    def chart(self, params: Params) -> object:
        """`public/get_tradingview_chart_data`: parallel arrays, without bars where none traded."""
        streams = self.streams(params)
        minutes = RESOLUTIONS.get(str(params.get("resolution", "")))
        if minutes is None:
            raise invalid("resolution", "wrong value")
        length = minutes * MINUTE_US
        start = whole(params, "start_timestamp") * 1000
        end = min(whole(params, "end_timestamp") * 1000, self.market.now_us())
        start = max(start, streams.engine.candles.first_us) // length * length
        bars = [
            payloads.bar(streams.at, streams.engine.tape, each, each + length)
            for each in range(start, end + 1, length)
        ]
        found = [each for each in bars if each is not None]
        names = {"ticks": "tick"} | {
            name: name for name in ("open", "high", "low", "close", "volume", "cost")
        }
        arrays = {out: [each[name] for each in found] for out, name in names.items()}
        return {"status": "ok" if found else "no_data", **arrays}

    def index_price(self, params: Params) -> object:
        """`public/get_index_price`."""
        name = word(params, "index_name")
        if name not in indices.CHATTY:
            raise invalid("index_name", "wrong value")
        price: Decimal = indices.index_price(name, self.market.now_us() // 1000, self.market.worths)
        written = raw(price, exponents=False)
        return {"index_price": written, "estimated_delivery_price": written}


def _about(
    ask: Callable[[DeribitMarket, Params], object],
) -> Callable[[Methods, Params], object]:
    return lambda methods, params: ask(methods.market, params)


METHODS: dict[str, Callable[[Methods, Params], object]] = {
    "public/get_time": Methods.time,
    "public/test": Methods.version,
    "public/hello": Methods.version,
    "public/status": Methods.status,
    "public/get_instruments": Methods.instruments,
    "public/get_instrument": Methods.instrument,
    "public/ticker": Methods.ticker,
    "public/get_order_book": Methods.order_book,
    "public/get_book_summary_by_currency": Methods.summaries,
    "public/get_last_trades_by_instrument": Methods.last_trades,
    "public/get_last_trades_by_instrument_and_time": Methods.last_trades,
    "public/get_funding_rate_history": Methods.funding_history,
    "public/get_volatility_index_data": Methods.volatility,
    "public/get_tradingview_chart_data": Methods.chart,
    "public/get_index_price": Methods.index_price,
    "public/get_index_price_names": _about(figures.index_names),
    "public/get_funding_rate_value": _about(figures.funding_value),
    "public/get_funding_chart_data": _about(figures.funding_chart),
    "public/get_historical_volatility": _about(figures.historical_volatility),
    "public/get_book_summary_by_instrument": _about(figures.summary_of_one),
    "public/get_currencies": _about(figures.currencies),
    "public/get_contract_size": _about(figures.contract_size),
    "public/get_last_trades_by_currency": _about(figures.trades_of_currency),
    "public/get_last_trades_by_currency_and_time": _about(figures.trades_of_currency),
}
