"""The tables events are stored in, and the SQL that turns an event's JSON into a row.

ClickHouse reads the JSON, Python does not: one String column goes over the wire.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import get_args

from workers.model.events import (
    AuditResult,
    BookState,
    OffBook,
    RatioKind,
    Side,
    Source,
)
from workers.model.instrument import MarketType
from workers.store.fields import Field, fields

COMMON = (
    *fields("text", "exchange symbol raw_symbol"),
    Field("market_type", "text", choices=get_args(MarketType)),
    Field("source", "text", choices=get_args(Source)),
    *fields("integer", "exchange_ns", optional=True),
    *fields("integer", "received_ns published_ns"),
)


@dataclass(frozen=True)
class Table:
    """A table and the events in it.

    Args:
        name: of the table.
        event_type: the `type` of its events; another one is refused.
        own_fields: beyond those common to all events.
    """

    name: str
    event_type: str
    own_fields: tuple[Field, ...]

    @property
    def fields(self) -> tuple[Field, ...]:
        """All fields, common ones first."""
        return COMMON + self.own_fields

    @cached_property
    def insert_statement(self) -> str:
        """Takes one String column, the JSON of one event a row; all rows or none."""
        return (
            f"INSERT INTO {self.name} ({', '.join(field.name for field in self.fields)})\n"
            f"SELECT {', '.join(field.conversion for field in self.fields)}\n"
            f"FROM (SELECT {self._event} AS e FROM input('line String'))\n"
            f"WHERE NOT throwIf(CAST(e.type, 'String') != '{self.event_type}', 'another type')\n"
            "FORMAT Native"
        )

    @cached_property
    def complaint_statement(self) -> str:
        """The rows of the external table `lines` (number, line) that are wrong, and why."""
        own_type = Field("type", "text", choices=(self.event_type,))
        complaints = ", ".join(field.complaint for field in (own_type, *self.fields))
        return (
            f"SELECT number, arrayFirst(text -> text != '', [{complaints}]) AS complaint\n"
            f"FROM (SELECT number, {self._event} AS e FROM lines)\n"
            "WHERE complaint != ''"
        )

    @property
    def _event(self) -> str:
        names = ("type", *(field.name for field in self.fields))
        return (
            f"JSONExtract(line, 'Tuple({', '.join(f'{name} Nullable(String)' for name in names)})')"
        )


TABLES: dict[str, Table] = {
    table.name: table
    for table in (
        Table(
            "trades",
            "trade",
            (
                *fields("natural", "trade_id"),
                *fields("decimal", "price quantity"),
                Field("side", "text", choices=get_args(Side)),
                *fields("flag", "aggregate"),
                *fields("natural", "first_trade_id last_trade_id", optional=True),
                *fields("decimal", "raw_quantity", optional=True),
                *fields("text", "exchange_trade_id", optional=True),
                Field("off_book", "text", optional=True, choices=get_args(OffBook)),
            ),
        ),
        Table(
            "orderbook_deltas",
            "orderbook-delta",
            (
                *fields("natural", "first_update_id last_update_id"),
                *fields("natural", "prev_update_id", optional=True),
                *fields("levels", "bids asks"),
            ),
        ),
        Table(
            "orderbook_snapshots",
            "orderbook",
            (
                *fields("natural", "last_update_id"),
                *fields("levels", "bids asks"),
                *fields("natural", "depth"),
                Field("state", "text", choices=get_args(BookState)),
                *fields("natural", "verified_depth"),
            ),
        ),
        Table(
            "tickers",
            "ticker",
            fields(
                "decimal",
                "best_bid_price best_bid_quantity best_ask_price best_ask_quantity last_price "
                "open_24h high_24h low_24h volume_24h quote_volume_24h",
                optional=True,
            ),
        ),
        Table(
            "klines",
            "kline",
            (
                *fields("text", "interval"),
                *fields("integer", "open_time_ns"),
                *fields("integer", "close_time_ns", optional=True),
                *fields("decimal", "open high low close"),
                *fields("decimal", "volume quote_volume", optional=True),
                *fields("natural", "trade_count", optional=True),
                *fields("flag", "closed", optional=True),
            ),
        ),
        Table(
            "funding_rates",
            "funding-rate",
            (
                *fields("decimal", "funding_rate mark_price index_price", optional=True),
                *fields("integer", "funding_time_ns next_funding_time_ns", optional=True),
            ),
        ),
        Table(
            "open_interest",
            "open-interest",
            fields("decimal", "open_interest open_interest_value raw_open_interest", optional=True),
        ),
        Table(
            "liquidations",
            "liquidation",
            (
                Field("side", "text", choices=get_args(Side)),
                *fields("decimal", "quantity"),
                *fields(
                    "decimal", "price average_price filled_quantity raw_quantity", optional=True
                ),
                *fields("text", "status", optional=True),
                *fields("flag", "sampled"),
                *fields("natural", "trade_id", optional=True),
            ),
        ),
        Table(
            "long_short_ratios",
            "long-short-ratio",
            (
                Field("kind", "text", choices=get_args(RatioKind)),
                *fields("text", "period"),
                *fields("decimal", "long_short_ratio long_ratio short_ratio", optional=True),
            ),
        ),
        Table(
            "volatility_index",
            "volatility-index",
            (
                *fields("text", "resolution", optional=True),
                *fields("decimal", "open high low", optional=True),
                *fields("decimal", "close"),
            ),
        ),
        Table(
            "instruments",
            "instrument",
            (
                Field("status", "text", choices=("trading", "halted", "delisted")),
                *fields("text", "raw_status base quote"),
                *fields("text", "settle", optional=True),
                *fields("decimal", "tick_size lot_size contract_size", optional=True),
                *fields("integer", "expiry_ns", optional=True),
            ),
        ),
        Table(
            "gaps",
            "gap",
            (
                *fields("text", "data_type cause"),
                *fields("natural", "first_id last_id lost", optional=True),
            ),
        ),
        Table(
            "book_audits",
            "book-audit",
            (
                Field("result", "text", choices=get_args(AuditResult)),
                Field("method", "text", choices=("rest", "subscription")),
                *fields("natural", "last_update_id", optional=True),
                *fields("natural", "levels_compared levels_different"),
                *fields("text", "detail", optional=True),
            ),
        ),
        Table(
            "quality_events",
            "quality",
            (
                *fields("text", "check data_type"),
                *fields("natural", "count"),
                *fields("text", "value limit detail", optional=True),
            ),
        ),
    )
}

BY_TYPE = {table.event_type: table for table in TABLES.values()}
"""The table of each type of event."""
