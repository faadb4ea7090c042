"""The tables events are stored in, and the SQL that turns an event's JSON into a row.

ClickHouse reads the JSON, Python does not: one String column goes over the wire. Fields are taken
out as text and converted by expressions that raise, so that nothing invalid, missing or too precise
becomes a zero, a NULL or a rounded number; the insert fails and the writer finds the row.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

Kind = Literal["text", "integer", "natural", "decimal", "flag", "levels"]
"""What a field's JSON value must be. `natural` is an integer from 0 to 2^64-1."""

DECIMAL = "Decimal(38, 18)"
LEVELS = f"Array(Tuple(price {DECIMAL}, quantity {DECIMAL}))"

_CONVERT: dict[Kind, str] = {
    "text": "{text}",
    "integer": "accurateCast({text}, 'Int64')",
    "natural": "accurateCast({text}, 'UInt64')",
    # a 19th decimal place would be cut off in silence; 40 places see it
    "decimal": (
        "if(throwIf(toDecimal256({text}, 40) != toDecimal128({text}, 18), '{name}: too precise'),"
        " toDecimal128('0', 18), toDecimal128({text}, 18))"
    ),
    "flag": "accurateCast({text}, 'Bool')",
    # JSONExtract skips what does not fit, so the text's own brackets and quotes are counted
    "levels": (
        "if(throwIf(countSubstrings({text}, '[') != 1 + length({levels})"
        " OR countSubstrings({text}, '\"') != 4 * length({levels})"
        " OR match({text}, '[.][0-9]{{19}}|[eE]'), '{name}: not [[price, quantity], ...]'),"
        " [], CAST({levels}, '" + LEVELS + "'))"
    ),
}
_STAND_IN = {"text": "", "integer": "0", "natural": "0", "decimal": "0", "flag": "false"}


@dataclass(frozen=True)
class Field:
    """One field of an event: its JSON name is its column's name.

    Args:
        name: of both.
        kind: what its value must be.
        optional: null or absent is stored as NULL; otherwise it fails the insert.
    """

    name: str
    kind: Kind
    optional: bool = False

    @property
    def expression(self) -> str:
        """SQL for its value; `e` is the event's tuple of Nullable(String)."""
        raw = f"e.{self.name}"
        if self.optional:
            value = self._convert(f"ifNull({raw}, '{_STAND_IN[self.kind]}')")
            return f"if(isNull({raw}), NULL, {value})"
        return self._convert(f"CAST({raw}, 'String')")

    def _convert(self, text: str) -> str:
        levels = f"JSONExtract({text}, 'Array(Tuple(String, String))')"
        return _CONVERT[self.kind].format(text=text, name=self.name, levels=levels)


def _fields(kind: Kind, names: str, *, optional: bool = False) -> tuple[Field, ...]:
    return tuple(Field(name, kind, optional) for name in names.split())


COMMON = (
    *_fields("text", "exchange market_type symbol raw_symbol source"),
    *_fields("integer", "exchange_ns", optional=True),
    *_fields("integer", "received_ns published_ns"),
)


@dataclass(frozen=True)
class Table:
    """A table and the events in it.

    Args:
        name: of the table.
        event_type: the `type` of its events; another one fails the insert.
        fields: beyond those common to all events.
    """

    name: str
    event_type: str
    fields: tuple[Field, ...]

    @cached_property
    def insert_statement(self) -> str:
        """Takes one String column: JSON of one event a row."""
        fields = COMMON + self.fields
        types = ", ".join(
            f"{name} Nullable(String)" for name in ["type", *(f.name for f in fields)]
        )
        return (
            f"INSERT INTO {self.name} ({', '.join(field.name for field in fields)})\n"
            f"SELECT {', '.join(field.expression for field in fields)}\n"
            f"FROM (SELECT JSONExtract(line, 'Tuple({types})') AS e FROM input('line String'))\n"
            f"WHERE NOT throwIf(CAST(e.type, 'String') != '{self.event_type}',"
            f" 'type: not {self.event_type}')\n"
            "FORMAT Native"
        )


TABLES: dict[str, Table] = {
    table.name: table
    for table in (
        Table(
            "trades",
            "trade",
            (
                *_fields("natural", "trade_id"),
                *_fields("decimal", "price quantity"),
                *_fields("text", "side"),
                *_fields("flag", "aggregate"),
                *_fields("natural", "first_trade_id last_trade_id", optional=True),
                *_fields("decimal", "raw_quantity", optional=True),
            ),
        ),
        Table(
            "orderbook_deltas",
            "orderbook-delta",
            (
                *_fields("natural", "first_update_id last_update_id"),
                *_fields("natural", "prev_update_id", optional=True),
                *_fields("levels", "bids asks"),
            ),
        ),
        Table(
            "orderbook_snapshots",
            "orderbook",
            (
                *_fields("natural", "last_update_id"),
                *_fields("levels", "bids asks"),
                *_fields("natural", "depth"),
                *_fields("text", "state"),
                *_fields("natural", "verified_depth"),
            ),
        ),
        Table(
            "tickers",
            "ticker",
            _fields(
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
                *_fields("text", "data_type cause"),
                *_fields("natural", "first_id last_id lost", optional=True),
            ),
        ),
    )
}
