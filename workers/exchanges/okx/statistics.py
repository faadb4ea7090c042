"""Trading statistics of OKX: who is long and short, what takers buy, open interest back in time.

Pure. Source: OKX API v5 guide, "Trading Statistics", snapshot of 2026-07-28. Periods are their
bars, `5m` to `3M`; the ratio by currency has 5m, 1H and 1D alone. 1,440 rows a period at most.
"""

from collections.abc import Callable
from functools import partial

from workers.exchanges.base import Poll
from workers.exchanges.okx import rows
from workers.exchanges.okx.contracts import Contract
from workers.exchanges.okx.messages import OkxOpenInterest
from workers.exchanges.okx.polls import poll
from workers.exchanges.okx.requests import request
from workers.model.events import AnyEvent, LongShortRatio, RatioKind
from workers.model.instrument import Instrument
from workers.model.level import read_decimals

STAT = "/api/v5/rubik/stat"
PAGE = 100

RATIOS: dict[RatioKind, str] = {
    "all_accounts": f"{STAT}/contracts/long-short-account-ratio-contract",
    "top_accounts": f"{STAT}/contracts/long-short-account-ratio-contract-top-trader",
    "top_positions": f"{STAT}/contracts/long-short-position-ratio-contract-top-trader",
    "taker_volume": f"{STAT}/taker-volume-contract",
}
"""Of one contract. Top traders: the 5 % of accounts with the largest positions, since 2024-03."""

TAKER_UNIT_COINS = "0"

ToEvent = Callable[[list[str], Contract, int], AnyEvent]


def long_short_ratio(
    instrument: Instrument,
    kind: RatioKind,
    period: str = "5m",
    limit: int = PAGE,
    *,
    start_ns: int | None = None,
    end_ns: int | None = None,
) -> Poll:
    """A ratio of one contract, newest first; `taker_volume` in coins. Times are inclusive.

    Raises:
        KeyError: a period that OKX does not have.
    """
    asked = request(
        RATIOS[kind],
        RATIOS[kind].rpartition("/")[2],
        instId=instrument.raw_symbol,
        period=rows.BARS[period],
        begin=_ms(start_ns),
        end=_ms(end_ns),
        limit=str(limit),
        unit=TAKER_UNIT_COINS if kind == "taker_volume" else None,
    )
    return poll(instrument, asked, list[str], _ratio(kind, period), kind)


def currency_ratio(
    instrument: Instrument,
    period: str = "5m",
    *,
    start_ns: int | None = None,
    end_ns: int | None = None,
) -> Poll:
    """Accounts long and short over all contracts of the instrument's base coin together.

    The event's symbol is the coin, `BTC`: it is no fact of the instrument.

    Raises:
        KeyError: a period that OKX does not have.
    """
    asked = request(
        f"{STAT}/contracts/long-short-account-ratio",
        "long-short-account-ratio",
        ccy=instrument.base,
        period=_short_bar(period),
        begin=_ms(start_ns),
        end=_ms(end_ns),
    )
    return poll(
        instrument, asked, list[str], _ratio("all_accounts", period, coin=True), "account ratio"
    )


def currency_taker_volume(
    instrument: Instrument,
    period: str = "5m",
    *,
    start_ns: int | None = None,
    end_ns: int | None = None,
) -> Poll:
    """What takers bought and sold of the base coin, on spot or on all contracts together.

    The event's symbol is the coin, as in `currency_ratio`.

    Raises:
        KeyError: a period that OKX does not have.
    """
    asked = request(
        f"{STAT}/taker-volume",
        "taker-volume",
        ccy=instrument.base,
        instType="SPOT" if instrument.market_type == "spot" else "CONTRACTS",
        period=_short_bar(period),
        begin=_ms(start_ns),
        end=_ms(end_ns),
    )
    return poll(
        instrument, asked, list[str], _ratio("taker_volume", period, coin=True), "taker volume"
    )


def open_interest_history(
    instrument: Instrument,
    period: str = "5m",
    limit: int = PAGE,
    *,
    start_ns: int | None = None,
    end_ns: int | None = None,
) -> Poll:
    """Open interest at the beginning of each period, newest first. Times are inclusive.

    Raises:
        KeyError: a period that OKX does not have.
    """
    asked = request(
        f"{STAT}/contracts/open-interest-history",
        "open-interest-history",
        instId=instrument.raw_symbol,
        period=rows.BARS[period],
        begin=_ms(start_ns),
        end=_ms(end_ns),
        limit=str(limit),
    )
    return poll(instrument, asked, list[str], _open_interest, "open-interest-history")


CURRENCY_PERIODS = {"5m": "5m", "1h": "1H", "1d": "1D"}
"""Periods of a currency's figures, and theirs."""


def _short_bar(period: str) -> str:
    return CURRENCY_PERIODS[period]


def _ms(time_ns: int | None) -> str | None:
    return None if time_ns is None else str(time_ns // 1_000_000)


def _ratio(kind: RatioKind, period: str, *, coin: bool = False) -> ToEvent:
    return partial(_read_ratio, kind, period, coin)


def _read_ratio(
    kind: RatioKind,
    period: str,
    coin: bool,
    row: list[str],
    contract: Contract,
    received_ns: int,
) -> LongShortRatio:
    """[ts, ratio]: longs for one short; or [ts, sold, bought]: longs are what takers bought."""
    instrument = contract.instrument
    ratio = long = short = None
    if kind == "taker_volume":
        when, short, long = _columns(row, 3)
    else:
        when, ratio = _columns(row, 2)
    return LongShortRatio(
        exchange=instrument.exchange,
        market_type=instrument.market_type,
        symbol=instrument.base if coin else instrument.symbol,
        raw_symbol=instrument.base if coin else instrument.raw_symbol,
        exchange_ns=rows.time_ns(when),
        received_ns=received_ns,
        source="poll",
        kind=kind,
        period=period,
        long_short_ratio=ratio,
        long_ratio=long,
        short_ratio=short,
    )


def _open_interest(row: list[str], contract: Contract, received_ns: int) -> AnyEvent:
    """[ts, contracts, base, US dollars]."""
    when, oi, oi_ccy, oi_usd = _columns(row, 4)
    found = OkxOpenInterest(contract.instrument.raw_symbol, oi, oi_ccy, when, oi_usd)
    return rows.open_interest(found, contract, received_ns, "backfill")


def _columns(row: list[str], count: int) -> list[str]:
    """The columns of a row, the time first, then plain decimals."""
    if len(row) != count:
        raise ValueError(f"{len(row)} columns, {count} are documented")
    read_decimals(row[1:])
    return row
