"""REST that no event comes from: book snapshots, trading rules, errors; the same on both."""

from collections.abc import Sequence
from typing import Any

import msgspec

from workers.book.sequence import Snapshot
from workers.exchanges.binance.checks import Checks
from workers.exchanges.binance.messages import (
    UNREADABLE,
    BinanceDepth,
    BinanceFilter,
    BinanceOldDepth,
)
from workers.model.errors import ExchangeError, RateLimited
from workers.model.events import Levels
from workers.model.http import HttpResponse
from workers.model.level import read_decimals

NO_BOOK_YET = -1
"""`lastUpdateId` of a symbol that never had an order."""

RETRY_AFTER_429_S = 60.0
RETRY_AFTER_418_S = 120.0
"""Waits where the reply names none: the weight window, and the shortest ban ("IP Limits")."""

_depth = msgspec.json.Decoder(BinanceDepth)
_old_depth = msgspec.json.Decoder(BinanceOldDepth)


def read_snapshot(exchange: str, body: bytes, limit: int) -> Snapshot:
    """The book in a reply to GET .../depth with `limit`.

    A side shorter than the limit is the whole side. A symbol without any order yet has
    `lastUpdateId` -1; such a book proves nothing, as the id says nothing about what came before.

    Raises:
        WireError: the reply is not what is documented.
    """
    checks = Checks(exchange)
    try:
        last_id, bids, asks = _read_depth(body)
    except UNREADABLE as error:
        raise checks.unreadable("depth", error, body) from error
    nothing_yet = last_id == NO_BOOK_YET and not bids and not asks
    if last_id < 0 and not nothing_yet:
        raise checks.refused("absurd_number", f"depth: lastUpdateId {last_id}", body)
    checks.levels(bids, asks, body)
    return Snapshot(
        last_update_id=last_id,
        bids=bids,
        asks=asks,
        bids_complete=len(bids) < limit and not nothing_yet,
        asks_complete=len(asks) < limit and not nothing_yet,
    )


def tick_and_lot(
    exchange: str, symbol: str, filters: Sequence[BinanceFilter], body: bytes
) -> tuple[str | None, str | None]:
    """Price and quantity step of a symbol; None where there is no such rule.

    Raises:
        WireError: a step is no plain decimal.
    """
    tick = next((f.tickSize for f in filters if f.filterType == "PRICE_FILTER"), None)
    lot = next((f.stepSize for f in filters if f.filterType == "LOT_SIZE"), None)
    try:
        return _nonzero(tick), _nonzero(lot)
    except ValueError as error:
        detail = f"exchangeInfo {symbol}: {error}"
        raise Checks(exchange).refused("absurd_number", detail, body) from error


def read_error(exchange: str, response: HttpResponse) -> ExchangeError:
    """The error in a reply: {"code":-1121,"msg":"Invalid symbol."}, or whatever else came.

    429: over the limit; 418: banned; both say for how long in `Retry-After`, in seconds.
    Proxies and firewalls (403, 5xx) answer in HTML.
    """
    code, message = response.status, ""
    body: Any
    try:
        body = msgspec.json.decode(response.body)
    except UNREADABLE:
        body = None
    if isinstance(body, dict):
        if isinstance(body.get("code"), int):
            code = body["code"]
        message = str(body.get("msg", ""))
    if not message:
        message = response.body[:200].decode("utf-8", "replace") or "no text"
    if response.status not in (418, 429):
        return ExchangeError(exchange, code, message)
    least = RETRY_AFTER_418_S if response.status == 418 else RETRY_AFTER_429_S
    return RateLimited(exchange, response.status, message, _retry_after(response, least))


def _read_depth(body: bytes) -> tuple[int, Levels, Levels]:
    try:
        depth = _depth.decode(body)
    except msgspec.ValidationError:
        try:
            old = _old_depth.decode(body)
        except msgspec.ValidationError:
            depth = _depth.decode(body)  # the complaint about today's form is the useful one
        else:
            bids, asks = ([(p, q) for p, q, _ in side] for side in (old.bids, old.asks))
            return old.lastUpdateId, bids, asks
    return depth.lastUpdateId, depth.bids, depth.asks


def _nonzero(text: str | None) -> str | None:
    """A filter's value; zero means that there is no such rule."""
    if text is None or not read_decimals([text])[0]:
        return None
    return text


def _retry_after(response: HttpResponse, otherwise_s: float) -> float:
    try:
        seconds = read_decimals([response.headers.get("retry-after", "").strip()])[0]
    except ValueError:
        return otherwise_s
    return min(seconds, 3 * 86_400.0)  # the longest ban there is
