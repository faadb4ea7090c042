"""What is asked of OKX by REST, each with the reader of its answer: prices, trades, candles. Pure.

`before` and `after` are theirs: after an id or time comes what is older, `before` alone gives the
newest page above it, not the adjacent one. Rows come newest first; readers keep that order.
Source: OKX API v5 guide, "Market Data" and "Public Data", snapshot of 2026-07-28.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from workers.exchanges.base import Poll
from workers.exchanges.okx import rows
from workers.exchanges.okx.contracts import Contract
from workers.exchanges.okx.messages import (
    OkxFunding,
    OkxIndexTicker,
    OkxMarkPrice,
    OkxOpenInterest,
    OkxSettledFunding,
    OkxTicker,
    OkxTrade,
)
from workers.exchanges.okx.requests import reply, request
from workers.exchanges.okx.symbols import INST_TYPES, index_of
from workers.model.errors import WireError
from workers.model.events import AnyEvent, Source
from workers.model.http import HttpRequest
from workers.model.instrument import Instrument

TRADES_PAGE = 100
CANDLES_PAGE = 300
FUNDING_PAGE = 400

ToEvent = Callable[[Any, Contract, int], AnyEvent]


def poll(
    instrument: Instrument, asked: HttpRequest, row: type[Any], to_event: ToEvent, what: str
) -> Poll:
    """A request whose rows become events of one instrument.

    A row that names another `instId` than was asked for is a WireError unknown_symbol.
    """
    named = asked.params.get("instId")
    return Poll(asked, partial(_read, instrument, named, row, to_event, what))


def poll_all(
    instruments: Sequence[Instrument],
    asked: HttpRequest,
    row: type[Any],
    to_event: ToEvent,
    what: str,
) -> Poll:
    """A request with a row for every instrument; rows of those not given are left out.

    A row of an index becomes an event for each instrument above it. A row that cannot be used costs
    its instrument alone; an answer without any usable row is the first one's WireError.
    """
    known: dict[str, list[Instrument]] = {}
    for each in instruments:
        for name in {each.raw_symbol, index_of(each.raw_symbol)}:
            known.setdefault(name, []).append(each)
    return Poll(asked, partial(_read_all, instruments[0].exchange, known, row, to_event, what))


def _read(
    instrument: Instrument,
    inst_id: str | None,
    row: type[Any],
    to_event: ToEvent,
    what: str,
    body: bytes,
    received_ns: int,
) -> Sequence[AnyEvent]:
    exchange, found = instrument.exchange, reply(instrument.exchange, what, body, row)
    for each in found:
        named = getattr(each, "instId", None) or inst_id
        if named != inst_id:
            detail = f"{what} {instrument.raw_symbol}: a row of {str(named)[:40]!r}"
            raise WireError(exchange, "unknown_symbol", detail, body)
    try:
        contract = Contract(instrument)
        return [to_event(each, contract, received_ns) for each in found]
    except (ValueError, ArithmeticError) as error:
        detail = f"{what} {instrument.raw_symbol}: {error}"
        raise WireError(exchange, "absurd_number", detail, body) from error


def _read_all(
    exchange: str,
    known: dict[str, list[Instrument]],
    row: type[Any],
    to_event: ToEvent,
    what: str,
    body: bytes,
    received_ns: int,
) -> Sequence[AnyEvent]:
    events: list[AnyEvent] = []
    refused: Exception | None = None
    for each in reply(exchange, what, body, row):
        for instrument in known.get(each.instId, ()):
            try:
                events.append(to_event(each, Contract(instrument), received_ns))
            except (ValueError, ArithmeticError) as error:
                refused = refused or error
    if refused is not None and not events:
        raise WireError(exchange, "absurd_number", f"{what}: {refused}", body) from refused
    return events


def ticker(instrument: Instrument) -> Poll:
    """Best bid and ask and the day, now."""
    asked = request("/api/v5/market/ticker", "tickers", instId=instrument.raw_symbol)
    return poll(instrument, asked, OkxTicker, partial(rows.ticker, source="poll"), "ticker")


def tickers(inst_type: str, instruments: Sequence[Instrument]) -> Poll:
    """The same of all instruments of a kind (SWAP)."""
    asked = request("/api/v5/market/tickers", "tickers", instType=inst_type)
    return poll_all(instruments, asked, OkxTicker, partial(rows.ticker, source="poll"), "tickers")


def trades(instrument: Instrument, limit: int = 500) -> Poll:
    """The newest trades, single ones, 500 at most."""
    asked = request(
        "/api/v5/market/trades", "trades", instId=instrument.raw_symbol, limit=str(limit)
    )
    return poll(instrument, asked, OkxTrade, partial(rows.trade, source="backfill"), "trades")


def trades_before(instrument: Instrument, trade_id: int | None = None) -> Poll:
    """Up to 100 single trades with smaller ids than `trade_id`, up to three months back.

    To fill a hole between n and m, ask for trades before m, then before the smallest id of each
    page, until it is n or less: ids have no holes within an instrument.
    """
    asked = request(
        "/api/v5/market/history-trades",
        "history-trades",
        instId=instrument.raw_symbol,
        type="1",
        after=None if trade_id is None else str(trade_id),
        limit=str(TRADES_PAGE),
    )
    return poll(
        instrument, asked, OkxTrade, partial(rows.trade, source="backfill"), "history-trades"
    )


def klines(
    instrument: Instrument, interval: str = "1m", before_ns: int | None = None, limit: int = 100
) -> Poll:
    """Candles that opened before a time, newest first; those of the last 1,440 intervals.

    Raises:
        KeyError: an interval that OKX does not have.
    """
    return _candles(instrument, interval, before_ns, limit, "candles")


def kline_history(
    instrument: Instrument, interval: str = "1m", before_ns: int | None = None, limit: int = 100
) -> Poll:
    """Candles of past years, closed ones. Raises KeyError like `klines`."""
    return _candles(instrument, interval, before_ns, limit, "history-candles")


def _candles(
    instrument: Instrument, interval: str, before_ns: int | None, limit: int, endpoint: str
) -> Poll:
    bar = rows.BARS[interval]
    asked = request(
        f"/api/v5/market/{endpoint}",
        endpoint,
        instId=instrument.raw_symbol,
        bar=bar,
        after=None if before_ns is None else str(before_ns // 1_000_000),
        limit=str(min(limit, CANDLES_PAGE)),
    )

    def to_event(row: list[str], contract: Contract, received_ns: int) -> AnyEvent:
        return rows.kline(row, bar, contract, received_ns, "backfill")

    return poll(instrument, asked, list[str], to_event, endpoint)


def funding_rate(instrument: Instrument) -> Poll:
    """The rate expected for the next payment."""
    asked = request("/api/v5/public/funding-rate", "funding-rate", instId=instrument.raw_symbol)
    return poll(instrument, asked, OkxFunding, partial(rows.funding, source="poll"), "funding-rate")


def funding_rates(instruments: Sequence[Instrument]) -> Poll:
    """The same of all swaps."""
    asked = request("/api/v5/public/funding-rate", "funding-rate", instId="ANY")
    to_event = partial(rows.funding, source="poll")
    return poll_all(instruments, asked, OkxFunding, to_event, "funding-rate")


def funding_history(
    instrument: Instrument, before_ns: int | None = None, limit: int = FUNDING_PAGE
) -> Poll:
    """Rates that were paid before a time, up to 400, three months back."""
    asked = request(
        "/api/v5/public/funding-rate-history",
        "funding-rate-history",
        instId=instrument.raw_symbol,
        after=None if before_ns is None else str(before_ns // 1_000_000),
        limit=str(min(limit, FUNDING_PAGE)),
    )
    source: Source = "backfill"
    to_event = partial(rows.settled_funding, source=source)
    return poll(instrument, asked, OkxSettledFunding, to_event, "funding-rate-history")


def mark_price(instrument: Instrument) -> Poll:
    """The mark price, now."""
    asked = request(
        "/api/v5/public/mark-price",
        "mark-price",
        instType=INST_TYPES[instrument.market_type],
        instId=instrument.raw_symbol,
    )
    return poll(
        instrument, asked, OkxMarkPrice, partial(rows.price_of, source="poll"), "mark-price"
    )


def mark_prices(inst_type: str, instruments: Sequence[Instrument]) -> Poll:
    """The same of all instruments of a kind."""
    asked = request("/api/v5/public/mark-price", "mark-price", instType=inst_type)
    to_event = partial(rows.price_of, source="poll")
    return poll_all(instruments, asked, OkxMarkPrice, to_event, "mark-price")


def index_price(instrument: Instrument) -> Poll:
    """The price of the index below the instrument, now."""
    index = index_of(instrument.raw_symbol)
    asked = request("/api/v5/market/index-tickers", "index-tickers", instId=index)
    to_event = partial(rows.price_of, source="poll")
    return poll(instrument, asked, OkxIndexTicker, to_event, "index-tickers")


def index_prices(quote: str, instruments: Sequence[Instrument]) -> Poll:
    """The same of all indices in a quote currency, for each instrument above them."""
    asked = request("/api/v5/market/index-tickers", "index-tickers", quoteCcy=quote)
    to_event = partial(rows.price_of, source="poll")
    return poll_all(instruments, asked, OkxIndexTicker, to_event, "index-tickers")


def open_interest(instrument: Instrument) -> Poll:
    """Open contracts, now."""
    asked = request(
        "/api/v5/public/open-interest",
        "open-interest",
        instType=INST_TYPES[instrument.market_type],
        instId=instrument.raw_symbol,
    )
    to_event = partial(rows.open_interest, source="poll")
    return poll(instrument, asked, OkxOpenInterest, to_event, "open-interest")


def open_interests(inst_type: str, instruments: Sequence[Instrument]) -> Poll:
    """The same of all instruments of a kind."""
    asked = request("/api/v5/public/open-interest", "open-interest", instType=inst_type)
    to_event = partial(rows.open_interest, source="poll")
    return poll_all(instruments, asked, OkxOpenInterest, to_event, "open-interest")
