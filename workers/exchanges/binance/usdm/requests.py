"""REST of Binance USD-M that a collector needs: instruments and books. Pure. Polls: polls.py.

Source: the official SDK of 2026-07-24.
"""

import msgspec

from workers.book.sequence import Snapshot
from workers.exchanges.binance import replies, rest
from workers.exchanges.binance.checks import Checks
from workers.exchanges.binance.usdm import names
from workers.exchanges.binance.usdm.messages import BinanceUsdmExchangeInfo, BinanceUsdmSymbol
from workers.model.http import HttpRequest
from workers.model.instrument import Instrument

FUTURES_DATA = "futures-data"
FUNDING = "funding"
"""Budgets beside the weight, and not in its header; see the limits in exchange.py."""

DEPTHS = ((5, 2), (10, 2), (20, 2), (50, 2), (100, 5), (500, 10), (1000, 20))
"""Limits /fapi/v1/depth takes, no others, with their weight."""

_exchange_info = msgspec.json.Decoder(BinanceUsdmExchangeInfo)


def instruments_request() -> HttpRequest:
    """Every symbol with its rules; a reply of some megabytes."""
    return HttpRequest("/fapi/v1/exchangeInfo", weight=1)


def read_instruments(exchange: str, body: bytes) -> list[Instrument]:
    """Instruments in the reply to `instruments_request`, dated ones too.

    A base such as 1000SHIB is the exchange's own unit and stays. Quantities are in the base, so a
    contract is one of it.

    Raises:
        WireError: the reply is not what is documented.
    """
    checks = Checks(exchange)
    info = replies.decode(_exchange_info, checks, "exchangeInfo", body)
    return [_instrument(checks, each, body) for each in info.symbols]


def _instrument(checks: Checks, each: BinanceUsdmSymbol, body: bytes) -> Instrument:
    tick, lot = rest.tick_and_lot(checks.exchange, each.symbol, each.filters, body)
    kind = names.market_type(each.contractType, each.deliveryDate)
    if kind == "future":
        checks.ns(each.deliveryDate, body)  # it is in the name
    return Instrument(
        exchange=checks.exchange,
        market_type=kind,
        symbol=names.symbol(each.baseAsset, each.quoteAsset, kind, each.deliveryDate),
        raw_symbol=each.symbol,
        status=names.status(each.status),
        raw_status=each.status,
        base=each.baseAsset,
        quote=each.quoteAsset,
        settle=each.marginAsset,
        tick_size=tick,
        lot_size=lot,
        contract_size="1",
        expiry_ns=names.expiry_ns(each.deliveryDate),
    )


def snapshot_request(raw_symbol: str, depth: int) -> HttpRequest:
    """A book of at least `depth` levels a side, 1,000 at most; the weight goes by the depth."""
    limit, weight = _limit(depth)
    return HttpRequest("/fapi/v1/depth", {"symbol": raw_symbol, "limit": str(limit)}, weight)


def read_snapshot(exchange: str, body: bytes, depth: int) -> Snapshot:
    """The book in the reply to `snapshot_request(..., depth)`.

    Raises:
        WireError: the reply is not what is documented.
    """
    return rest.read_snapshot(exchange, body, _limit(depth)[0])


def _limit(depth: int) -> tuple[int, int]:
    return next((each for each in DEPTHS if depth <= each[0]), DEPTHS[-1])
