"""`marketprism completeness`: what of the exchanges' trades is stored, and what is missing."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from cli.options import AsJson, ConfigFile, exchange_named
from cli.output import console, plain_errors, print_json
from cli.query import patiently
from cli.stores import reach_clickhouse
from config.load import load
from workers.model.errors import MarketPrismError

Day = Annotated[
    str | None, typer.Option("--day", metavar="DATE", help="UTC: 2026-11-23, or yesterday.")
]
Hour = Annotated[
    int | None, typer.Option("--hour", min=0, max=23, help="Minutes of this hour of the day, UTC.")
]
Exchange = Annotated[str | None, typer.Option("--exchange", help="This exchange alone.")]
Symbol = Annotated[str | None, typer.Option("--symbol", help="This symbol alone: BTC-USDT.")]
PageFile = Annotated[
    Path | None,
    typer.Option("--report", metavar="FILE.html", help="Write a page, and JSON beside it."),
]


def completeness_command(
    day: Day = None,
    hour: Hour = None,
    exchange: Exchange = None,
    symbol: Symbol = None,
    report: PageFile = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Show how complete the stored trades of a day are, and every gap with its state.

    Counted are the exchange's own trade ids, so a missing trade is known, not guessed. The ledger
    follows the data by a minute and a half. Exit code 0 if nothing is missing, 2 if something is.
    """
    with plain_errors(as_json=as_json):
        from cli.completeness_page import page
        from cli.completeness_view import show
        from workers.quality.report import report as read

        settings = load()
        begin_ns = beginning_ns(day, hour)
        name = "" if exchange is None else exchange_named(settings, exchange)
        reach_clickhouse(settings.clickhouse)
        found = patiently(
            lambda: read(
                settings.clickhouse,
                begin_ns,
                exchange=name,
                symbol=(symbol or "").upper(),
                hourly=hour is None,
            ),
            "the ledger is read; Ctrl-C ends",
        )
        if report is not None:
            _write(report, page(found))
            _write(report.with_suffix(".json"), json.dumps(found.shown(), indent=1))
        if as_json:
            print_json(found.shown())
        else:
            show(found, console())
            if report is not None:
                print(f"written: {report} and {report.with_suffix('.json')}")
        raise typer.Exit(2 if found.counts.missing else 0)


def beginning_ns(day: str | None, hour: int | None) -> int:
    """The first nanosecond of a day, or of an hour of it, UTC.

    Raises:
        MarketPrismError: it is no date.
    """
    now = datetime.now(UTC)
    if day is None or day == "today":
        date = now.date()
    elif day == "yesterday":
        date = now.date() - timedelta(days=1)
    else:
        try:
            date = datetime.strptime(day, "%Y-%m-%d").replace(tzinfo=UTC).date()
        except ValueError:
            raise MarketPrismError(
                f"--day {day!r} is no date; write it like {now.date()}, or yesterday"
            ) from None
    at = datetime(date.year, date.month, date.day, hour or 0, tzinfo=UTC)
    return int(at.timestamp()) * 1_000_000_000


def _write(file: Path, text: str) -> None:
    try:
        file.write_text(text)
    except OSError as error:
        raise MarketPrismError(f"{file}: {error.strerror}; nothing was written") from error
