"""Events as people read them: a book with depth bars, a trade as a coloured line."""

import time
from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from itertools import accumulate
from typing import Any

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.table import Table
from rich.text import Text

from workers.model.events import Event, Levels, OrderBook, Trade

NS = 1_000_000_000
STATE_STYLES = {"SYNCED": "bold green", "SYNCING": "bold yellow", "STALE": "bold red"}
SIDE_STYLES = {"buy": "green", "sell": "red"}
BAR_WIDTH = 24
FIGURES_WIDTH = 54
"""What prices and quantities need beside the bars."""


def clock_time(ns: int) -> str:
    """Time of day, UTC, milliseconds: `12:30:01.250`."""
    at = datetime.fromtimestamp(ns / NS, UTC)
    return at.strftime("%H:%M:%S.") + f"{at.microsecond // 1000:03d}"


def day(ns: int) -> str:
    """The date, UTC: `2026-11-22`."""
    return datetime.fromtimestamp(ns / NS, UTC).strftime("%Y-%m-%d")


def span(ns: int) -> str:
    """A span of time in the unit that suits it: `3 ms`, `2.1 s`, `4 min`."""
    if abs(ns) < NS:
        return f"{ns / 1_000_000:.0f} ms"
    return f"{ns / NS:.1f} s" if abs(ns) < 120 * NS else f"{ns / NS / 60:.0f} min"


def trimmed(decimal: str) -> str:
    """The same number without zeros at its end: `64000.10000000` -> `64000.1`."""
    return decimal.rstrip("0").rstrip(".") if "." in decimal else decimal


def pointed(decimal: str, before: int, after: int) -> str:
    """A decimal whose point stands at a fixed place, however many digits it has."""
    whole, _, part = trimmed(decimal).partition(".")
    return f"{whole:>{before}}{'.' if part else ' '}{part:<{after}}"


def alike(decimals: Iterable[str]) -> list[str]:
    """Decimals with as many places as the longest needs, so that they line up."""
    short = [trimmed(each) for each in decimals]
    places = max((len(each.partition(".")[2]) for each in short), default=0)
    return [f"{Decimal(each):.{places}f}" if each else "" for each in short]


def spread(book: OrderBook) -> str:
    """Best ask minus best bid, exact; empty while a side is."""
    if not book.bids or not book.asks:
        return ""
    return trimmed(f"{Decimal(book.asks[0][0]) - Decimal(book.bids[0][0]):f}")


def book_line(book: OrderBook) -> str:
    """A book in one line, for pipes and logs."""
    bid = " x ".join(map(trimmed, book.bids[0])) if book.bids else "none"
    ask = " x ".join(map(trimmed, book.asks[0])) if book.asks else "none"
    return (
        f"{clock_time(book.received_ns)} {book.symbol} {book.state} bid {bid} ask {ask} "
        f"spread {spread(book) or 'none'} verified {book.verified_depth} "
        f"update {book.last_update_id} latency {latency(book)}"
    )


def trade_line(trade: Trade) -> str:
    """A trade in one line; columns stay below one another."""
    return (
        f"{clock_time(trade.exchange_ns or trade.received_ns)} "
        f"{deal(trade.side, trade.price, trade.quantity)} {trade.trade_id}"
    )


_COMMON = frozenset(Event.__struct_fields__)


def event_line(event: Event) -> str:
    """Any event in one line: time, symbol, then what it has, absent fields left out.

    Times are of the day, a long list is the number of its elements.
    """
    own = (name for name in event.__struct_fields__ if name not in _COMMON)
    facts = [
        f"{name.removesuffix('_ns')} {_fact(name, value)}"
        for name in own
        if (value := getattr(event, name)) is not None
    ]
    at = clock_time(event.exchange_ns or event.received_ns)
    note = "" if event.source == "live" else f"  {event.source}"
    return f"{at} {event.exchange} {event.symbol}  {'  '.join(facts)}{note}"


def _fact(name: str, value: Any) -> str:
    if isinstance(value, list):
        return f"{len(value)} levels"
    if name.endswith("_ns"):
        return f"{day(value)} {clock_time(value)}"
    if isinstance(value, bool):
        return str(value).lower()
    return trimmed(value) if isinstance(value, str) and _is_number(value) else str(value)


def _is_number(text: str) -> bool:
    return text.lstrip("-").replace(".", "", 1).isdigit()


def deal(side: str, price: str, quantity: str) -> str:
    """Side, price and quantity in columns."""
    return f"{side:<4} {pointed(price, 8, 8)} {pointed(quantity, 8, 8)}"


def trade_text(trade: Trade) -> Text:
    """The line in its side's colour."""
    return Text(trade_line(trade), style=SIDE_STYLES[trade.side])


def latency(event: OrderBook | Trade) -> str:
    """From the exchange's own time to the bytes' arrival here; unknown where it gives none."""
    if event.exchange_ns is None:
        return "unknown"
    return span(event.received_ns - event.exchange_ns)


class BookView:
    """The newest book, drawn anew whenever the terminal is refreshed, so that its age runs.

    Args:
        title: what is watched.
        rows: levels a side to show.
    """

    def __init__(self, title: str, rows: int) -> None:
        self.title, self.rows = title, rows
        self.book: OrderBook | None = None
        self.seen = 0
        self.note = "waiting for the first snapshot"

    def show(self, book: OrderBook) -> None:
        """Take a newer book."""
        self.book, self.note = book, ""
        self.seen += 1

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield self._head()
        if self.book:
            bar_width = max(0, min(BAR_WIDTH, (options.max_width - FIGURES_WIDTH) // 2))
            yield _levels(self.book, self.rows, bar_width)
        yield Text(self.note or "Ctrl-C ends", style="yellow" if self.note else "dim")

    def _head(self) -> RenderableType:
        head = Text(self.title, style="bold")
        book = self.book
        if book is None:
            return head
        head.append("  ").append(book.state, style=STATE_STYLES[book.state])
        age = span(time.time_ns() - book.received_ns)
        facts = (
            f"spread {spread(book) or 'none'}, verified depth {book.verified_depth}, "
            f"update {book.last_update_id}\n"
            f"age {age}, from the exchange {latency(book)}, "
            f"to NATS {span(book.published_ns - book.received_ns)}, {self.seen} snapshots"
        )
        return Group(head, Text(facts, style="dim"))


def _levels(book: OrderBook, rows: int, bar_width: int) -> Table:
    """Bids left, asks right; a bar is the quantity from the best level down to its own."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("", justify="right", width=bar_width, no_wrap=True)
    table.add_column("quantity", justify="right", no_wrap=True)
    table.add_column("bid", justify="right", style="green", no_wrap=True)
    table.add_column("ask", style="red", no_wrap=True)
    table.add_column("quantity", no_wrap=True)
    table.add_column("", width=bar_width, no_wrap=True)
    bids, asks = _shown(book.bids[:rows]), _shown(book.asks[:rows])
    sums_bid, sums_ask = _sums(bids), _sums(asks)
    largest = max([*sums_bid, *sums_ask], default=0.0) or 1.0
    for row in range(max(len(bids), len(asks))):
        left = bids[row] if row < len(bids) else ("", "")
        right = asks[row] if row < len(asks) else ("", "")
        table.add_row(
            _bar(sums_bid, row, bar_width / largest, "green"),
            left[1],
            left[0],
            right[0],
            right[1],
            _bar(sums_ask, row, bar_width / largest, "red"),
        )
    return table


def _shown(levels: Levels) -> Levels:
    prices, quantities = zip(*levels, strict=True) if levels else ((), ())
    return list(zip(alike(prices), alike(quantities), strict=True))


def _sums(levels: Levels) -> list[float]:
    return list(accumulate(float(quantity) for _, quantity in levels))


def _bar(sums: list[float], row: int, scale: float, style: str) -> Text:
    length = round(sums[row] * scale) if row < len(sums) else 0
    return Text("█" * length, style=style)
