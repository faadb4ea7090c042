"""The live table of `marketprism up`: every type of every exchange, books, services."""

import time
from decimal import Decimal, InvalidOperation
from typing import Any

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.text import Text

from cli.expected import RARE, has_book, offered, types_of
from cli.look import Look, Watcher
from cli.service_lines import AWAY, CONNECTED, one_line, service_line, services, span
from cli.symbol_table import SymbolTable
from cli.type_table import TYPES, Stored, TypeTable
from config import queues
from config.settings import Settings
from workers.store.tables import BY_TYPE, TABLES

_ERROR_HEAD, _ERROR_TAIL = 50, 110
"""An error's beginning says where, its end why; all of it is in the log."""
_SPARE = ("lag", "exchange", "levels", "rows", "spread", "verified", "msg/s")
_FEWEST_LINES = 5
"""Below that a table of symbols gives way to one line about all books."""


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
        types = self.types(look)
        end = Group(
            *(Text(remark, style="yellow") for remark in self.remarks(look)),
            Text(self.clock(), style="dim"),
        )
        full = services(look, self._names())
        symbols = [self._cells(look, exchange, symbol) for exchange, symbol in self._pairs()]
        if not self.cropped:
            table = SymbolTable(symbols, _SPARE) if symbols else Text("no exchange is enabled")
            yield Group(types, Text(), table, Text(), full, Text(), end)
            return

        def height(*parts: RenderableType) -> int:
            return len(console.render_lines(Group(*parts), options, pad=False))

        left = options.size.height - height(types, end)
        below: RenderableType = full
        if left < height(full) + _FEWEST_LINES:
            below = one_line(look, self._names())
        left -= height(below)
        if left - 1 < min(_FEWEST_LINES, len(symbols) + 1):
            yield Group(types, *([Text()] if left > 1 else []), self._books(symbols), below, end)
            return
        symbols.sort(key=lambda each: each["book"] in ("SYNCED", ""))
        yield Group(types, Text(), SymbolTable(symbols, _SPARE, left - 2), Text(), below, end)

    def types(self, look: Look) -> TypeTable:
        """What is stored, by type and exchange."""
        cells = {}
        exchanges = self._settings.enabled_exchanges()
        for exchange, each in exchanges.items():
            expected = types_of(list(each.channels)) - RARE
            possible = offered(exchange, each)
            for kind in TYPES:
                table = BY_TYPE[kind].name
                rows = None if look.rows is None else look.rows_of(table, exchange)
                if kind not in possible and not rows:
                    continue
                lately = look.recent.get((table, exchange))
                age_s = None if lately is None else (look.at_ns - lately.newest_ns) / 1e9
                rate = 0.0 if lately is None else lately.rows_per_s
                cells[kind, exchange] = Stored(rows, rate, age_s, kind in expected)
        return TypeTable(list(exchanges), cells)

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
        lines = [self.clock(), *(f"  {line}" for line in self.types(look).lines())]
        for exchange, symbol in self._pairs():
            cells = self._cells(look, exchange, symbol)
            facts = [f"{name} {text}" for name, text in list(cells.items())[2:] if text]
            lines.append(f"  {exchange} {symbol}: {'  '.join(facts)}")
        lines += [f"  {name}: {service_line(look, name)}" for name in self._names()]
        return lines + [f"  ! {remark}" for remark in self.remarks(look)]

    def _pairs(self) -> list[tuple[str, str]]:
        return [
            (exchange, symbol)
            for exchange, each in self._settings.enabled_exchanges().items()
            for symbol in each.symbols
        ]

    def _names(self) -> list[str]:
        return [*self._settings.collectors(), queues.WRITER, "worker"]

    def _cells(self, look: Look, exchange: str, symbol: str) -> dict[str, str]:
        """One row of the table of symbols: column to text."""
        status = look.collector(exchange)
        cells = {"exchange": exchange, "symbol": symbol}
        if has_book(self._settings.exchanges[exchange], symbol):
            cells |= _book(status.get("books", {}).get(symbol, {}), answers=bool(status))
        else:
            cells |= dict.fromkeys(("book", "levels", "verified", "bid", "ask", "spread"), "")
        cells["msg/s"] = f"{self._watcher.rate_of(exchange, symbol):.1f}"
        rows = sum(look.rows_of(table, exchange, symbol) for table in TABLES)
        cells["rows"] = "?" if look.rows is None else f"{rows:,}"
        lag = look.lag_ms.get((exchange, symbol))
        cells["lag"] = "" if lag is None else f"{lag:.0f} ms"
        return cells

    def _books(self, symbols: list[dict[str, str]]) -> Text:
        """All books in one line, those that are not SYNCED by name."""
        books = [each for each in symbols if each["book"]]
        odd = [each for each in books if each["book"] != "SYNCED"]
        text = Text(
            f"books: {len(books) - len(odd)} of {len(books)} SYNCED",
            no_wrap=True,
            overflow="ellipsis",
        )
        names = ", ".join(f"{each['exchange']} {each['symbol']} {each['book']}" for each in odd)
        return text.append(f"; {names}", style="yellow") if odd else text


def _book(book: dict[str, Any], *, answers: bool) -> dict[str, str]:
    bid, ask = _price(book.get("best_bid")), _price(book.get("best_ask"))
    return {
        "book": str(book.get("state", "SYNCING")) if answers else AWAY,
        "levels": f"{book.get('bid_count', 0)}/{book.get('ask_count', 0)}",
        "verified": str(book.get("verified_depth", 0)),
        "bid": bid,
        "ask": ask,
        "spread": _spread(bid, ask),
    }


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
        if each.get("last_error") and each.get("state") not in CONNECTED:
            return str(each["last_error"])
    return ""
