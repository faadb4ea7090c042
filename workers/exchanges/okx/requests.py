"""REST requests of OKX for instruments and books, and how replies are read. Pure.

What is polled or fetched later is in polls.py and statistics.py. Source: OKX API v5 guide, "Market
Data", "Public Data" and "Error Code", snapshot of 2026-07-28. Limits are for each endpoint, in
windows of 2 s, by address, some also by instrument; every request names its endpoint's bucket.
"""

from typing import Any, Literal, TypeVar

import msgspec

from workers.book.sequence import Snapshot
from workers.exchanges.base import Bucket
from workers.exchanges.okx import instruments, rows
from workers.exchanges.okx.contracts import Contract
from workers.exchanges.okx.messages import UNREADABLE, OkxBook, OkxInstrument, OkxReply
from workers.model.errors import ExchangeBusy, ExchangeError, RateLimited, WireError
from workers.model.http import HttpRequest, HttpResponse
from workers.model.instrument import Instrument
from workers.model.level import read_levels

Row = TypeVar("Row")

DEEPEST = 400
"""Levels /api/v5/market/books gives at most, and the channel `books` keeps."""

WINDOW_S = 2.0

BUCKETS = {
    "instruments": Bucket(20, WINDOW_S, per="instType"),
    "books": Bucket(40, WINDOW_S),
    "trades": Bucket(100, WINDOW_S),
    "history-trades": Bucket(20, WINDOW_S),
    "candles": Bucket(40, WINDOW_S),
    "history-candles": Bucket(20, WINDOW_S),
    "tickers": Bucket(20, WINDOW_S),
    "index-tickers": Bucket(20, WINDOW_S),
    "funding-rate": Bucket(10, WINDOW_S, per="instId"),
    "funding-rate-history": Bucket(10, WINDOW_S, per="instId"),
    "open-interest": Bucket(20, WINDOW_S, per="instId"),
    "mark-price": Bucket(10, WINDOW_S, per="instId"),
    "open-interest-history": Bucket(10, WINDOW_S, per="instId"),
    "long-short-account-ratio": Bucket(5, WINDOW_S),
    "taker-volume": Bucket(5, WINDOW_S),
    "long-short-account-ratio-contract": Bucket(5, WINDOW_S, per="instId"),
    "long-short-account-ratio-contract-top-trader": Bucket(5, WINDOW_S, per="instId"),
    "long-short-position-ratio-contract-top-trader": Bucket(5, WINDOW_S, per="instId"),
    "taker-volume-contract": Bucket(5, WINDOW_S, per="instId"),
}
"""Calls by endpoint, of the statistics (`rubik`) each path. Those of one contract are counted by
address and instrument, lists of instruments by address and kind, all others by address alone."""

TOO_MANY = frozenset({50011, 50013})
"""Over the limit, and busy; 50011 may also come with HTTP 200."""

PASSING = frozenset({50001, 50004, 50026})
"""Service unavailable, endpoint timeout, system error: with any HTTP status."""

HTML_WAIT_S = 5.0


def instruments_request(inst_type: str) -> HttpRequest:
    """All instruments of one kind: SPOT, SWAP, FUTURES. OPTION asks for a family, too."""
    return request("/api/v5/public/instruments", "instruments", instType=inst_type)


def read_instruments(exchange: str, body: bytes) -> list[Instrument]:
    """Instruments in the reply to `instruments_request`.

    Raises:
        WireError: the reply is not what is documented.
        ExchangeError: it is an error.
    """
    found = []
    for row in reply(exchange, "instruments", body, OkxInstrument):
        try:
            found.append(instruments.read_row(exchange, row))
        except (ValueError, ArithmeticError) as error:
            detail = f"instruments {row.instId[:40]}: {error}"
            raise WireError(exchange, "absurd_number", detail, body) from error
    return found


def snapshot_request(raw_symbol: str, depth: int) -> HttpRequest:
    """A book of `depth` levels a side, 400 at most; without `sz` it would be one."""
    size = str(max(1, min(depth, DEEPEST)))
    return request("/api/v5/market/books", "books", instId=raw_symbol, sz=size)


def read_snapshot(exchange: str, body: bytes, depth: int, contract: Contract | None) -> Snapshot:
    """The book in the reply to `snapshot_request(..., depth)`, for the audit of a book.

    A side shorter than what was asked for is the whole side; 400 are all that the channel keeps.
    The reply comes from several caches: it may be older than the one before.

    Args:
        exchange: for errors.
        body: the reply.
        depth: what was asked for.
        contract: converts derivatives' quantities; the reply does not name its instrument. None:
            quantities stay the exchange's own.

    Raises:
        WireError: the reply is not what is documented.
        ExchangeError: it is an error.
    """
    found = reply(exchange, "books", body, OkxBook)
    if len(found) != 1:
        raise WireError(exchange, "missing_field", f"books: {len(found)} books", body)
    row = found[0]
    if row.seqId is None:
        raise WireError(exchange, "missing_field", "books: no seqId", body)
    bids = [(price, quantity) for price, quantity, _, _ in row.bids]
    asks = [(price, quantity) for price, quantity, _, _ in row.asks]
    try:
        if not 0 <= row.seqId < rows.NEWEST_ID:
            raise ValueError(f"seqId {row.seqId}")
        read_levels(bids, asks)
        if contract is not None:
            bids, asks = contract.levels(row.bids), contract.levels(row.asks)
    except (ValueError, ArithmeticError) as error:
        raise WireError(exchange, "absurd_number", f"books: {error}", body) from error
    size = max(1, min(depth, DEEPEST))
    return Snapshot(
        last_update_id=row.seqId,
        bids=bids,
        asks=asks,
        bids_complete=len(bids) < size or size == DEEPEST,
        asks_complete=len(asks) < size or size == DEEPEST,
    )


def read_error(exchange: str, response: HttpResponse) -> ExchangeError:
    """The error in a reply: {"code":"50011","msg":"Too Many Requests"}, or whatever else came.

    No header tells how long to wait; the windows are of 2 s. Proxies answer in HTML.
    """
    try:
        body: Any = msgspec.json.decode(response.body)
    except UNREADABLE:
        body = None
    if isinstance(body, dict) and isinstance(body.get("code"), str):
        code, message = body["code"], str(body.get("msg", ""))
        if code.isascii() and code.isdigit():
            return refusal(exchange, int(code), message, response.status)
    message = response.body[:200].decode("utf-8", "replace") or "no text"
    if response.status == 429:
        return RateLimited(exchange, response.status, message, HTML_WAIT_S)
    return ExchangeError(exchange, response.status, message)


def refusal(exchange: str, code: int, message: str, status: int) -> ExchangeError:
    """The error of a code of theirs."""
    if code in TOO_MANY or status == 429:
        return RateLimited(exchange, code, message, WINDOW_S)
    return (ExchangeBusy if code in PASSING else ExchangeError)(exchange, code, message)


def request(path: str, bucket: str, **params: str | None) -> HttpRequest:
    """A request; parameters without a value are left out."""
    present = {name: value for name, value in params.items() if value is not None}
    what = present.get(BUCKETS[bucket].per or "")
    return HttpRequest(path, present, bucket=bucket if what is None else f"{bucket}/{what}")


def reply(exchange: str, what: str, body: bytes, row: type[Row]) -> list[Row]:
    """The rows of a reply.

    Raises:
        WireError: it is not what is documented.
        ExchangeError: its code is not 0.
    """
    try:
        head = _heads.decode(body)
        if head.code != "0":
            code = int(head.code) if head.code.isascii() and head.code.isdigit() else -1
            raise refusal(exchange, code, f"{what}: {head.msg}", 200)
        return msgspec.json.decode(body, type=OkxReply[row]).data  # type: ignore[valid-type]
    except UNREADABLE as error:
        raise unreadable(exchange, what, error, body) from error


class _Head(msgspec.Struct):
    code: str
    msg: str = ""


_heads = msgspec.json.Decoder(_Head)


def unreadable(exchange: str, what: str, error: Exception, body: bytes) -> WireError:
    """The error for bytes that msgspec refused."""
    if not isinstance(error, msgspec.ValidationError):
        return WireError(exchange, "broken_json", f"{what}: {error}", body)
    text = str(error)
    absurd = any(mark in text for mark in ("Expected `int`", "got `int`", "got `float`"))
    kind: Literal["absurd_number", "missing_field"] = (
        "absurd_number" if absurd and "missing required" not in text else "missing_field"
    )
    return WireError(exchange, kind, f"{what}: {text}", body)
