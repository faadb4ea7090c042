"""What Binance USD-M gives over REST alone, or again: one Poll a question. Pure.

Source: the official SDK of 2026-07-24. Times are inclusive; rows ascend. /futures/data keeps a
month and counts calls, not weight, and so does the funding history: see `HttpRequest.bucket`.
"""

from collections.abc import Sequence

from workers.exchanges.base import Poll
from workers.exchanges.binance import replies
from workers.exchanges.binance.checks import Checks
from workers.exchanges.binance.messages import (
    BinanceAggTradeRow,
    BinanceBestRow,
    BinanceDayRow,
    BinanceTradeRow,
)
from workers.exchanges.binance.replies import identity, span
from workers.exchanges.binance.usdm.messages import (
    BinanceFundingRow,
    BinanceOpenInterestHistoryRow,
    BinanceOpenInterestRow,
    BinancePremiumIndexRow,
    BinanceRatioRow,
    BinanceTakerRow,
)
from workers.exchanges.binance.usdm.requests import FUNDING, FUTURES_DATA
from workers.model.events import FundingRate, LongShortRatio, OpenInterest, RatioKind
from workers.model.http import HttpRequest
from workers.model.instrument import Instrument

PERIODS = ("5m", "15m", "30m", "1h", "2h", "4h", "6h", "12h", "1d")
"""What /futures/data takes as `period`."""

RATIO_PATHS: dict[RatioKind, str] = {
    "all_accounts": "/futures/data/globalLongShortAccountRatio",
    "top_accounts": "/futures/data/topLongShortAccountRatio",
    "top_positions": "/futures/data/topLongShortPositionRatio",
    "taker_volume": "/futures/data/takerlongshortRatio",
}

KLINE_WEIGHTS = ((99, 1), (499, 2), (1000, 5), (1500, 10))
"""What /fapi/v1/klines costs up to this many rows."""


def klines(
    instrument: Instrument,
    interval: str = "1m",
    *,
    start_ns: int | None = None,
    end_ns: int | None = None,
    limit: int = 499,
) -> Poll:
    """Candles, 1,500 at most; without times the newest. The last one may still be running."""
    weight = next((cost for most, cost in KLINE_WEIGHTS if limit <= most), KLINE_WEIGHTS[-1][1])
    params = span(instrument, start_ns, end_ns, limit) | {"interval": interval}
    request = HttpRequest("/fapi/v1/klines", params, weight)
    return replies.klines_poll(instrument, request, interval)


def aggregate_trades(instrument: Instrument, from_id: int, limit: int = 1000) -> Poll:
    """Aggregates from an id on, that one included, none older than 24 h."""
    params = {"symbol": instrument.raw_symbol, "fromId": str(from_id), "limit": str(limit)}
    request = HttpRequest("/fapi/v1/aggTrades", params, weight=20)
    return replies.poll(instrument, request, BinanceAggTradeRow, replies.read_aggregate)


def trades(instrument: Instrument, limit: int = 1000) -> Poll:
    """The newest raw trades, without those of the insurance fund and ADL. Older ones need a key."""
    params = {"symbol": instrument.raw_symbol, "limit": str(limit)}
    request = HttpRequest("/fapi/v1/trades", params, weight=5)
    return replies.poll(instrument, request, BinanceTradeRow, replies.read_trade)


def ticker(instrument: Instrument) -> Poll:
    """The rolling 24 h figures, without best bid and ask."""
    request = HttpRequest("/fapi/v1/ticker/24hr", {"symbol": instrument.raw_symbol}, weight=1)
    return replies.poll(instrument, request, BinanceDayRow, replies.read_day)


def tickers(instruments: Sequence[Instrument]) -> Poll:
    """The same of all symbols."""
    request = HttpRequest("/fapi/v1/ticker/24hr", weight=40)
    return replies.poll_all(instruments, request, BinanceDayRow, replies.read_day)


def book_ticker(instrument: Instrument) -> Poll:
    """Best bid and ask. The reply's used-weight header is not to be trusted."""
    request = HttpRequest("/fapi/v1/ticker/bookTicker", {"symbol": instrument.raw_symbol}, weight=2)
    return replies.poll(instrument, request, BinanceBestRow, replies.read_best)


def premium_index(instrument: Instrument) -> Poll:
    """Mark and index price, and the rate predicted for the next payment."""
    request = HttpRequest("/fapi/v1/premiumIndex", {"symbol": instrument.raw_symbol}, weight=1)
    return replies.poll(instrument, request, BinancePremiumIndexRow, _read_premium)


def premium_indices(instruments: Sequence[Instrument]) -> Poll:
    """The same of all symbols."""
    request = HttpRequest("/fapi/v1/premiumIndex", weight=10)
    return replies.poll_all(instruments, request, BinancePremiumIndexRow, _read_premium)


def funding_history(
    instrument: Instrument,
    *,
    start_ns: int | None = None,
    end_ns: int | None = None,
    limit: int = 1000,
) -> Poll:
    """Rates that were paid, each at its time; intervals are 8, 4 or 1 h and may change."""
    params = span(instrument, start_ns, end_ns, limit)
    request = HttpRequest("/fapi/v1/fundingRate", params, weight=0, bucket=FUNDING)
    return replies.poll(instrument, request, BinanceFundingRow, _read_funding)


def open_interest(instrument: Instrument) -> Poll:
    """Open interest now; its time trails the request by 4 to 10 s."""
    request = HttpRequest("/fapi/v1/openInterest", {"symbol": instrument.raw_symbol}, weight=1)
    return replies.poll(instrument, request, BinanceOpenInterestRow, _read_open_interest)


def open_interest_history(
    instrument: Instrument,
    period: str = "5m",
    *,
    start_ns: int | None = None,
    end_ns: int | None = None,
    limit: int = 500,
) -> Poll:
    """Open interest with its value at the end of each period."""
    request = _data_request(
        "/futures/data/openInterestHist", instrument, period, start_ns, end_ns, limit
    )
    return replies.poll(
        instrument, request, BinanceOpenInterestHistoryRow, _read_open_interest_history
    )


def long_short_ratio(
    instrument: Instrument,
    kind: RatioKind,
    period: str = "5m",
    *,
    start_ns: int | None = None,
    end_ns: int | None = None,
    limit: int = 500,
) -> Poll:
    """How many are long and short; without times the newest periods.

    Top traders are the 20 % with the largest margin balance. Takers come as volumes in the base.
    """
    request = _data_request(RATIO_PATHS[kind], instrument, period, start_ns, end_ns, limit)
    row = BinanceTakerRow if kind == "taker_volume" else BinanceRatioRow

    def read(
        checks: Checks,
        each: BinanceTakerRow | BinanceRatioRow,
        instrument: Instrument,
        body: bytes,
        received_ns: int,
    ) -> LongShortRatio:
        if isinstance(each, BinanceTakerRow):
            ratio, long, short = each.buySellRatio, each.buyVol, each.sellVol
        else:
            ratio, long, short = each.longShortRatio, each.longAccount, each.shortAccount
        checks.numbers((ratio, long, short), (), body)
        return LongShortRatio(
            **identity(instrument, received_ns),
            exchange_ns=_time(checks, each.timestamp, body),
            kind=kind,
            period=period,
            long_short_ratio=ratio,
            long_ratio=long,
            short_ratio=short,
        )

    return replies.poll(instrument, request, row, read)


def _data_request(
    path: str,
    instrument: Instrument,
    period: str,
    start_ns: int | None,
    end_ns: int | None,
    limit: int,
) -> HttpRequest:
    params = span(instrument, start_ns, end_ns, limit) | {"period": period}
    return HttpRequest(path, params, weight=0, bucket=FUTURES_DATA)


def _read_premium(
    checks: Checks,
    row: BinancePremiumIndexRow,
    instrument: Instrument,
    body: bytes,
    received_ns: int,
) -> FundingRate:
    return FundingRate(
        **identity(instrument, received_ns),
        exchange_ns=checks.ns(row.time, body),
        funding_rate=checks.signed(row.lastFundingRate, body),
        funding_time_ns=checks.ns_or_none(row.nextFundingTime, body),
        mark_price=checks.price(row.markPrice, body),
        index_price=checks.price(row.indexPrice, body),
    )


def _read_funding(
    checks: Checks, row: BinanceFundingRow, instrument: Instrument, body: bytes, received_ns: int
) -> FundingRate:
    paid_ns = checks.ns(row.fundingTime, body)
    return FundingRate(
        **identity(instrument, received_ns),
        exchange_ns=paid_ns,
        funding_rate=checks.signed(row.fundingRate, body),
        funding_time_ns=paid_ns,
        mark_price=checks.price(row.markPrice, body),
    )


def _read_open_interest(
    checks: Checks,
    row: BinanceOpenInterestRow,
    instrument: Instrument,
    body: bytes,
    received_ns: int,
) -> OpenInterest:
    checks.numbers((row.openInterest,), (), body)
    return OpenInterest(
        **identity(instrument, received_ns),
        exchange_ns=checks.ns(row.time, body),
        open_interest=row.openInterest,
    )


def _read_open_interest_history(
    checks: Checks,
    row: BinanceOpenInterestHistoryRow,
    instrument: Instrument,
    body: bytes,
    received_ns: int,
) -> OpenInterest:
    checks.numbers((row.sumOpenInterest, row.sumOpenInterestValue), (), body)
    return OpenInterest(
        **identity(instrument, received_ns),
        exchange_ns=_time(checks, row.timestamp, body),
        open_interest=row.sumOpenInterest,
        open_interest_value=row.sumOpenInterestValue,
    )


def _time(checks: Checks, timestamp: int | str, body: bytes) -> int:
    """Milliseconds, a number or, in older replies, text."""
    text = str(timestamp)
    if not (text.isascii() and text.isdigit() and len(text) < 20):
        raise checks.refused("absurd_number", f"timestamp {text[:40]!r}", body)
    return checks.ns(int(text), body)
