"""REST requests of Binance spot and their replies. Pure: transport/http.py sends them.

Source: github.com/binance/binance-spot-api-docs, rest-api.md, snapshot of 2026-07-21.
"""

from typing import Literal

import msgspec

from workers.book.sequence import Snapshot
from workers.exchanges.binance.messages import (
    UNREADABLE,
    BinanceDepth,
    BinanceExchangeInfo,
    BinanceOldDepth,
)
from workers.exchanges.binance.sequence import NO_BOOK_YET
from workers.model.errors import ExchangeError, RateLimited, WireError
from workers.model.events import Levels
from workers.model.http import HttpRequest, HttpResponse
from workers.model.instrument import Instrument
from workers.model.level import read_decimals

DEEPEST = 5000
"""Levels /api/v3/depth gives at most; it silently cuts what is above."""

WEIGHTS = ((100, 5), (500, 25), (1000, 50), (DEEPEST, 250))
"""What /api/v3/depth costs up to this many levels ("Order book")."""

RETRY_AFTER_429_S = 60.0
RETRY_AFTER_418_S = 120.0
"""Waits where the reply names none: the weight window, and the shortest ban ("IP Limits")."""

_depth = msgspec.json.Decoder(BinanceDepth)
_old_depth = msgspec.json.Decoder(BinanceOldDepth)
_exchange_info = msgspec.json.Decoder(BinanceExchangeInfo)


def instruments_request() -> HttpRequest:
    """Every symbol with its rules; a reply of some megabytes."""
    return HttpRequest("/api/v3/exchangeInfo", weight=20)


def read_instruments(exchange: str, body: bytes) -> list[Instrument]:
    """Instruments in the reply to `instruments_request`.

    Our symbol is `baseAsset-quoteAsset`: BTCUSDT alone does not say where it divides.

    Raises:
        WireError: the reply is not what is documented.
    """
    try:
        info = _exchange_info.decode(body)
    except UNREADABLE as error:
        raise unreadable(exchange, "exchangeInfo", error, body) from error
    instruments = []
    for each in info.symbols:
        tick = next((f.tickSize for f in each.filters if f.filterType == "PRICE_FILTER"), None)
        lot = next((f.stepSize for f in each.filters if f.filterType == "LOT_SIZE"), None)
        try:
            tick, lot = _nonzero(tick), _nonzero(lot)
        except ValueError as error:
            detail = f"exchangeInfo {each.symbol}: {error}"
            raise WireError(exchange, "absurd_number", detail, body) from error
        instruments.append(
            Instrument(
                exchange=exchange,
                market_type="spot",
                symbol=f"{each.baseAsset}-{each.quoteAsset}",
                raw_symbol=each.symbol,
                status=_status(each.status),
                raw_status=each.status,
                base=each.baseAsset,
                quote=each.quoteAsset,
                tick_size=tick,
                lot_size=lot,
            )
        )
    return instruments


def snapshot_request(raw_symbol: str, depth: int) -> HttpRequest:
    """A book of `depth` levels a side, 5,000 at most; the weight goes by the depth."""
    limit = max(1, min(depth, DEEPEST))
    weight = next(cost for most, cost in WEIGHTS if limit <= most)
    return HttpRequest("/api/v3/depth", {"symbol": raw_symbol, "limit": str(limit)}, weight)


def read_snapshot(exchange: str, body: bytes, depth: int) -> Snapshot:
    """The book in the reply to `snapshot_request(..., depth)`.

    A side shorter than what was asked for is the whole side. A symbol without any order yet has
    `lastUpdateId` -1; such a book proves nothing, as the id says nothing about what came before.

    Raises:
        WireError: the reply is not what is documented.
    """
    try:
        last_id, bids, asks = _read_depth(body)
    except UNREADABLE as error:
        raise unreadable(exchange, "depth", error, body) from error
    nothing_yet = last_id == NO_BOOK_YET and not bids and not asks
    if last_id < 0 and not nothing_yet:
        raise WireError(exchange, "absurd_number", f"depth: lastUpdateId {last_id}", body)
    try:
        read_decimals([text for side in (bids, asks) for level in side for text in level])
    except ValueError as error:
        raise WireError(exchange, "absurd_number", f"depth: {error}", body) from error
    limit = min(depth, DEEPEST)
    return Snapshot(
        last_update_id=last_id,
        bids=bids,
        asks=asks,
        bids_complete=len(bids) < limit and not nothing_yet,
        asks_complete=len(asks) < limit and not nothing_yet,
    )


def read_error(exchange: str, response: HttpResponse) -> ExchangeError:
    """The error in a reply: {"code":-1121,"msg":"Invalid symbol."}, or whatever else came.

    429: over the limit; 418: banned; both say for how long in `Retry-After`, in seconds.
    Proxies and firewalls (403, 5xx) answer in HTML.
    """
    code, message = response.status, ""
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


def unreadable(exchange: str, what: str, error: Exception, body: bytes) -> WireError:
    """The error for bytes that msgspec refused."""
    if not isinstance(error, msgspec.ValidationError):
        return WireError(exchange, "broken_json", f"{what}: {error}", body)
    text = str(error)
    if "missing required" in text:
        return WireError(exchange, "missing_field", f"{what}: {text}", body)
    absurd = "Expected `int`" in text or "got `int`" in text or "got `float`" in text
    kind: Literal["absurd_number", "missing_field"] = (
        "absurd_number" if absurd or "out of range" in text else "missing_field"
    )
    return WireError(exchange, kind, f"{what}: {text}", body)


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


def _status(raw: str) -> Literal["trading", "halted"]:
    """Only TRADING trades; what we do not know does not. A delisted symbol is simply absent."""
    return "trading" if raw == "TRADING" else "halted"


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
