"""`marketprism query "SQL"`: one reading statement, as a table or for programs."""

import csv
import sys
import threading
from collections.abc import Callable, Sequence
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, TypeVar

import typer
from rich import box
from rich.table import Table

from cli.options import AsJson, ConfigFile
from cli.output import console, fail, plain_errors, print_json, printable
from cli.stores import reach_clickhouse
from config.load import load
from config.settings import ClickHouseSettings
from workers.model.errors import StoreError

T = TypeVar("T")

TABLE_ROWS = 1000
"""Rows of a table for people, when they name no limit."""
SHOWN_ELEMENTS = 3
"""Arrays longer than that are shortened in a table; other formats have all of them."""
PATIENCE_S = 2.0
"""After that a person is told that the query still runs."""

NEXT_STEPS = {
    "code 60:": "see the tables with: marketprism query 'show tables'",
    "code 81:": "make the database with: marketprism migrate",
    "code 164:": "only reading statements are allowed here",
    "code 396:": "ask for less with --limit, or add LIMIT or a WHERE",
    "code 159:": "ask for less, such as a shorter time",
}
"""What helps against ClickHouse's answers, by their code."""


class Format(StrEnum):
    """How rows are written."""

    table = "table"
    csv = "csv"
    tsv = "tsv"
    jsonl = "jsonl"


Sql = Annotated[
    str, typer.Argument(metavar="SQL", help="The statement, or - to read it from stdin.")
]
FormatOption = Annotated[Format, typer.Option("--format", help="How to print the rows.")]
Limit = Annotated[
    int | None,
    typer.Option("--limit", min=1, help=f"Rows at most; default {TABLE_ROWS} for a table."),
]


def query_command(
    sql: Sql,
    format: FormatOption = Format.table,
    limit: Limit = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Ask the stored data. Reads only; rows delivered twice count once.

    JSON is a list of objects, one a row; decimals are strings there.
    """
    statement = (sys.stdin.read() if sql == "-" else sql).strip().rstrip(";").strip()
    with plain_errors(as_json=as_json):
        if not statement:
            fail("the statement is empty; try: marketprism query 'show tables'", as_json=as_json)
        settings = load().clickhouse
        reach_clickhouse(settings)
        bound = limit or (TABLE_ROWS if format is Format.table and not as_json else None)
        columns, rows = _ask(settings, statement, bound)
        more = bound is not None and len(rows) > bound
        rows = rows[:bound]
        if as_json:
            print_json([dict(zip(columns, row, strict=True)) for row in rows])
        else:
            _print(format, columns, rows)
        if more:
            print(f"only the first {bound} rows; --limit N gives more", file=sys.stderr)


def _ask(
    settings: ClickHouseSettings, statement: str, limit: int | None
) -> tuple[list[str], list[tuple[Any, ...]]]:
    from workers.store.queries import MAX_ROWS, query

    def ask() -> tuple[list[str], list[tuple[Any, ...]]]:
        if limit is None:
            return query(settings, statement)
        rows = max(MAX_ROWS, limit + 1)
        return query(settings, statement, max_rows=rows, limit=limit + 1)

    try:
        return patiently(ask, "the query runs; Ctrl-C gives it up")
    except StoreError as error:
        text = str(error).removeprefix("query: ")
        steps = [step for code, step in NEXT_STEPS.items() if code in text]
        raise StoreError("; ".join([text, *steps]), retryable=error.retryable) from error


def patiently(work: Callable[[], T], saying: str) -> T:
    """The result of slow work, with a sign of life on a terminal after two seconds.

    The work is left behind in its thread when Ctrl-C comes.
    """
    results: list[T] = []
    errors: list[Exception] = []

    def run() -> None:
        try:
            results.append(work())
        except Exception as error:
            errors.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(PATIENCE_S)
    if thread.is_alive():
        shown = console(stderr=True)
        if not shown.is_terminal:
            shown.print(saying)
        with shown.status(saying):
            thread.join()
    if errors:
        raise errors[0]
    return results[0]


def _print(format: Format, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
    if format is Format.table:
        print_table(columns, rows)
    elif format is Format.jsonl:
        for row in rows:
            print_json(dict(zip(columns, row, strict=True)), indent=None)
    else:
        delimiter, absent = ("\t", r"\N") if format is Format.tsv else (",", "")
        writer = csv.writer(sys.stdout, delimiter=delimiter, lineterminator="\n")
        writer.writerow(columns)
        for row in rows:
            writer.writerow([absent if value is None else printable(value) for value in row])


def print_table(columns: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
    """Rows for people, numbers to the right; without rows it says so."""
    if not rows:
        print(f"no rows ({', '.join(columns)})" if columns else "done; no rows")
        return
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
    for position, column in enumerate(columns):
        first = next((row[position] for row in rows if row[position] is not None), None)
        numeric = isinstance(first, int | float | Decimal) and not isinstance(first, bool)
        table.add_column(column, justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*map(_cell, row))
    console().print(table)


def _cell(value: Any) -> str:
    """A value in a table; of a long array the first element stands for all."""
    if value is None:
        return "null"
    if isinstance(value, list) and len(value) > SHOWN_ELEMENTS:
        return f"{printable(value[:1])} and {len(value) - 1} more"
    return str(printable(value))
