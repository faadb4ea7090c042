"""How full the exchanges' budgets are and which endpoints are left alone, for `marketprism status`.

The words are those of `celery -A tasks inspect rates` and of workers/transport/report.py.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

SHARED = "redis"
ALWAYS = ("weight", "connects")
"""Budgets that are shown also when they are at rest."""
CLOSED = "closed"


def budgets(views: Iterable[tuple[str, Mapping[str, Any]]]) -> list[dict[str, Any]]:
    """One row for each budget; what several services share is told once.

    Args:
        views: service and what it says of its limits, by exchange.
    """
    rows: dict[tuple[str, ...], dict[str, Any]] = {}
    for service, limits in views:
        for exchange, each in sorted(limits.items()):
            for name, line in each["budgets"].items():
                shared = line["source"] == SHARED
                key = (exchange, name) if shared else (exchange, name, service)
                row = {"exchange": exchange, "budget": name, "service": service, **line}
                rows.setdefault(key, row)
    return list(rows.values())


def breakers(views: Iterable[tuple[str, Mapping[str, Any]]]) -> list[dict[str, Any]]:
    """One row for each endpoint a service has asked: `closed`, `open` or `half-open`."""
    return [
        {"exchange": exchange, "service": service, "endpoint": endpoint, "state": state}
        for service, limits in views
        for exchange, each in sorted(limits.items())
        for endpoint, state in each["breakers"].items()
    ]


def drawn(seen: Mapping[str, Any]) -> RenderableType:
    """Budgets in use, and every endpoint that is left alone."""
    table = Table(box=None, padding=(0, 1, 0, 1), pad_edge=False, header_style="dim", title=" ")
    for column in ("exchange", "budget"):
        table.add_column(column, no_wrap=True)
    for column in ("used", "usable", "limit", "window", "wait"):
        table.add_column(column, justify="right", no_wrap=True)
    for column in ("paused until", "source"):
        table.add_column(column, no_wrap=True)
    for row in seen["limits"]:
        if row["budget"] in ALWAYS or row["used"] or row["paused_until"]:
            table.add_row(*_cells(row), style="red" if row["paused_until"] else "")
    resting = [
        Text(f"! {each['exchange']} {each['endpoint']}: breaker {each['state']}", style="red")
        for each in seen["breakers"]
        if each["state"] != CLOSED
    ]
    return Group(table, *resting)


def _cells(row: Mapping[str, Any]) -> list[str]:
    return [
        row["exchange"],
        row["budget"],
        f"{row['used']:,}",
        f"{row['usable']:,}",
        f"{row['limit']:,}",
        f"{row['window_s']:g} s",
        f"{row['wait_s']:g} s" if row["wait_s"] else "",
        row["paused_until"] or "",
        row["source"],
    ]
