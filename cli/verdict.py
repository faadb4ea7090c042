"""Did a run do its work? What was subscribed to is stored, and every book is SYNCED."""

from cli.expected import RARE, has_book, types_of
from cli.look import Look
from config.settings import ExchangeSettings, Settings
from workers.store.queries import query
from workers.store.tables import BY_TYPE

EACH_SYMBOL = ("trade", "orderbook", "orderbook-delta", "ticker")
"""Types that every symbol must have brought; of the others one symbol of the exchange is enough."""

_COUNT = """
SELECT '{table}', exchange, symbol, count() FROM {table}
WHERE stored_ns >= %(since)s GROUP BY exchange, symbol
"""

Counts = dict[tuple[str, str, str], int]
"""Rows by table, exchange and symbol."""


def stored_since(settings: Settings, since_ns: int) -> Counts:
    """Rows stored since then, each counted once.

    Raises:
        StoreError: ClickHouse does not answer.
    """
    tables = [table.name for table in BY_TYPE.values()]
    sql = " UNION ALL ".join(_COUNT.format(table=table) for table in tables)
    rows = query(settings.clickhouse, sql, {"since": since_ns}, final=True).rows
    return {(table, exchange, symbol): int(count) for table, exchange, symbol, count in rows}


def shortcomings(settings: Settings, look: Look, stored: Counts) -> list[str]:
    """What is missing, a sentence each; empty: nothing is."""
    missing = list(look.problems)
    for exchange, each in settings.enabled_exchanges().items():
        status = look.collector(exchange)
        if not status:
            missing.append(f"{exchange}: the collector does not answer")
        for kind in sorted(types_of(list(each.channels)) - RARE):
            missing += _nothing_of(kind, exchange, each, stored)
        for symbol in each.symbols:
            origin = status.get("symbols", {}).get(symbol, {}).get("origin")
            if not has_book(each, symbol) or not status or origin == "removed":
                continue
            state = status.get("books", {}).get(symbol, {}).get("state", "missing")
            if state != "SYNCED":
                missing.append(f"{exchange} {symbol}: the book is {state}, must be SYNCED")
    return missing


def _nothing_of(kind: str, exchange: str, each: ExchangeSettings, stored: Counts) -> list[str]:
    """Whose events of this type did not reach their table."""
    table = BY_TYPE[kind].name
    symbols = [name for name in each.symbols if kind in types_of(list(each.channels), name)]
    empty = [name for name in symbols if not stored.get((table, exchange, name))]
    if kind in EACH_SYMBOL:
        return [f"{exchange} {name}: nothing reached table {table}" for name in empty]
    none_at_all = symbols and len(empty) == len(symbols)
    return [f"{exchange}: nothing reached table {table}"] if none_at_all else []
