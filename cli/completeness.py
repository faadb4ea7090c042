"""`marketprism completeness`: what of the exchanges' data is stored, and what is missing."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from cli.options import AsJson, ConfigFile, exchange_named
from cli.output import console, plain_errors, print_json
from cli.query import patiently
from cli.stores import reach_clickhouse
from config.load import load
from config.settings import Settings
from workers.model.errors import MarketPrismError
from workers.model.names import unknown_name

Day = Annotated[
    str | None, typer.Option("--day", metavar="DATE", help="UTC: 2026-11-23, or yesterday.")
]
Hour = Annotated[
    int | None, typer.Option("--hour", min=0, max=23, help="Minutes of this hour of the day, UTC.")
]
Exchange = Annotated[str | None, typer.Option("--exchange", help="This exchange alone.")]
Symbol = Annotated[str | None, typer.Option("--symbol", help="This symbol alone: BTC-USDT.")]
Kind = Annotated[
    str | None,
    typer.Option("--type", help="This type alone: trade, orderbook-delta, kline, kline-1m, ..."),
]
PageFile = Annotated[
    Path | None,
    typer.Option(
        "--html", "--report", metavar="FILE.html", help="Write a page, and JSON beside it."
    ),
]


def completeness_command(
    day: Day = None,
    hour: Hour = None,
    exchange: Exchange = None,
    symbol: Symbol = None,
    kind: Kind = None,
    html: PageFile = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Show how complete the stored data of a day are, and every gap with its state.

    Counted are the exchange's own ids, the chain of book updates, and periods, so what is missing
    is known, not guessed; what has nothing to count by is counted and called so. The ledger follows
    the data by a minute and a half. Exit code 0 if nothing is missing, 2 if something is.
    """
    with plain_errors(as_json=as_json):
        from cli.completeness_view import show
        from workers.quality.daily import write_report
        from workers.quality.report import names_of
        from workers.quality.report import report as read

        settings = load()
        begin_ns = beginning_ns(day, hour)
        name = "" if exchange is None else exchange_named(settings, exchange)
        data_type = kind or ""
        if data_type:
            names_of(data_type)
        reach_clickhouse(settings.clickhouse)
        traded = (symbol or "").upper()
        found = patiently(
            lambda: read(
                settings.clickhouse,
                begin_ns,
                exchange=name,
                symbol=traded,
                data_type=data_type,
                hourly=hour is None,
            ),
            "the ledger is read; Ctrl-C ends",
        )
        if traded and not found.lines:
            _known_symbol(settings, name, traded)
        if html is not None:
            try:
                write_report(found, html)
            except OSError as error:
                raise MarketPrismError(f"{html}: {error.strerror}; nothing was written") from error
        if as_json:
            print_json(found.shown())
        else:
            show(found, console(), unverified=bool(data_type))
            if name and not settings.exchanges[name].enabled:
                print(f"{name} is not enabled in the settings: nothing of it is collected now")
            if html is not None:
                print(f"written: {html} and {html.with_suffix('.json')}")
        raise typer.Exit(2 if found.counts.missing else 0)


def beginning_ns(day: str | None, hour: int | None) -> int:
    """The first nanosecond of a day, or of an hour of it, UTC.

    Raises:
        MarketPrismError: it is no date, or has not begun.
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
    if at > now:
        raise MarketPrismError(f"{at:%Y-%m-%d %H:%M} UTC has not begun; it is {now:%Y-%m-%d %H:%M}")
    return int(at.timestamp()) * 1_000_000_000


def _known_symbol(settings: Settings, exchange: str, symbol: str) -> None:
    """Refuse a symbol that nobody ever counted and no exchange here collects.

    Raises:
        UnknownName: has the nearest.
    """
    from workers.quality.window_rows import symbols_counted

    names = [exchange] if exchange else list(settings.exchanges)
    known = {each for name in names for each in settings.exchanges[name].symbols}
    known |= symbols_counted(settings.clickhouse, exchange)
    if symbol not in known:
        raise unknown_name(f"symbol{f' of {exchange}' if exchange else ''}", symbol, sorted(known))
