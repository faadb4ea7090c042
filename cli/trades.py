"""`marketprism trades EXCHANGE SYMBOL`: the last stored trades."""

from typing import Annotated, Any

import typer
from rich.text import Text

from cli.options import (
    AsJson,
    ConfigFile,
    ExchangeName,
    SymbolName,
    exchange_named,
    symbol_named,
)
from cli.output import console, plain_errors, print_json
from cli.query import patiently
from cli.stores import reach_clickhouse
from cli.views import SIDE_STYLES, clock_time, day, deal
from config.load import load

Last = Annotated[int, typer.Option("--last", min=1, max=100_000, help="How many.")]


def trades_command(
    exchange: ExchangeName,
    symbol: SymbolName,
    last: Last = 20,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """The last stored trades, oldest first: time (UTC), taker's side, price, quantity, id.

    JSON is a list of objects with the table's columns. Live: `marketprism watch trades`.
    """
    from workers.store.queries import trades

    with plain_errors(as_json=as_json):
        settings = load()
        name = exchange_named(settings, exchange)
        reach_clickhouse(settings.clickhouse)
        wanted = symbol.upper()
        found = patiently(
            lambda: trades(settings.clickhouse, name, wanted, last), "the query runs; Ctrl-C ends"
        )
        if not found.rows:
            symbol_named(settings, name, symbol)  # a name nobody collects is an error, not silence
        rows = [dict(zip(found.columns, row, strict=True)) for row in found.rows]
        if as_json:
            print_json(rows)
            return
        if not rows:
            print(
                f"no trades of {name} {wanted} are stored yet; is the writer running? "
                "See: marketprism status"
            )
        for row in rows:
            console().print(_line(row))


def _line(row: dict[str, Any]) -> Text:
    ns = row["exchange_ns"] or row["received_ns"]
    notes = [row["off_book"] or "", "" if row["source"] == "live" else row["source"]]
    note = "".join(f" {each}" for each in notes if each)
    columns = deal(row["side"], f"{row['price']:f}", f"{row['quantity']:f}")
    text = f"{day(ns)} {clock_time(ns)} {columns} {row['trade_id']}{note}"
    return Text(text, style=SIDE_STYLES[row["side"]])
