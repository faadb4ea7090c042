"""`marketprism backfill ...`: past data fetched by hand, with progress; can be broken off."""

from typing import Annotated, Any

import typer

from cli.backfill_rooms import opened, progress_bar, span_ns, written
from cli.options import (
    AsJson,
    ConfigFile,
    ExchangeName,
    SymbolName,
    examples,
    exchange_named,
)
from cli.output import console, plain_errors, print_json
from cli.stores import reach_clickhouse
from config import queues
from config.load import load
from workers.model.errors import MarketPrismError

app = typer.Typer(
    help="Fetch past data: only what is missing, under the shared budget. Broken off, it goes on "
    "where it was when the same command is given again.",
    no_args_is_help=True,
)

From = Annotated[str, typer.Option("--from", metavar="TIME", help="UTC: 2026-11-22T08:00")]
To = Annotated[str | None, typer.Option("--to", metavar="TIME", help="UTC; default: now.")]
Aggregates = Annotated[bool, typer.Option("--aggregates", help="Aggregates, not single trades.")]
Period = Annotated[str, typer.Option("--interval", "--period", help="1m, 5m, 1h, 1d, ...")]
RatioKind = Annotated[
    str | None,
    typer.Option("--kind", help="all_accounts, top_accounts, top_positions, taker_volume."),
]
Currency = Annotated[str, typer.Argument(metavar="CURRENCY", help="BTC or ETH.")]


@app.command(
    "trades",
    epilog=examples("backfill trades binance_spot BTC-USDT --from 2026-11-22 --to 2026-11-23"),
)
def trades_command(
    exchange: ExchangeName,
    symbol: SymbolName,
    start: From,
    to: To = None,
    aggregates: Aggregates = False,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Fetch the trades of a span that are not stored. Exit code 2 if some stay missing.

    Binance spot gives all there ever were, Binance USD-M aggregates of 24 h (single ones only while
    among the newest 1,000; older ones want a key), OKX three months, Deribit's main host 24 h.
    """
    with plain_errors(as_json=as_json):
        settings = load()
        name = exchange_named(settings, exchange)
        begin_ns, end_ns = span_ns(start, to)
        reach_clickhouse(settings.clickhouse)
        with opened(settings) as rooms, progress_bar() as progress:
            from workers.quality.holes import count
            from workers.runtime.backfill_span import to_ask_for

            data_type = "aggregate-trade" if aggregates else "trade"
            span = rooms.spans.plan(name, symbol.upper(), data_type, begin_ns, end_ns)
            total = to_ask_for(span)
            bar = progress.add_task(f"{total:,} {data_type}s", total=total, reached="")
            for found in rooms.spans.run(span):
                asked = found.published + count(found.absent) + count(found.left)
                progress.update(bar, completed=asked, reached=f"{asked:,} asked for")
            still = count(rooms.spans.finish(span))
        facts = {
            "exchange": name,
            "symbol": symbol.upper(),
            "data_type": data_type,
            "first_id": span.ids and span.ids[0],
            "last_id": span.ids and span.ids[1],
            "missing_before": total,
            "published": span.found.published,
            "questions": span.found.questions,
            "missing": still,
            "why": (span.found.why or span.history.limit) if still else "",
        }
        _say(facts, _trades_told(facts), as_json=as_json)
        raise typer.Exit(2 if still else 0)


@app.command("klines", epilog=examples("backfill klines okx_spot BTC-USDT --from 2026-10-01"))
def klines_command(
    exchange: ExchangeName,
    symbol: SymbolName,
    start: From,
    to: To = None,
    interval: Period = "1m",
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Fetch closed candles of a span; those of a second on OKX three months back."""
    more = {"symbol": symbol.upper(), "interval": interval}
    _poll(queues.POLL_KLINES, exchange, more, start, to, interval, as_json=as_json)


@app.command("funding", epilog=examples("backfill funding deribit BTC-USD-PERP --from 2026-10-01"))
def funding_command(
    exchange: ExchangeName,
    symbol: SymbolName,
    start: From,
    to: To = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Fetch the funding rates that were paid in a span; on OKX three months back."""
    more = {"symbol": symbol.upper()}
    _poll(queues.POLL_FUNDING_RATE_HISTORY, exchange, more, start, to, "", as_json=as_json)


@app.command(
    "open-interest",
    epilog=examples("backfill open-interest okx_derivatives BTC-USDT-PERP --from 2026-11-20"),
)
def open_interest_command(
    exchange: ExchangeName,
    symbol: SymbolName,
    start: From,
    to: To = None,
    period: Period = "5m",
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Fetch open interest at each period's edge.

    Binance gives 30 days, OKX the newest 1,440 periods, Deribit none.
    """
    more = {"symbol": symbol.upper(), "period": period}
    _poll(queues.POLL_OPEN_INTEREST_HISTORY, exchange, more, start, to, period, as_json=as_json)


@app.command(
    "volatility-index", epilog=examples("backfill volatility-index deribit BTC --from 2026-10-01")
)
def volatility_command(
    exchange: ExchangeName,
    currency: Currency,
    start: From,
    to: To = None,
    resolution: Period = "1m",
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Fetch candles of a volatility index (DVOL)."""
    more = {"currency": currency.upper(), "resolution": resolution}
    _poll(queues.POLL_VOLATILITY_INDEX, exchange, more, start, to, resolution, as_json=as_json)


@app.command(
    "ratios",
    epilog=examples(
        "backfill ratios binance_derivatives BTC-USDT-PERP --from 2026-11-20",
        "backfill ratios okx_derivatives BTC --period 1h --from 2026-11-01   # a coin's contracts",
    ),
)
def ratios_command(
    exchange: ExchangeName,
    symbol: SymbolName,
    start: From,
    to: To = None,
    period: Period = "5m",
    kind: RatioKind = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Fetch long/short ratios and what takers bought and sold.

    Binance gives 30 days, OKX the newest 1,440 periods (of a coin less), Deribit none.
    """
    scope = "symbol" if "-" in symbol else "currency"
    more = {scope: symbol.upper(), "period": period} | ({} if kind is None else {"kind": kind})
    _poll(queues.POLL_LONG_SHORT_RATIO, exchange, more, start, to, period, as_json=as_json)


@app.command("limits", epilog=examples("backfill limits", "backfill limits --json"))
def limits_command(config: ConfigFile = None, as_json: AsJson = False) -> None:
    """What each exchange gives of the past, and how far back."""
    from cli.backfill_limits import limits, show

    with plain_errors(as_json=as_json):
        found = limits(load())
        if as_json:
            print_json(found)
        else:
            show(found, console())


def _poll(
    task: str,
    exchange: str,
    more: dict[str, Any],
    start: str,
    to: str | None,
    period: str,
    *,
    as_json: bool,
) -> None:
    with plain_errors(as_json=as_json):
        settings = load()
        name = exchange_named(settings, exchange)
        begin_ns, end_ns = span_ns(start, to)
        with opened(settings) as rooms, progress_bar() as progress:
            from workers.runtime.backfill_span import PollSpan, refuse_out_of_reach, row_seconds
            from workers.runtime.poll_arguments import checked

            arguments = {"exchange": name, **more}
            declared = rooms.pollers.of(name).exchange
            try:
                refuse_out_of_reach(declared, task, arguments, period, begin_ns)
                checked(task, arguments)
            except ValueError as error:
                raise MarketPrismError(str(error)) from error
            bounds = (begin_ns // 10**9, end_ns // 10**9)
            folder = settings.data_path / "backfill"
            span = PollSpan(rooms.polls, task, arguments, row_seconds(period), bounds, folder)
            total, began, events = span.end_s - span.begin_s, span.reached_s, 0
            bar = progress.add_task(
                task.partition(".")[2],
                total=total,
                completed=began - span.begin_s,
                reached=f"at {written(began)}",
            )
            for reached_s, many in span.run():
                events += many
                reached = f"{events:,} rows, at {written(reached_s)}"
                progress.update(bar, completed=reached_s - span.begin_s, reached=reached)
        facts = {"task": task, **arguments, "gone_on_at_s": began, "published": events}
        at = f"; a broken run was gone on with at {written(began)}"
        resumed = "" if began == span.begin_s else at
        empty = "" if events else "; the exchange has none in this span"
        _say(facts, f"{events:,} rows published{resumed}{empty}", as_json=as_json)


def _trades_told(facts: dict[str, Any]) -> str:
    if facts["first_id"] is None:
        return "nobody traded in this span"
    if not facts["missing_before"]:
        return f"all {facts['last_id'] - facts['first_id'] + 1:,} trades are stored already"
    end = f"{facts['missing']:,} stay missing: {facts['why']}" if facts["missing"] else "all stored"
    return f"{facts['published']:,} trades in {facts['questions']:,} questions; {end}"


def _say(facts: dict[str, Any], told: str, *, as_json: bool) -> None:
    if as_json:
        print_json(facts)
    else:
        print(told)
