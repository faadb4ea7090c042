"""`marketprism status`: one view of everything, exit code 0 only if all is well."""

import time
from typing import Any

import typer
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from cli import limits_view
from cli.options import AsJson, ConfigFile
from cli.output import console, plain_errors, print_json
from cli.service_lines import CONNECTED
from cli.type_table import short_age, short_rate
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
    if seen["connections"]:
        parts.append(_connections(seen))
    if seen["books"]:
        parts.append(_books(seen))
    if seen["streams"]:
        parts.append(_streams(seen))
    if seen["limits"]:
        parts.append(limits_view.drawn(seen))
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


def _connections(seen: dict[str, Any]) -> Table:
    """A line for each exchange, and one for each connection that carries no data."""
    grid = Table.grid(padding=(0, 2))
    grid.add_row()
    by_exchange: dict[str, list[dict[str, Any]]] = {}
    for each in seen["connections"]:
        by_exchange.setdefault(each["exchange"], []).append(each)
    for exchange, found in by_exchange.items():
        good = [each for each in found if each["state"] in CONNECTED]
        frames = sum(each["frames"] or 0 for each in found)
        handovers = sum(each.get("handovers") or 0 for each in found)
        facts = [f"{len(good)} of {len(found)} connected", f"{frames:,} frames"]
        facts += [f"{handovers} handed over"] if handovers else []
        facts += [] if not good else [f"oldest {_age(max(each['age_s'] or 0 for each in good))}"]
        style = "green" if len(good) == len(found) else "red"
        grid.add_row(_dot(style), exchange, ", ".join(facts))
        for each in found:
            if each["state"] not in CONNECTED:
                error = f"{each['index']} {each['state']}: {each['last_error'] or 'no error yet'}"
                grid.add_row("", "", Text(error, style="red"))
    return grid


def _streams(seen: dict[str, Any]) -> Table:
    """A line for each channel, a column for each exchange: messages a second, oldest age.

    The age is that of the quietest symbol; all symbols apart are in the JSON.
    """
    exchanges = list(dict.fromkeys(each["exchange"] for each in seen["streams"]))
    cells: dict[str, dict[str, list[dict[str, Any]]]] = {}
    for each in seen["streams"]:
        by_exchange = cells.setdefault(each["channel"], {})
        by_exchange.setdefault(each["exchange"], []).append(each)
    table = _table("channel", *(name.replace("_", "\n", 1) for name in exchanges))
    for channel in sorted(cells):
        table.add_row(channel, *(_flow(cells[channel].get(name, [])) for name in exchanges))
    return table


def _flow(streams: list[dict[str, Any]]) -> str:
    if not streams:
        return "·"
    rate = sum(each.get("rate") or 0.0 for each in streams)
    ages = [each["age_s"] for each in streams if each.get("age_s") is not None]
    silent = len(streams) - len(ages)
    age = short_age(max(ages)) if ages else "-"
    return f"{short_rate(rate)}/s {age}" + (f" {silent} silent" if silent and ages else "")


def _stored(seen: dict[str, Any]) -> Table:
    """JetStream's streams beside the tables the writer fills from them."""
    table = _table("stream", "messages", "size", "waiting", "lag", "table", "rows")
    sinks = (seen["writer"] or {}).get("streams") or {}
    rows = dict(seen["rows"] or {})
    for each in seen["jetstream"] or []:
        mine = [sink for name, sink in sinks.items() if name.partition(" ")[0] == each["stream"]]
        figures = [
            each["stream"],
            f"{each['messages']:,}",
            _size(each["bytes"]),
            "" if each["writer_pending"] is None else f"{each['writer_pending']:,}",
        ]
        for sink in mine or [{}]:
            name = sink.get("table", "")
            lag = "" if sink.get("lag_s") is None else f"{sink['lag_s']:.1f} s"
            table.add_row(*figures, lag, name, f"{rows.pop(name):,}" if name in rows else "")
            figures = [""] * len(figures)  # types that share a stream: the next lines are its too
    for name, count in rows.items():
        table.add_row("", "", "", "", "", name, f"{count:,}")
    return table


LEFT = frozenset({"exchange", "symbol", "state", "stream", "table", "channel"})


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
