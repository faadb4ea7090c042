"""The live table of `marketprism up`: symbols, books, rates, rows, lag, services."""

import time
from decimal import Decimal, InvalidOperation
from typing import Any

from rich.console import Console, ConsoleOptions, Group, RenderResult
from rich.table import Table
from rich.text import Text

from cli.look import Look, Watcher
from cli.symbol_table import SymbolTable
from config import queues
from config.settings import Settings

AWAY = "not answering"
_CHANNELS = {
    "trade": "trade/s",
    "aggregate-trade": "agg/s",
    "orderbook": "depth/s",
    "ticker": "tick/s",
    "book-ticker": "bbo/s",
}
"""Frames received, by the channel they came through."""
_TABLES = {
    "trades": "trades",
    "orderbook_deltas": "deltas",
    "orderbook_snapshots": "books",
    "tickers": "tickers",
}
"""Rows stored, by table."""
_LEGEND = " /s: received · trades to tickers: rows stored · lag: received to stored"
_ERROR_HEAD, _ERROR_TAIL = 50, 110
"""An error's beginning says where, its end why; all of it is in the log."""
_FLOW = (*_CHANNELS.values(), *_TABLES.values())
_SPARE = ("exchange", "levels", "tickers", "verified")


class Board:
    """Draws what a watcher saw.

    Args:
        settings: which exchanges and symbols there are.
        watcher: whose looks are drawn.
        ends_s: monotonic time of the planned end; None: no end is planned.
    """

    def __init__(self, settings: Settings, watcher: Watcher, ends_s: float | None = None) -> None:
        self._settings, self._watcher = settings, watcher
        self._begun_s, self._ends_s = time.monotonic(), ends_s
        self.failed: dict[str, str] = {}
        self.cropped = False
        """Whether to draw no more lines than the screen has, as a live display must."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        look = self._watcher.now
        below = Group(
            Text(_LEGEND, style="dim"),
            Text(),
            self._services(look),
            *(Text(remark, style="yellow") for remark in self.remarks(look)),
            Text(self.clock(), style="dim"),
        )
        lines = None
        if self.cropped:
            lines = options.size.height - len(console.render_lines(below, options, pad=False))
        rows = [self._cells(look, exchange, symbol) for exchange, symbol in self._pairs()]
        if rows:
            yield SymbolTable(rows, _FLOW, _SPARE, lines)
        yield below

    def clock(self) -> str:
        """Time passed, time left, rows stored."""
        now_s = time.monotonic()
        left = "Ctrl-C stops everything"
        if self._ends_s is not None:
            left = f"{max(0.0, self._ends_s - now_s):.0f} s left"
        total = self._watcher.now.total_rows()
        return (
            f"running {span(now_s - self._begun_s)} · {left} · "
            f"{total:,} rows stored, {self._watcher.rows_per_s():,.0f} rows/s"
        )

    def remarks(self, look: Look) -> list[str]:
        """What is not as it should be, a line each."""
        lines = [f"{name}: {words}" for name, words in self.failed.items()]
        lines += look.problems
        for exchange in self._settings.enabled_exchanges():
            status = look.collector(exchange)
            error = status.get("last_error") or _connection_error(status)
            if error:
                words = str(error).removeprefix(f"{exchange}: ")
                lines.append(f"{exchange}: cannot be reached, trying again: {_short(words)}")
            for symbol in status.get("unlisted", []):
                lines.append(f"{exchange}: {symbol} is not listed there and is left out")
        return lines

    def lines(self) -> list[str]:
        """The same as plain text."""
        look = self._watcher.now
        lines = [self.clock()]
        for exchange, symbol in self._pairs():
            cells = self._cells(look, exchange, symbol)
            facts = [f"{name} {text}" for name, text in list(cells.items())[2:]]
            lines.append(f"  {exchange} {symbol}: {'  '.join(facts)}")
        lines += [f"  {name}: {self._service_line(look, name)}" for name in self._names()]
        return lines + [f"  ! {remark}" for remark in self.remarks(look)]

    def _pairs(self) -> list[tuple[str, str]]:
        return [
            (exchange, symbol)
            for exchange, each in self._settings.enabled_exchanges().items()
            for symbol in each.symbols
        ]

    def _names(self) -> list[str]:
        exchanges = self._settings.enabled_exchanges()
        return [*(queues.collector(name) for name in exchanges), queues.WRITER, "worker"]

    def _cells(self, look: Look, exchange: str, symbol: str) -> dict[str, str]:
        """One row of the table: column to text."""
        status = look.collector(exchange)
        book = status.get("books", {}).get(symbol, {})
        bid, ask = _price(book.get("best_bid")), _price(book.get("best_ask"))
        cells = {
            "exchange": exchange,
            "symbol": symbol,
            "book": str(book.get("state", "SYNCING")) if status else AWAY,
            "levels": f"{book.get('bid_count', 0)}/{book.get('ask_count', 0)}",
            "verified": str(book.get("verified_depth", 0)),
            "bid": bid,
            "ask": ask,
            "spread": _spread(bid, ask),
        }
        for channel, title in _CHANNELS.items():
            if channel in self._settings.exchanges[exchange].channels:
                cells[title] = f"{self._watcher.rate(exchange, channel, symbol):.1f}"
        for table, title in _TABLES.items():
            rows = None if look.rows is None else look.rows[table]
            cells[title] = "?" if rows is None else f"{rows.get((exchange, symbol), 0):,}"
        lag = look.lag_ms.get((exchange, symbol))
        cells["lag"] = "" if lag is None else f"{lag:.0f} ms"
        return cells

    def _services(self, look: Look) -> Table:
        grid = Table.grid(padding=(0, 2))
        for name in self._names():
            line = self._service_line(look, name)
            style = "red" if line == AWAY else "green"
            grid.add_row(Text("●", style=style), name, Text(line, style="dim"))
        return grid

    def _service_line(self, look: Look, name: str) -> str:
        view = look.services.get(name)
        if view is None:
            return AWAY
        status = view.get("status", {})
        parts = [f"{view['state']} {span(float(view['uptime_s']))}"]
        if "memory_mb" in status:
            parts.append(f"{status['memory_mb']:.0f} MB")
        words = (status.get("phase"), status.get("state"))
        parts += [str(word) for word in words if word and word != view["state"]]
        publisher = status.get("publisher", {})
        if publisher:
            parts.append(
                f"published {publisher.get('published', 0):,}, "
                f"queued {publisher.get('queued', 0):,}, dropped {publisher.get('dropped', 0):,}"
            )
        parts += _sinks(status)
        if view.get("error"):
            parts.append(str(view["error"]))
        return " · ".join(parts)


def _sinks(status: dict[str, Any]) -> list[str]:
    """What a writer says of its streams."""
    sinks = [each for each in status.get("streams", {}).values() if "stored_rows" in each]
    if not sinks:
        return []
    total = {
        word: sum(int(each.get(word) or 0) for each in sinks)
        for word in ("stored_rows", "batches", "pending", "refused", "retries")
    }
    parts = [
        "connected" if status.get("connected") else "waiting for NATS",
        f"stored {total['stored_rows']:,} in {total['batches']:,} batches",
        f"pending {total['pending']:,}",
        f"lag {float(status.get('lag_s') or 0):.1f} s",
    ]
    parts += [f"{word} {total[word]:,}" for word in ("refused", "retries") if total[word]]
    return parts + [str(each["error"]) for each in sinks if each.get("error")][:1]


def span(seconds: float) -> str:
    """`8 s`, `3 min 20 s`, `2 h 5 min`."""
    whole = int(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def _short(words: str) -> str:
    """An error without its middle, if it is long."""
    if len(words) <= _ERROR_HEAD + _ERROR_TAIL:
        return words
    return f"{words[:_ERROR_HEAD]} … {words[-_ERROR_TAIL:]}"


def _price(best: Any) -> str:
    """The price of a best level, `[price, quantity]`, two decimals at least; empty for none."""
    if not best:
        return ""
    whole, _, decimals = str(best[0]).partition(".")
    return f"{whole}.{decimals.rstrip('0'):0<2}"


def _spread(bid: str, ask: str) -> str:
    try:
        return f"{Decimal(ask) - Decimal(bid):f}"
    except InvalidOperation:
        return ""


def _connection_error(status: dict[str, Any]) -> str:
    """The error of a connection that is not open now."""
    for each in status.get("connections", []):
        if each.get("last_error") and each.get("state") not in ("connected", "live", "open"):
            return str(each["last_error"])
    return ""
