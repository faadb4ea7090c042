"""REST replies of Binance spot over the engines: instruments, books, trades, candles, the day."""

import json
from collections.abc import Collection, Mapping
from typing import Protocol

from workers.simulator.binance import payloads, rows
from workers.simulator.binance.klines import KlineStreams
from workers.simulator.binance.replies import ApiError, Parameters, invalid_symbol
from workers.simulator.market.candles import INTERVALS_US, bounds_us
from workers.simulator.market.engine import Engine
from workers.simulator.market.instruments import Instrument
from workers.simulator.market.tape import AggregateFill, Fill


class Published(Protocol):
    """A market and its candles."""

    engine: Engine
    klines: KlineStreams


class RestApi:
    """Answers over the markets of all symbols.

    Args:
        publishers: the markets, by the exchange's symbol.
        halted: symbols that stand still, with status BREAK.
        gone: symbols that are not listed any more.
        weight_limit: what exchangeInfo tells.
    """

    def __init__(
        self,
        publishers: Mapping[str, Published],
        halted: Collection[str],
        gone: Collection[str],
        weight_limit: int,
    ) -> None:
        self.publishers, self._halted, self._gone = publishers, halted, gone
        self._weight_limit = weight_limit

    def now_us(self) -> int:
        """Engine time."""
        return max(each.engine.now_us for each in self.publishers.values())

    def engine(self, symbol: str) -> Engine:
        """The market of a symbol. Raises ApiError -1121 where there is none."""
        return self.publisher(symbol).engine

    def publisher(self, symbol: str) -> Published:
        """What is published of a symbol. Raises ApiError -1121 where there is none."""
        publisher = self.publishers.get(symbol)
        if publisher is None or symbol in self._gone:
            raise invalid_symbol()
        return publisher

    def names(self) -> list[str]:
        """Symbols that are listed."""
        return [each for each in self.publishers if each not in self._gone]

    def depth(self, symbol: str, limit: int, update_id: int | None = None) -> bytes:
        """The book now, or right after an update id of the recent past."""
        engine = self.engine(symbol)
        book = engine.book
        if update_id is None or update_id == book.update_id:
            bids, asks = book.bids[: -limit - 1 : -1], book.asks[: -limit - 1 : -1]
            return payloads.depth_snapshot(
                engine.instrument, bids, asks, book.totals, book.update_id
            )
        totals = book.totals_at(update_id)
        keys = sorted(totals, reverse=True)
        bids = [key for key in keys if key > 0][:limit]
        asks = [key for key in keys if key < 0][:limit]
        return payloads.depth_snapshot(engine.instrument, bids, asks, totals, update_id)

    def ping(self, parameters: Parameters, micro: bool) -> bytes:
        """`/api/v3/ping`."""
        return b"{}"

    def time(self, parameters: Parameters, micro: bool) -> bytes:
        """`/api/v3/time`."""
        return payloads.encode_json({"serverTime": payloads.stamp(self.now_us(), micro)})

    def exchange_info(self, parameters: Parameters, micro: bool) -> bytes:
        """`/api/v3/exchangeInfo`, for one symbol, some, or all."""
        names = self._symbols(parameters)
        status = parameters.status()
        listed = [self._symbol(self.engine(name).instrument) for name in names]
        if parameters.has("permissions") and "SPOT" not in parameters.text("permissions"):
            listed = []
        if parameters.has("showPermissionSets") and not parameters.flag("showPermissionSets"):
            listed = [{**row, "permissionSets": []} for row in listed]
        reply = {
            "timezone": "UTC",
            "serverTime": payloads.stamp(self.now_us(), micro),
            "rateLimits": rows.rate_limits(self._weight_limit),
            "exchangeFilters": [],
            "symbols": [row for row in listed if status in (None, row["status"])],
            "sors": [],
        }
        return payloads.encode_json(reply)

    def order_book(self, parameters: Parameters, micro: bool) -> bytes:
        """`/api/v3/depth`."""
        symbol = parameters.symbol()
        limit = parameters.limit(100, 5000)
        self.engine(symbol)
        self._match(symbol, parameters.status())
        return self.depth(symbol, limit)

    def trades(self, parameters: Parameters, micro: bool) -> bytes:
        """`/api/v3/trades`: the newest."""
        engine = self.engine(parameters.symbol())
        limit = parameters.limit(500, 1000)
        return self._trades(engine, engine.tape.next_id - limit, limit, micro)

    def historical_trades(self, parameters: Parameters, micro: bool) -> bytes:
        """`/api/v3/historicalTrades`: from an id on, or the newest."""
        engine = self.engine(parameters.symbol())
        limit = parameters.limit(500, 1000)
        from_id = parameters.whole("fromId")
        start = engine.tape.next_id - limit if from_id is None else from_id
        return self._trades(engine, start, limit, micro)

    def aggregate_trades(self, parameters: Parameters, micro: bool) -> bytes:
        """`/api/v3/aggTrades`: from an id, or within times (inclusive), or the newest."""
        engine = self.engine(parameters.symbol())
        limit = parameters.limit(500, 1000)
        from_id = parameters.whole("fromId")
        start, end = parameters.time_us("startTime"), parameters.time_us("endTime")
        if from_id is not None and (start is not None or end is not None):
            raise ApiError(-1128, "Combination of optional parameters invalid.")
        tape = engine.tape
        last = tape.next_aggregate_id
        if end is not None:
            last = min(last, tape.first_aggregate_at(end // 1000 * 1000 + 1000))
        if from_id is not None:
            first = from_id
        elif start is not None:
            first = tape.first_aggregate_at(start)
        else:
            first = last - limit
        found = tape.aggregates(first, max(0, min(limit, last - first)))
        at = engine.instrument
        return payloads.encode_json([self.aggregate_row(at, row, micro) for row in found])

    def klines(self, parameters: Parameters, micro: bool) -> bytes:
        """`/api/v3/klines` and `uiKlines`: candles that start within times, or the newest."""
        publisher = self.publisher(parameters.symbol())
        interval = parameters.text("interval")
        if interval not in INTERVALS_US:
            raise ApiError(-1120, "Invalid interval.")
        limit, shift = parameters.limit(500, 1000), parameters.zone_us()
        start, end = parameters.time_us("startTime"), parameters.time_us("endTime")
        engine = publisher.engine
        oldest = bounds_us(interval, engine.candles.first_us, shift)[0]
        newest = engine.now_us if end is None else min(end, engine.now_us)
        at = engine.instrument
        found: list[list[object]] = []
        if start is None:
            begin, until = bounds_us(interval, newest, shift)
            while begin >= oldest and len(found) < limit:
                found.append(
                    rows.kline_row(
                        at, publisher.klines.candle(interval, begin, until), until, micro
                    )
                )
                begin, until = bounds_us(interval, begin - 1, shift)
            found.reverse()
        else:
            begin, until = bounds_us(interval, max(start, oldest), shift)
            if begin < start:
                begin, until = bounds_us(interval, until, shift)
            while begin <= newest and len(found) < limit:
                found.append(
                    rows.kline_row(
                        at, publisher.klines.candle(interval, begin, until), until, micro
                    )
                )
                begin, until = bounds_us(interval, until, shift)
        return payloads.encode_json(found)

    def day_ticker(self, parameters: Parameters, micro: bool) -> bytes:
        """`/api/v3/ticker/24hr`: one object for `symbol`, else an array."""
        mini = parameters.mini()
        found = [rows.ticker_row(self.engine(name), mini, micro) for name in self.asked(parameters)]
        return one_or_all(parameters, found)

    def trade_row(self, at: Instrument, fill: Fill, micro: bool) -> dict[str, object]:
        """One trade."""
        return rows.trade_row(at, fill, micro)

    def aggregate_row(self, at: Instrument, fill: AggregateFill, micro: bool) -> dict[str, object]:
        """One aggregate."""
        return rows.aggregate_row(at, fill, micro)

    def status(self, symbol: str) -> str:
        """`TRADING`, or `BREAK` while halted."""
        return "BREAK" if symbol in self._halted else "TRADING"

    def asked(self, parameters: Parameters) -> list[str]:
        """Symbols of a ticker request: `symbol`, `symbols` or all, those of `symbolStatus` only."""
        names, status = self._symbols(parameters), parameters.status()
        for name in names:
            self.engine(name)
        if parameters.has("symbol"):
            self._match(names[0], status)
        return [name for name in names if status in (None, self.status(name))]

    def _match(self, symbol: str, status: str | None) -> None:
        if status not in (None, self.status(symbol)):
            raise ApiError(-1220, "The symbol's status does not match the requested symbolStatus.")

    def _symbols(self, parameters: Parameters) -> list[str]:
        if parameters.has("symbol") and parameters.has("symbols"):
            raise ApiError(-1128, "Combination of optional parameters invalid.")
        if parameters.has("symbol"):
            return [parameters.symbol()]
        if not parameters.has("symbols"):
            return self.names()
        try:
            names = json.loads(parameters.text("symbols"))
        except ValueError as error:
            raise ApiError(-1100, "Illegal characters found in parameter 'symbols'.") from error
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise ApiError(-1100, "Illegal characters found in parameter 'symbols'.")
        if not names:
            raise ApiError(-1105, "Parameter 'symbols' was empty.")
        if len(set(names)) != len(names):
            raise ApiError(-1151, "Symbol is present multiple times in the list.")
        return names

    def _trades(self, engine: Engine, from_id: int, limit: int, micro: bool) -> bytes:
        fills = engine.tape.fills(from_id, limit)
        return payloads.encode_json(
            [self.trade_row(engine.instrument, fill, micro) for fill in fills]
        )

    def _symbol(self, at: Instrument) -> dict[str, object]:
        return rows.symbol_row(at, self.status(at.name))


def one_or_all(parameters: Parameters, found: list[dict[str, object]]) -> bytes:
    """An object for `symbol`, else an array."""
    return payloads.encode_json(found[0] if parameters.has("symbol") else found)
