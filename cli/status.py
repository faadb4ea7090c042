"""`marketprism status`: one view of everything, exit code 0 only if all is well."""

import time
from typing import Any

import typer
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from cli.options import AsJson, ConfigFile
from cli.output import console, plain_errors, print_json
from cli.views import NS, STATE_STYLES, alike, span
from config.load import load

KIB = 1024


def status_command(config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Show servers, services, connections, books, streams and stored rows.

    Exit code 0 if every server and service answers and every book is SYNCED, else 1 with reasons.
    """
    from cli.survey import survey

    with plain_errors(as_json=as_json):
        seen = survey(load())
    if as_json:
        print_json(seen)
    else:
        console().print(drawn(seen))
    raise typer.Exit(0 if seen["ok"] else 1)


def drawn(seen: dict[str, Any]) -> RenderableType:
    """A survey for people; see survey.py for its shape."""
    parts: list[RenderableType] = [_head(seen), _servers(seen)]
    if seen["services"]:
        parts.append(_services(seen))
    if seen["books"]:
        parts.append(_books(seen))
    if seen["streams"]:
        parts.append(_streams(seen))
    if seen["jetstream"] or seen["rows"]:
        parts.append(_stored(seen))
    if seen["ok"]:
        parts.append(Text("\nall is well", style="bold green"))
    else:
        parts.append(Text("\n" + "\n".join(f"! {each}" for each in seen["reasons"]), style="red"))
    return Group(*parts)


def _head(seen: dict[str, Any]) -> Text:
    stack = seen["stack"]
    if stack:
        kind = "simulated exchange" if stack["simulated"] else "real exchanges"
        since = span(time.time_ns() - stack["started_ns"])
        ready = "" if stack["ready"] else ", still starting"
        words = f"runs for {since}{ready} (pid {stack['pid']}, {kind}, {stack['data_dir']})"
    else:
        words = "runs elsewhere" if seen["running"] else "does not run; start it: marketprism up"
    return Text("MarketPrism ", style="bold").append(words, style="not bold")


def _servers(seen: dict[str, Any]) -> Table:
    grid = Table.grid(padding=(0, 2))
    for name, each in seen["servers"].items():
        if each["reachable"]:
            grid.add_row(_dot("green"), name, each["address"], f"{each['latency_ms']:g} ms")
        else:
            grid.add_row(_dot("red"), name, each["address"], Text(each["error"], style="red"))
    return grid


def _services(seen: dict[str, Any]) -> Table:
    grid = Table.grid(padding=(0, 2))
    for name, each in sorted(seen["services"].items()):
        good = each["state"] == "running" and not each["error"]
        facts = [f"pid {each['pid']}", f"up {span(int((each['uptime_s'] or 0) * NS))}"]
        if each["memory_mb"] is not None:
            facts.append(f"{each['memory_mb']:.0f} MB")
        if each["error"]:
            facts.append(str(each["error"]))
        grid.add_row(_dot("green" if good else "red"), name, each["state"], ", ".join(facts))
    return grid


def _books(seen: dict[str, Any]) -> Table:
    table = _table("exchange", "symbol", "state", "verified", "bid", "ask", "gaps", "age")
    for book in seen["books"]:
        table.add_row(
            book["exchange"],
            book["symbol"],
            Text(str(book["state"]), style=STATE_STYLES.get(str(book["state"]), "red")),
            f"{book['verified_depth']}",
            *_prices(book["best_bid"], book["best_ask"]),
            f"{book['gaps']}",
            _age(book["age_s"]),
        )
    return table


def _streams(seen: dict[str, Any]) -> Table:
    """A line for each symbol, a pair of columns for each channel."""
    channels = sorted({each["channel"] for each in seen["streams"]})
    by_pair: dict[tuple[str, str], dict[str, Any]] = {}
    for each in seen["streams"]:
        by_pair.setdefault((each["exchange"], each["symbol"]), {})[each["channel"]] = each
    headers = [word for channel in channels for word in (f"{channel}/s", "age")]
    table = _table("exchange", "symbol", *headers)
    for (exchange, symbol), found in sorted(by_pair.items()):
        cells: list[str] = []
        for channel in channels:
            each = found.get(channel, {})
            rate = each.get("rate")
            cells += ["-" if rate is None else f"{rate:.1f}", _age(each.get("age_s"))]
        table.add_row(exchange, symbol, *cells)
    return table


def _stored(seen: dict[str, Any]) -> Table:
    """JetStream's streams beside the tables the writer fills from them."""
    table = _table("stream", "messages", "size", "waiting", "lag", "table", "rows")
    writer = (seen["writer"] or {}).get("streams") or {}
    rows = dict(seen["rows"] or {})
    for each in seen["jetstream"] or []:
        sink = writer.get(each["stream"], {})
        name = sink.get("table", "")
        table.add_row(
            each["stream"],
            f"{each['messages']:,}",
            _size(each["bytes"]),
            "" if each["writer_pending"] is None else f"{each['writer_pending']:,}",
            "" if sink.get("lag_s") is None else f"{sink['lag_s']:.1f} s",
            name,
            f"{rows.pop(name):,}" if name in rows else "",
        )
    for name, count in rows.items():
        table.add_row("", "", "", "", "", name, f"{count:,}")
    return table


LEFT = frozenset({"exchange", "symbol", "state", "stream", "table"})


def _table(*columns: str) -> Table:
    table = Table(box=None, padding=(0, 1, 0, 1), pad_edge=False, header_style="dim", title=" ")
    for column in columns:
        left = column in LEFT
        table.add_column(column, justify="left" if left else "right", no_wrap=left)
    return table


def _dot(style: str) -> Text:
    return Text("●", style=style)


def _prices(bid: list[str] | None, ask: list[str] | None) -> list[str]:
    """Best prices with as many places as each other; none where a side is empty."""
    return [each or "none" for each in alike([bid[0] if bid else "", ask[0] if ask else ""])]


def _age(seconds: float | None) -> str:
    return "-" if seconds is None else span(int(seconds * NS))


def _size(count: int) -> str:
    size, units = float(count), ["B", "KB", "MB", "GB", "TB"]
    while size >= KIB and len(units) > 1:
        size /= KIB
        units.pop(0)
    return f"{size:.0f} {units[0]}" if size >= 10 or not size else f"{size:.1f} {units[0]}"
