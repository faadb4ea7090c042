"""Readers of the REST replies that spot and USD-M share; the requests differ by exchange.

Rows of history are ascending. Events carry `source` poll, trades of the past `source` backfill.
"""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import msgspec

from workers.exchanges.base import Poll
from workers.exchanges.binance.checks import Checks
from workers.exchanges.binance.messages import (
    UNREADABLE,
    BinanceAggTradeRow,
    BinanceBestRow,
    BinanceDayRow,
    BinanceKlineRow,
    BinanceTradeRow,
)
from workers.model.errors import WireError
from workers.model.events import AnyEvent, Kline, Source, Ticker, Trade
from workers.model.http import HttpRequest
from workers.model.instrument import Instrument

CLOCK_DOUBT_NS = 10 * 1_000_000_000
"""A candle that ended longer ago than this by our clock is over by theirs too."""

T = TypeVar("T")
ReadRow = Callable[[Checks, Any, Instrument, bytes, int], AnyEvent | None]


def poll(
    instrument: Instrument, request: HttpRequest, row: type[msgspec.Struct], read: ReadRow
) -> Poll:
    """A poll whose reply is one row or an array of them, each an event.

    A row that names another symbol than was asked for is a WireError unknown_symbol.
    """
    decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(list[row] | row)  # type: ignore[valid-type]
    checks, what = Checks(instrument.exchange), request.path.rpartition("/")[2]

    def read_all(body: bytes, received_ns: int) -> Sequence[AnyEvent]:
        found = decode(decoder, checks, what, body)
        events = []
        for each in found if isinstance(found, list) else [found]:
            named = getattr(each, "symbol", None)
            if named is not None and named != instrument.raw_symbol:
                raise checks.refused("unknown_symbol", f"{what}: {named[:40]!r}", body)
            event = read(checks, each, instrument, body, received_ns)
            if event is not None:
                events.append(event)
        return events

    return Poll(request, read_all)


def poll_all(
    instruments: Sequence[Instrument],
    request: HttpRequest,
    row: type[msgspec.Struct],
    read: ReadRow,
) -> Poll:
    """A poll whose reply has a row for every symbol; rows of those not given are left out.

    A row that cannot be used costs its symbol alone, which is missing from the events then; an
    answer without any usable row is the first one's WireError.
    """
    rows_of, row_of = msgspec.json.Decoder(list[msgspec.Raw]), msgspec.json.Decoder(row)
    known = {each.raw_symbol: each for each in instruments}
    checks, what = Checks(instruments[0].exchange), request.path.rpartition("/")[2]

    def read_all(body: bytes, received_ns: int) -> Sequence[AnyEvent]:
        events, refused = [], None
        for raw in decode(rows_of, checks, what, body):
            try:
                each: Any = decode(row_of, checks, what, bytes(raw))
                if each.symbol not in known:
                    continue
                event = read(checks, each, known[each.symbol], bytes(raw), received_ns)
            except WireError as error:
                refused = refused or error
                continue
            if event is not None:
                events.append(event)
        if refused is not None and not events:
            raise refused
        return events

    return Poll(request, read_all)


def decode(decoder: msgspec.json.Decoder[T], checks: Checks, what: str, body: bytes) -> T:
    """The reply, typed.

    Raises:
        WireError: it is not what is documented.
    """
    try:
        return decoder.decode(body)
    except UNREADABLE as error:
        raise checks.unreadable(what, error, body) from error


def identity(instrument: Instrument, received_ns: int, source: Source = "poll") -> dict[str, Any]:
    """The fields all polled events have, but `exchange_ns`."""
    return {
        "exchange": instrument.exchange,
        "market_type": instrument.market_type,
        "symbol": instrument.symbol,
        "raw_symbol": instrument.raw_symbol,
        "received_ns": received_ns,
        "source": source,
    }


def span(
    instrument: Instrument, start_ns: int | None, end_ns: int | None, limit: int
) -> dict[str, str]:
    """Parameters of a history request; theirs are milliseconds, both ends inclusive."""
    params = {"symbol": instrument.raw_symbol, "limit": str(limit)}
    if start_ns is not None:
        params["startTime"] = str(start_ns // 1_000_000)
    if end_ns is not None:
        params["endTime"] = str(end_ns // 1_000_000)
    return params


def klines_poll(instrument: Instrument, request: HttpRequest, interval: str) -> Poll:
    """Candles of one length.

    A candle with one behind it is closed; the last one is so if it ended long enough ago, and
    None where the two clocks might disagree.
    """
    decoder, checks = msgspec.json.Decoder(list[BinanceKlineRow]), Checks(instrument.exchange)

    def read(body: bytes, received_ns: int) -> Sequence[Kline]:
        rows = decode(decoder, checks, "klines", body)
        found = [_kline(checks, each, instrument, interval, body, received_ns) for each in rows]
        for each in found[:-1]:
            each.closed = True
        return found

    return Poll(request, read)


def _kline(
    checks: Checks,
    row: BinanceKlineRow,
    instrument: Instrument,
    interval: str,
    body: bytes,
    received_ns: int,
) -> Kline:
    texts = (row.open, row.high, row.low, row.close, row.volume, row.quote_volume)
    checks.numbers(texts, (row.trades,), body)
    close_ns = checks.ns(row.close_time, body)
    behind_ns = received_ns - close_ns
    return Kline(
        **identity(instrument, received_ns),
        exchange_ns=close_ns,
        interval=interval,
        open_time_ns=checks.ns(row.open_time, body),
        close_time_ns=close_ns,
        open=row.open,
        high=row.high,
        low=row.low,
        close=row.close,
        volume=row.volume,
        quote_volume=row.quote_volume,
        trade_count=row.trades,
        closed=None if abs(behind_ns) <= CLOCK_DOUBT_NS else behind_ns > 0,
    )


def read_trade(
    checks: Checks, row: BinanceTradeRow, instrument: Instrument, body: bytes, received_ns: int
) -> Trade:
    """One raw trade of the past."""
    checks.numbers((row.price, row.qty), (row.id,), body)
    return Trade(
        **identity(instrument, received_ns, "backfill"),
        exchange_ns=checks.ns(row.time, body),
        trade_id=row.id,
        price=row.price,
        quantity=row.qty,
        side="sell" if row.isBuyerMaker else "buy",
    )


def read_aggregate(
    checks: Checks, row: BinanceAggTradeRow, instrument: Instrument, body: bytes, received_ns: int
) -> Trade | None:
    """One aggregate of the past; None for a row that the exchange has invalidated."""
    if row.f == -1 and row.l == -1:
        return None
    checks.numbers((row.p, row.q), (row.a, row.f, row.l), body)
    return Trade(
        **identity(instrument, received_ns, "backfill"),
        exchange_ns=checks.ns(row.T, body),
        trade_id=row.a,
        price=row.p,
        quantity=row.q,
        side="sell" if row.m else "buy",
        aggregate=True,
        first_trade_id=row.f,
        last_trade_id=row.l,
    )


def read_day(
    checks: Checks, row: BinanceDayRow, instrument: Instrument, body: bytes, received_ns: int
) -> Ticker:
    """The rolling 24 h figures."""
    day = (row.lastPrice, row.openPrice, row.highPrice, row.lowPrice, row.volume, row.quoteVolume)
    checks.numbers(day, (), body)
    best = (row.bidPrice or "0", row.bidQty or "0", row.askPrice or "0", row.askQty or "0")
    bid, ask = checks.quotes(*best, body)
    return Ticker(
        **identity(instrument, received_ns),
        exchange_ns=checks.ns(row.closeTime, body),
        best_bid_price=bid[0],
        best_bid_quantity=bid[1],
        best_ask_price=ask[0],
        best_ask_quantity=ask[1],
        last_price=row.lastPrice,
        open_24h=row.openPrice,
        high_24h=row.highPrice,
        low_24h=row.lowPrice,
        volume_24h=row.volume,
        quote_volume_24h=row.quoteVolume,
    )


def read_best(
    checks: Checks, row: BinanceBestRow, instrument: Instrument, body: bytes, received_ns: int
) -> Ticker:
    """Best bid and ask."""
    bid, ask = checks.quotes(row.bidPrice, row.bidQty, row.askPrice, row.askQty, body)
    return Ticker(
        **identity(instrument, received_ns),
        exchange_ns=checks.ns_or_none(row.time, body),
        best_bid_price=bid[0],
        best_bid_quantity=bid[1],
        best_ask_price=ask[0],
        best_ask_quantity=ask[1],
    )
