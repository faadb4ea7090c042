"""REST requests of Deribit and their replies: instruments, books, errors. Pure.

Source: docs.deribit.com, api-reference and "Rate limits", snapshot of 2026-07/09. Weights are
credits: an account has 50,000, refilled by 10,000 a second; for callers without a key the numbers
are unpublished, so exchange.py allows a quarter. Errors come with status 400.
"""

import msgspec

from workers.book.sequence import Snapshot
from workers.exchanges.deribit.answers import DeribitOrderBook, DeribitResult
from workers.exchanges.deribit.messages import UNREADABLE, DeribitInstrument
from workers.exchanges.deribit.names import instrument_named, instrument_of
from workers.exchanges.deribit.numbers import checked_id, is_inverse, pairs
from workers.exchanges.deribit.unusual import WAITS_S, complaint, unreadable
from workers.model.errors import ExchangeBusy, ExchangeError, RateLimited, WireError
from workers.model.http import HttpRequest, HttpResponse
from workers.model.instrument import Instrument
from workers.model.level import read_levels

PATH = "/api/v2/public/"

HISTORY_URL = "https://history.deribit.com"
"""The same requests for trades of any age; www answers older than 24 h with no rows, no error."""

CREDITS = 500
"""What a call costs that names no price of its own."""

INSTRUMENTS_CREDITS = 10_000
INSTRUMENTS_BUCKET = "instruments"
"""get_instruments has a limit of its own; the changelog (2025-06-10) says one call in 10 s."""

DEPTHS = (1, 5, 10, 20, 50, 100, 1000, 10_000)
"""Depths get_order_book takes."""

PERMANENT = frozenset({10020, 13019, -32602, -32601, -32600, -32700, 11050, 13009, 13778, 10030})
"""Errors that the same request will meet again: unknown instrument, closed book, our mistakes."""

PASSING = frozenset({10040, 10041, 10047, 11094, 13028, 13888})
"""retry, settlement_in_progress, matching_engine_queue_full, internal_server_error,
temporarily_unavailable, timed_out."""

STATUS_WAIT_S = 10.0
"""After status 429: the 33rd connection of an address, or Cloudflare."""

_instruments = msgspec.json.Decoder(DeribitResult[list[DeribitInstrument]])
_order_book = msgspec.json.Decoder(DeribitResult[DeribitOrderBook])


def instruments_request() -> HttpRequest:
    """Everything that is listed; a reply of some megabytes."""
    return HttpRequest(
        PATH + "get_instruments",
        {"currency": "any", "expired": "false"},
        INSTRUMENTS_CREDITS,
        INSTRUMENTS_BUCKET,
    )


def read_instruments(exchange: str, body: bytes) -> list[Instrument]:
    """Instruments in the reply to `instruments_request`.

    Raises:
        WireError: the reply is not what is documented.
    """
    try:
        rows = _instruments.decode(body).result
    except UNREADABLE as error:
        raise unreadable(exchange, "get_instruments", error, body) from error
    try:
        return [instrument_of(exchange, each) for each in rows]
    except (ValueError, ArithmeticError) as error:
        raise WireError(exchange, "absurd_number", f"get_instruments: {error}", body) from error


def snapshot_request(raw_symbol: str, depth: int) -> HttpRequest:
    """A book of at least `depth` levels a side, 10,000 at most."""
    allowed = next((each for each in DEPTHS if each >= depth), DEPTHS[-1])
    params = {"instrument_name": raw_symbol, "depth": str(allowed)}
    return HttpRequest(PATH + "get_order_book", params, CREDITS)


def read_snapshot(exchange: str, body: bytes, depth: int) -> Snapshot:
    """The book in the reply to `snapshot_request(..., depth)`, quantities in base units.

    Whether amounts are dollars depends on the kind of instrument, which only its name tells here. A
    side shorter than the depth given is the whole side.

    Raises:
        WireError: the reply is not what is documented.
    """
    try:
        row = _order_book.decode(body).result
    except UNREADABLE as error:
        raise unreadable(exchange, "get_order_book", error, body) from error
    instrument = instrument_named(exchange, row.instrument_name)
    inverse = instrument is not None and is_inverse(instrument)
    given = next((each for each in DEPTHS if each >= depth), DEPTHS[-1])
    try:
        bids, asks = pairs(row.bids, inverse=inverse), pairs(row.asks, inverse=inverse)
        read_levels(bids, asks)
        last_id = checked_id(row.change_id)
    except (ValueError, ArithmeticError) as error:
        raise WireError(exchange, "absurd_number", f"get_order_book: {error}", body) from error
    return Snapshot(last_id, bids, asks, len(bids) < given, len(asks) < given)


def read_error(exchange: str, response: HttpResponse) -> ExchangeError:
    """The error in a reply: {"error":{"code":-32602,"message":"Invalid params","data":...}}.

    Cloudflare answers in HTML; then the status is the code.
    """
    code, message = response.status, ""
    try:
        body = msgspec.json.decode(response.body)
    except UNREADABLE:
        body = None
    if isinstance(body, dict) and isinstance(body.get("error"), dict):
        error = body["error"]
        if type(error.get("code")) is int:
            code = error["code"]
        message = complaint(error)
    if not message:
        message = response.body[:200].decode("utf-8", "replace") or "no text"
    wait_s = WAITS_S.get(code)
    if wait_s is None and response.status == 429:
        wait_s = STATUS_WAIT_S
    if wait_s is None:
        kind = ExchangeBusy if code in PASSING else ExchangeError
        return kind(exchange, code, message)
    return RateLimited(exchange, code, message, wait_s)
