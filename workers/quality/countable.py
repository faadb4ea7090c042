"""How the rows of each type of event are counted, and what proves that none is missing. Pure.

A row has an id in its series; ids follow each other, so what lies between two rows is a hole. Of a
period the id is its number since 1970; of an update of a book it is the id the book ends at. Where
an exchange gives nothing to count by, rows are counted and nothing is proven.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Literal

from config import queues
from config.poll_choices import INTERVALS, PERIODS, RESOLUTIONS
from config.polls import POLLS
from workers.exchanges.asking import HOUR_NS, length_ns

Proof = Literal["id", "chain", "period", "none"]
"""id: the exchange's own numbers. chain: each names the one before. period: a fixed pace."""
Clock = Literal["exchange", "received", "open"]
"""Which time of a row tells the minute it belongs to."""

LONGEST_CADENCE = 24
"""Hours between two payments of funding, where two are not known yet."""

_EXCHANGE = "coalesce(exchange_ns, received_ns)"


def _lengths(names: Mapping[str, tuple[str, ...]]) -> dict[str, int]:
    """Nanoseconds by name; months differ in length and have none."""
    known = {name for each in names.values() for name in each if not name.endswith("M")}
    return {name: length_ns(name) for name in sorted(known)}


LENGTHS = _lengths(INTERVALS) | _lengths(PERIODS) | _lengths(RESOLUTIONS)
"""Nanoseconds of every period of fixed length that rows can have."""


_KNOWN = f"({', '.join(repr(each) for each in LENGTHS)})"
_OF_LENGTH = "|".join(LENGTHS)
_NO_LENGTH = "months differ in length, and so may periods of exchanges from elsewhere"


@dataclass(frozen=True, kw_only=True)
class Countable:
    """Rows of one kind. The fields below `how` are SQL over a row of the table.

    Args:
        event_type: their type.
        table: where they are stored.
        names: what their series are called in the ledger, a pattern.
        proof: what shows that one is missing.
        how: the proof, or why there is none; for people.
        series: the ledger's name of a row's series.
        clock: tells the minute of a row.
        where: rows that count.
        row_id: with a proof: the id of a row.
        first_id: the first id it stands for.
        each: how many ids a row stands for; 0: nobody knows, so a hole lacks at least one row.
        identity: without a proof: what two deliveries of one row have in common.
        task: the polling task that brings past rows; empty: no exchange gives them again by time.
    """

    event_type: str
    table: str
    names: str
    proof: Proof
    how: str
    series: str
    clock: Clock = "exchange"
    where: str = "1"
    row_id: str = ""
    first_id: str = ""
    each: str = "1"
    identity: str = _EXCHANGE
    task: str = ""

    @property
    def at(self) -> str:
        """The time of a row, SQL."""
        return {"exchange": _EXCHANGE, "received": "received_ns", "open": "open_time_ns"}[
            self.clock
        ]

    @property
    def between(self) -> str:
        """Rows of a span `begin` to `end`, in words that ClickHouse's indices understand."""
        column = {"exchange": "exchange_ns", "received": "received_ns", "open": "open_time_ns"}
        name = column[self.clock]
        inside = f"({name} >= %(begin)s AND {name} < %(end)s)"
        if self.clock != "exchange":
            return inside
        return (
            f"({inside} OR (isNull(exchange_ns) AND received_ns >= %(begin)s "
            "AND received_ns < %(end)s))"
        )

    @property
    def ids_each(self) -> int:
        """The same as `each`, where it does not depend on the symbol."""
        return 0 if self.proof == "chain" else 1

    @property
    def fillable(self) -> bool:
        """Whether missing rows can be asked for again, as far as the exchange gives them."""
        return self.proof in ("id", "period")

    @property
    def quiet_minutes(self) -> bool:
        """A minute without a row between two that have some is proven to lack nothing."""
        return self.proof in ("id", "chain")


def _number(period: str, at: str) -> str:
    """The number of a period since 1970, of which `period` is the name."""
    names = ", ".join(f"'{each}'" for each in LENGTHS)
    lengths = ", ".join(str(each) for each in LENGTHS.values())
    return f"toUInt64(intDiv({at}, transform({period}, [{names}], [{lengths}], 1)))"


def _periods(
    event_type: str, table: str, how: str, task: str, period: str, where: str, series: str
) -> Countable:
    clock: Clock = "open" if event_type == "kline" else "exchange"
    number = _number(period, "open_time_ns" if clock == "open" else _EXCHANGE)
    return Countable(
        event_type=event_type, table=table, names=f"{event_type}-(.*-)?({_OF_LENGTH})", how=how,
        proof="period", series=series, clock=clock, where=where, row_id=number, first_id=number,
        task=task,
    )  # fmt: skip


_COVERED = "if(ifNull(last_trade_id, 0) = trade_id, ifNull(first_trade_id, trade_id), trade_id)"
_BEFORE = (
    "if(prev_update_id < last_update_id, assumeNotNull(prev_update_id) + 1, "
    "least(first_update_id, last_update_id))"
)
_PAID = f"toUInt64(intDiv({_EXCHANGE} + {HOUR_NS // 2}, {HOUR_NS}))"
_CADENCE = f"transform(symbol, %(paid)s, %(cadence)s, {LONGEST_CADENCE})"
_EDGE_NS = LENGTHS["5m"]
_WITH_HISTORY = ", ".join(
    f"'{each}'" for each in POLLS[queues.POLL_OPEN_INTEREST_HISTORY].exchanges
)
_WHEN_PAID = "source != 'live' AND exchange_ns = funding_time_ns AND isNotNull(funding_rate)"
_AT_EDGE = (
    f"source != 'live' AND modulo(exchange_ns, {_EDGE_NS}) = 0 AND exchange IN ({_WITH_HISTORY})"
)

COUNTABLES: tuple[Countable, ...] = (
    Countable(
        event_type="trade", table="trades", names="trade|aggregate-trade", proof="id",
        how="the exchange counts its trades; aggregates have ids of their own",
        series="if(aggregate, 'aggregate-trade', 'trade')", row_id="trade_id", first_id=_COVERED,
    ),
    Countable(
        event_type="orderbook-delta", table="orderbook_deltas", names="orderbook-delta",
        proof="chain", each="0",
        how="each change names the id it follows; how many lie in a break nobody can tell",
        series="'orderbook-delta'", row_id="last_update_id", first_id=_BEFORE,
    ),
    _periods(
        "kline", "klines", "a closed candle for each interval", queues.POLL_KLINES,
        "interval", f"ifNull(closed, false) AND interval IN {_KNOWN}",
        "concat('kline-', interval)",
    ),
    Countable(
        event_type="funding-rate", table="funding_rates", names="funding-rate-paid",
        proof="period", each=_CADENCE,
        how="payments come at a pace of full hours, read from those of three days",
        series="'funding-rate-paid'", where=_WHEN_PAID, row_id=_PAID,
        first_id=f"toUInt64({_PAID} - {_CADENCE} + 1)", task=queues.POLL_FUNDING_RATE_HISTORY,
    ),
    _periods(
        "open-interest", "open_interest", "a row at each full five minutes",
        queues.POLL_OPEN_INTEREST_HISTORY, "'5m'", _AT_EDGE, "'open-interest-5m'",
    ),
    _periods(
        "long-short-ratio", "long_short_ratios", "a row for each kind and period",
        queues.POLL_LONG_SHORT_RATIO, "period", f"period IN {_KNOWN}",
        "concat('long-short-ratio-', toString(kind), '-', period)",
    ),
    _periods(
        "volatility-index", "volatility_index", "a candle for each resolution",
        queues.POLL_VOLATILITY_INDEX, "ifNull(resolution, '')",
        f"ifNull(resolution, '') IN {_KNOWN}",
        "concat('volatility-index-', assumeNotNull(resolution))",
    ),
    Countable(
        event_type="orderbook", table="orderbook_snapshots", names="orderbook", proof="none",
        how="a snapshot replaces the one before; the changes between are proven by their chain",
        series="'orderbook'", clock="received", identity="(last_update_id, state, source)",
    ),
    Countable(
        event_type="ticker", table="tickers", names="ticker", proof="none",
        how="quotes and tickers have no number and come when something changed",
        series="'ticker'", clock="received",
        identity="(exchange_ns, isNull(last_price), best_bid_price, best_bid_quantity, "
        "best_ask_price, best_ask_quantity)",
    ),
    Countable(
        event_type="kline", table="klines", names="kline-.*", proof="none",
        how=_NO_LENGTH, series="concat('kline-', interval)", clock="open",
        where=f"ifNull(closed, false) AND interval NOT IN {_KNOWN}", identity="open_time_ns",
    ),
    Countable(
        event_type="funding-rate", table="funding_rates", names="funding-rate", proof="none",
        how="expected rates, mark and index prices have no number and come when they change",
        series="'funding-rate'", clock="received", where=f"NOT ifNull({_WHEN_PAID}, false)",
        identity="(exchange_ns, funding_rate, mark_price, index_price)",
    ),
    Countable(
        event_type="open-interest", table="open_interest", names="open-interest", proof="none",
        how="values of now have no number and no fixed time", series="'open-interest'",
        clock="received", where=f"NOT ifNull({_AT_EDGE}, false)",
    ),
    Countable(
        event_type="liquidation", table="liquidations", names="liquidation", proof="none",
        how="exchanges show a sample of them, without numbers", series="'liquidation'",
        clock="received", identity="(exchange_ns, side, price, quantity, filled_quantity)",
    ),
    Countable(
        event_type="long-short-ratio", table="long_short_ratios",
        names="long-short-ratio-.*", proof="none", how=_NO_LENGTH,
        series="concat('long-short-ratio-', toString(kind), '-', period)",
        where=f"period NOT IN {_KNOWN}",
    ),
    Countable(
        event_type="volatility-index", table="volatility_index", names="volatility-index",
        proof="none", how="values of now come when the index moves",
        series="'volatility-index'", clock="received",
        where=f"ifNull(resolution, '') NOT IN {_KNOWN}",
    ),
    Countable(
        event_type="instrument", table="instruments", names="instrument", proof="none",
        how="told when something changes; the whole list is compared every five minutes",
        series="'instrument'", clock="received", identity="(received_ns, status)",
    ),
)  # fmt: skip
"""Every kind of rows there is. `gap`, `book-audit` and `quality` are about the data, not data."""

VERIFIED = tuple(each for each in COUNTABLES if each.proof != "none")
ABOUT_DATA = frozenset({"gap", "book-audit", "quality"})


@cache
def find(data_type: str) -> Countable | None:
    """How a series of the ledger is counted; None: there is no such series."""
    return next((each for each in COUNTABLES if re.fullmatch(each.names, data_type)), None)


def countable(data_type: str) -> Countable:
    """The same of a series there is.

    Raises:
        ValueError: there is no such series.
    """
    found = find(data_type)
    if found is None:
        raise ValueError(f"{data_type!r} is no series of the ledger, see {__name__}")
    return found


def fillable(data_type: str) -> bool:
    """Whether missing rows of it can be asked for again."""
    found = find(data_type)
    return found is not None and found.fillable


@cache
def period_ns(data_type: str) -> int | None:
    """The length of a series' periods; of payments the hour they are numbered by; else None."""
    found = countable(data_type)
    if found.proof != "period":
        return None
    return HOUR_NS if found.event_type == "funding-rate" else LENGTHS[period_of(data_type)]


def period_of(data_type: str) -> str:
    """The name of a series' period: `kline-1m` -> `1m`."""
    return data_type.rpartition("-")[2]


def number_of(data_type: str, at_ns: int) -> int:
    """The id of a row of periods, as the SQL above counts it.

    Raises:
        ValueError: the series has no periods.
    """
    length = _period_ns(data_type)
    return (at_ns + _early_ns(data_type)) // length


def times_of(data_type: str, ids: tuple[int, int]) -> tuple[int, int]:
    """First and last nanosecond of rows with these ids.

    Raises:
        ValueError: the series has no periods.
    """
    length, early_ns = _period_ns(data_type), _early_ns(data_type)
    return ids[0] * length - early_ns, (ids[1] + 1) * length - early_ns - 1


def _period_ns(data_type: str) -> int:
    length = period_ns(data_type)
    if length is None:
        raise ValueError(f"{data_type} has no periods")
    return length


def _early_ns(data_type: str) -> int:
    """A payment belongs to the full hour that is nearest."""
    return HOUR_NS // 2 if countable(data_type).event_type == "funding-rate" else 0
