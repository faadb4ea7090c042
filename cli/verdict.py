"""Did a run do its work? Every symbol's trades and book data stored, every book SYNCED."""

from cli.look import Look
from config.settings import Settings
from workers.store.queries import query

NEEDED = {"trade": ("trades",), "orderbook": ("orderbook_deltas", "orderbook_snapshots")}
"""Tables that must have rows, by the subscribed channel that fills them."""

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
    tables = [table for each in NEEDED.values() for table in each]
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
        tables = [table for channel in each.channels for table in NEEDED.get(channel, ())]
        for symbol in each.symbols:
            missing += [
                f"{exchange} {symbol}: nothing reached table {table}"
                for table in tables
                if not stored.get((table, exchange, symbol))
            ]
            if "orderbook" not in each.channels or not status:
                continue
            state = status.get("books", {}).get(symbol, {}).get("state", "missing")
            if state != "SYNCED":
                missing.append(f"{exchange} {symbol}: the book is {state}, must be SYNCED")
    return missing
