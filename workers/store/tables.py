"""The tables events are stored in, and the SQL that turns an event's JSON into a row.

ClickHouse reads the JSON, Python does not: one String column goes over the wire.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import get_args

from workers.model.events import BookState, OffBook, Side, Source
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
            "gaps",
            "gap",
            (
                *fields("text", "data_type cause"),
                *fields("natural", "first_id last_id lost", optional=True),
            ),
        ),
    )
}
