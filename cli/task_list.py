"""`marketprism tasks`: the last runs of tasks, from ClickHouse."""

from typing import Annotated, Any

import typer
from rich import box
from rich.table import Table
from rich.text import Text

from cli.options import AsJson, ConfigFile
from cli.output import console, plain_errors, print_json
from cli.query import patiently
from cli.stores import reach_clickhouse
from config.load import load
from workers.model.errors import StoreError

STYLES = {"SUCCESS": "green", "FAILURE": "red", "REVOKED": "yellow", "RETRY": "yellow"}
SHOWN_CHARACTERS = 100

Last = Annotated[int, typer.Option("--last", min=1, max=10_000, help="How many.")]
Name = Annotated[str | None, typer.Option("--name", help="Of the task, or its beginning.")]
State = Annotated[
    str | None, typer.Option("--state", help="SUCCESS, FAILURE, REVOKED (expired), STARTED, RETRY.")
]


def tasks_command(
    last: Last = 20,
    name: Name = None,
    state: State = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """The last runs, newest first: when, what, state, how long, where, what came of it."""
    from workers.store.task_results import last_runs

    with plain_errors(as_json=as_json):
        settings = load().clickhouse
        reach_clickhouse(settings)
        wanted = state.upper() if state else None
        try:
            found = patiently(
                lambda: last_runs(settings, last, name=name, state=wanted), "looking; Ctrl-C ends"
            )
        except StoreError as error:
            if "code 60:" in str(error) or "code 81:" in str(error):
                words = f"database {settings.database} has no table task_results"
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
            few = "no such run is stored" if name or state else "no run is stored yet"
            print(f"{few}; start one with: marketprism run")


def _table(rows: list[dict[str, Any]]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
    for column in ("started", "task", "arguments", "state", "took", "worker", "result"):
        table.add_column(column, overflow="fold", justify="right" if column == "took" else "left")
    for row in rows:
        at, took = row["started_time"] or row["finished_time"], row["runtime_s"]
        table.add_row(
            at.strftime("%m-%d %H:%M:%S") if at else "",
            row["name"],
            _short(row["arguments"].strip("{}").replace('"', "")),
            Text(row["state"], style=STYLES.get(row["state"], "")),
            "" if took is None else f"{took:.2f} s",
            row["worker"].partition("@")[0],
            _short(row["error"] or (row["result"] if row["state"] == "SUCCESS" else "")),
        )
    return table


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= SHOWN_CHARACTERS else f"{line[:SHOWN_CHARACTERS]}…"
