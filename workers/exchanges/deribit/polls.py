"""What is asked of Deribit's REST API beside instruments and books, and how answers become events.

Source: docs.deribit.com, api-reference, snapshot of 2026-07/09. There are no long/short ratios and
there is no history of open interest: it is sampled from tickers or book summaries. A window that is
older than the host's memory answers with no rows and no error.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

import msgspec

from workers.exchanges.base import Poll
from workers.exchanges.deribit import records
from workers.exchanges.deribit.answers import (
    DeribitChart,
    DeribitFunding,
    DeribitResult,
    DeribitSummary,
    DeribitTickerReply,
    DeribitTrades,
    DeribitVolatilityCandles,
)
from workers.exchanges.deribit.messages import UNREADABLE, DeribitCandle, DeribitInstrument
from workers.exchanges.deribit.names import (
    INDEX_RESOLUTIONS,
    RESOLUTIONS,
    instrument_of,
    volatility_symbol,
)
from workers.exchanges.deribit.numbers import nanoseconds, optional, signed, unsigned
from workers.exchanges.deribit.requests import CREDITS, PATH, instruments_request
from workers.exchanges.deribit.unusual import unreadable
from workers.model.errors import WireError
from workers.model.events import AnyEvent, FundingRate, Source, Trade, VolatilityIndex
from workers.model.http import HttpRequest
from workers.model.instrument import Instrument

MOST_TRADES = 1000
"""Rows www gives at most; the history host gives 10,000."""

MINUTE_NS = 60 * 1_000_000_000

Answer = TypeVar("Answer")


class OtherInstrument(ValueError):
    """An answer is about another instrument than was asked for."""


def ticker(instrument: Instrument) -> Poll:
    """Now: ticker, open interest, funding of a perpetual."""
    request = HttpRequest(PATH + "ticker", {"instrument_name": instrument.raw_symbol}, CREDITS)

    def events(row: DeribitTickerReply, received_ns: int) -> list[AnyEvent]:
        if row.instrument_name != instrument.raw_symbol:
            raise OtherInstrument(f"a ticker of {row.instrument_name[:60]!r}")
        return records.ticker_events(row, instrument, received_ns, "poll")

    return Poll(request, _reader(instrument.exchange, "ticker", DeribitTickerReply, events))


def book_summaries(exchange: str, currency: str, instruments: Sequence[Instrument]) -> Poll:
    """Now, in one call: tickers and open interest of all instruments of a currency (`BTC`).

    Some 2 s old; asked more often it repeats itself. Rows of instruments not given are left out.
    """
    known = {each.raw_symbol: each for each in instruments}
    request = HttpRequest(PATH + "get_book_summary_by_currency", {"currency": currency}, CREDITS)
    events = partial(_summaries, known)
    return Poll(request, _reader(exchange, "book summary", list[DeribitSummary], events))


def trades(instrument: Instrument, first_seq: int, last_seq: int, count: int = MOST_TRADES) -> Poll:
    """Trades by `trade_seq` (our trade_id), both inclusive: the first `count` of them.

    The history host widens the window to whole milliseconds, so its answer may hold neighbours and
    lack rows for them: look with `missing`, ask again.
    """
    end = min(last_seq, first_seq + count - 1)
    window = {"start_seq": str(first_seq), "end_seq": str(end)}
    return _trades("get_last_trades_by_instrument", instrument, window, count)


def trades_between(
    instrument: Instrument, start_ms: int, end_ms: int, count: int = MOST_TRADES
) -> Poll:
    """Trades by time, both inclusive. Go on by `trades`: many share a millisecond.

    Over a window that ended an hour ago it also brings what is known of liquidations, which are
    marked that late and never on the stream.
    """
    window = {"start_timestamp": str(start_ms), "end_timestamp": str(end_ms)}
    return _trades("get_last_trades_by_instrument_and_time", instrument, window, count)


def missing(events: Iterable[AnyEvent], first_seq: int, last_seq: int) -> list[int]:
    """Numbers of the window, both inclusive, of which no trade is among the events."""
    found = {each.trade_id for each in events if isinstance(each, Trade)}
    return [number for number in range(first_seq, last_seq + 1) if number not in found]


def funding_rates(instrument: Instrument, start_ms: int, end_ms: int) -> Poll:
    """What was paid each hour: `funding_rate` is the hour's, not a rate for 8 hours."""
    params = {"instrument_name": instrument.raw_symbol} | _window(start_ms, end_ms)
    request = HttpRequest(PATH + "get_funding_rate_history", params, CREDITS)

    def events(rows: list[DeribitFunding], received_ns: int) -> list[AnyEvent]:
        return [
            FundingRate(
                **records.common(instrument, at_ns, received_ns, "poll"),
                funding_rate=signed(row.interest_1h),
                funding_time_ns=at_ns,
                index_price=optional(row.index_price),
            )
            for row in rows
            for at_ns in [nanoseconds(row.timestamp)]
        ]

    read = _reader(instrument.exchange, "funding history", list[DeribitFunding], events)
    return Poll(request, read)


def klines(instrument: Instrument, interval: str, start_ms: int, end_ms: int) -> Poll:
    """Candles, 5,000 at most. The last is closed if it ended before the answer left.

    Raises:
        KeyError: an interval that Deribit does not have.
    """
    params = {
        "instrument_name": instrument.raw_symbol,
        "resolution": RESOLUTIONS[interval],
    } | _window(start_ms, end_ms)
    request = HttpRequest(PATH + "get_tradingview_chart_data", params, CREDITS)
    read = _reader_of_answer(
        instrument.exchange, "chart data", DeribitChart, partial(_candles, instrument, interval)
    )
    return Poll(request, read)


def volatility_index(exchange: str, index: str, interval: str, start_ms: int, end_ms: int) -> Poll:
    """Candles of DVOL, the newest thousand of the window; `index` is `btc_usd` or `eth_usd`.

    `older_volatility` tells from the answer what to ask for next.

    Raises:
        KeyError: an interval that Deribit does not have.
    """
    params = {
        "currency": index.partition("_")[0].upper(),
        "resolution": INDEX_RESOLUTIONS[interval],
    } | _window(start_ms, end_ms)

    def events(answer: DeribitVolatilityCandles, received_ns: int) -> list[AnyEvent]:
        return [
            VolatilityIndex(
                exchange=exchange,
                market_type="option",
                symbol=volatility_symbol(index),
                raw_symbol=index,
                exchange_ns=nanoseconds(tick),
                received_ns=received_ns,
                source="poll",
                resolution=interval,
                open=unsigned(opened),
                high=unsigned(high),
                low=unsigned(low),
                close=unsigned(close),
            )
            for tick, opened, high, low, close in answer.data
        ]

    request = HttpRequest(PATH + "get_volatility_index_data", params, CREDITS)
    return Poll(request, _reader(exchange, "volatility index", DeribitVolatilityCandles, events))


def older_volatility(exchange: str, body: bytes) -> int | None:
    """The `end_ms` to ask for next; None: there is nothing older. Raises WireError."""
    return _decode(exchange, "volatility index", DeribitVolatilityCandles, body).result.continuation


def instruments(exchange: str) -> Poll:
    """Every instrument with its facts and state."""

    def events(rows: list[DeribitInstrument], received_ns: int) -> list[AnyEvent]:
        listed = (instrument_of(exchange, row) for row in rows)
        return [
            records.instrument_change(each, each.raw_status, None, received_ns, "poll")
            for each in listed
        ]

    read = _reader(exchange, "get_instruments", list[DeribitInstrument], events)
    return Poll(instruments_request(), read)


def _trades(method: str, instrument: Instrument, window: dict[str, str], count: int) -> Poll:
    params = {"instrument_name": instrument.raw_symbol, **window}
    request = HttpRequest(PATH + method, params | {"count": str(count), "sorting": "asc"}, CREDITS)
    events = partial(_trade_rows, instrument, "backfill")
    return Poll(request, _reader(instrument.exchange, method, DeribitTrades, events))


def _trade_rows(
    instrument: Instrument, source: Source, answer: DeribitTrades, received_ns: int
) -> list[AnyEvent]:
    """Trades and liquidations by trade_seq, each once."""
    rows = {each.trade_seq: each for each in answer.trades}
    strange = next(
        (row for row in answer.trades if row.instrument_name != instrument.raw_symbol), None
    )
    if strange is not None:
        raise OtherInstrument(f"trades of {strange.instrument_name[:60]!r}")
    return [
        event
        for _, row in sorted(rows.items())
        for event in records.trade_events(row, instrument, received_ns, source)
    ]


def _summaries(
    known: Mapping[str, Instrument], rows: list[DeribitSummary], received_ns: int
) -> list[AnyEvent]:
    """A row that cannot be used costs its instrument alone, unless there is no other."""
    events: list[AnyEvent] = []
    refused: Exception | None = None
    for row in rows:
        if row.instrument_name not in known:
            continue
        try:
            instrument = known[row.instrument_name]
            events += records.summary_events(row, instrument, received_ns, "poll")
        except (ValueError, ArithmeticError) as error:
            refused = refused or error
    if refused is not None and not events:
        raise refused
    return events


def _candles(
    instrument: Instrument, interval: str, answer: DeribitResult[DeribitChart], received_ns: int
) -> list[AnyEvent]:
    chart, left_us = answer.result, answer.usOut
    resolution = RESOLUTIONS[interval]
    length_ns = MINUTE_NS * (1440 if resolution == "1D" else int(resolution))
    now_ns = received_ns if left_us is None else left_us * 1000
    columns = chart.ticks, chart.open, chart.high, chart.low, chart.close, chart.volume, chart.cost
    fields = records.common(instrument, None, received_ns, "backfill")
    return [
        records.kline(
            DeribitCandle(*values), interval, nanoseconds(values[0]) + length_ns <= now_ns, fields
        )
        for values in zip(*columns, strict=True)
    ]


def _window(start_ms: int, end_ms: int) -> dict[str, str]:
    return {"start_timestamp": str(start_ms), "end_timestamp": str(end_ms)}


def _reader(
    exchange: str, what: str, data: Any, events: Callable[[Any, int], list[AnyEvent]]
) -> Callable[[bytes, int], Sequence[AnyEvent]]:
    return _reader_of_answer(
        exchange, what, data, lambda answer, received_ns: events(answer.result, received_ns)
    )


def _reader_of_answer(
    exchange: str, what: str, data: Any, events: Callable[[Any, int], list[AnyEvent]]
) -> Callable[[bytes, int], Sequence[AnyEvent]]:
    def read(body: bytes, received_ns: int) -> Sequence[AnyEvent]:
        answer = _decode(exchange, what, data, body)
        try:
            return events(answer, received_ns)
        except OtherInstrument as error:
            raise WireError(exchange, "unknown_symbol", f"{what}: {error}", body) from error
        except (ValueError, ArithmeticError) as error:
            raise WireError(exchange, "absurd_number", f"{what}: {error}", body) from error

    return read


def _decode(exchange: str, what: str, data: type[Answer], body: bytes) -> DeribitResult[Answer]:
    try:
        answer: DeribitResult[Answer] = msgspec.json.decode(
            body,
            type=DeribitResult[data],  # type: ignore[valid-type]
            strict=False,  # some proxies and archives quote the numbers
        )
    except UNREADABLE as error:
        raise unreadable(exchange, what, error, body) from error
    return answer
