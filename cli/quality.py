"""`marketprism quality`: what was odd in the data lately, by check."""

import time
from typing import Annotated, Any

import typer
from rich import box
from rich.table import Table
from rich.text import Text

from cli.options import AsJson, ConfigFile, exchange_named
from cli.output import console, fail, plain_errors, print_json
from cli.query import patiently
from cli.stores import reach_clickhouse
from cli.views import NS, clock_time, span
from config.durations import format_duration, parse_duration
from config.load import load
from workers.model.errors import StoreError

SERIOUS = frozenset(
    {"vanished_field", "constant_field", "unknown_field", "unusable_frame", "stale_stream"}
)
"""What people should look into: the exchange changed, or something does not arrive."""

Last = Annotated[str, typer.Option("--last", metavar="SPAN", help="How far back: 10m, 1h, 7d.")]
Exchange = Annotated[str | None, typer.Option("--exchange", help="This exchange alone.")]


def quality_command(
    last: Last = "1h", exchange: Exchange = None, config: ConfigFile = None, as_json: AsJson = False
) -> None:
    """Odd things seen in the data, by check: how often, of which symbols, since when, one case.

    Nothing odd is ever left out of the data. What each check means: workers/quality/inspector.py,
    drift.py and workers/model/checks.py. JSON: a list of objects, the latest first.
    """
    from workers.store.quality_events import quality_by_check

    with plain_errors(as_json=as_json):
        try:
            span_s = parse_duration(last)
        except ValueError as error:
            fail(f"--last {last}: {error}", as_json=as_json)
        settings = load()
        name = None if exchange is None else exchange_named(settings, exchange)
        reach_clickhouse(settings.clickhouse)
        since_ns = time.time_ns() - round(span_s * NS)
        try:
            found = patiently(
                lambda: quality_by_check(settings.clickhouse, since_ns, name),
                "looking; Ctrl-C ends",
            )
        except StoreError as error:
            if "code 60:" in str(error) or "code 81:" in str(error):
                words = f"database {settings.clickhouse.database} has no table quality_events"
                raise StoreError(
                    f"{words}; make it with: marketprism migrate", retryable=False
                ) from error
            raise
        rows = [dict(zip(found.columns, row, strict=True)) for row in found.rows]
        if as_json:
            print_json(rows)
        elif rows:
            console().print(_table(rows))
        else:
            where = "" if name is None else f" at {name}"
            print(f"nothing odd{where} in the last {format_duration(span_s)}")


def _table(rows: list[dict[str, Any]]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
    for column in (
        "check",
        "exchange",
        "data",
        "cases",
        "symbols",
        "first, UTC",
        "last",
        "example",
    ):
        table.add_column(column, justify="right" if column == "cases" else "left", overflow="fold")
    now_ns = time.time_ns()
    for row in rows:
        table.add_row(
            Text(row["check"], style="red" if row["check"] in SERIOUS else "yellow"),
            row["exchange"],
            row["data_type"],
            f"{row['cases']:,}",
            _symbols(row),
            clock_time(row["first_ns"]),
            f"{span(now_ns - row['last_ns'])} ago",
            _example(row),
        )
    return table


def _symbols(row: dict[str, Any]) -> str:
    if row["symbols"] == 1:
        return str(row["examples"][0])
    more = row["symbols"] - len(row["examples"])
    return ", ".join(row["examples"]) + (f" and {more} more" if more > 0 else "")


def _example(row: dict[str, Any]) -> str:
    """`3 ms, limit 0 ms; detail`, as far as there is each."""
    value, limit = row["last_value"], row["last_limit"]
    case = "" if value is None else value + (f", limit {limit}" if limit else "")
    return "; ".join(each for each in (row["last_detail"], case) if each)
