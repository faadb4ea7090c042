"""What exchanges give of the past, as their folders declare it."""

from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from config.settings import Settings
from workers.exchanges import registry
from workers.exchanges.asking import asks_of
from workers.exchanges.history import NoHistory, period_history_of
from workers.quality.countable import COUNTABLES


def limits(settings: Settings) -> list[dict[str, Any]]:
    """By exchange and type: whether it is given at all, and the limit in words."""
    found = []
    for name in settings.exchanges:
        exchange = registry.exchange(name)
        for data_type, history in getattr(exchange, "trade_history", {}).items():
            found.append(_row(name, data_type, history))
        asks = asks_of(exchange)
        for kind in COUNTABLES:
            history = period_history_of(exchange, kind.event_type)
            if kind.task in asks or (kind.task and isinstance(history, NoHistory)):
                found.append(_row(name, kind.event_type, history))
    return found


def _row(exchange: str, data_type: str, history: Any) -> dict[str, Any]:
    given = not isinstance(history, NoHistory)
    return {"exchange": exchange, "type": data_type, "given": given, "limit": history.limit}


def show(rows: list[dict[str, Any]], console: Console) -> None:
    """As a table."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
    for name in ("exchange", "type", "given"):
        table.add_column(name, no_wrap=True)
    table.add_column("limit", overflow="fold")
    for row in rows:
        table.add_row(row["exchange"], row["type"], "yes" if row["given"] else "no", row["limit"])
    console.print(table)
