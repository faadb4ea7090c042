"""`marketprism watch orderbook|trades|events`: live from NATS."""

import asyncio
import sys
from collections.abc import Callable
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Annotated, Protocol

import msgspec
import typer
from rich.live import Live

from cli.options import (
    AsJson,
    ConfigFile,
    ExchangeName,
    SymbolName,
    examples,
    exchange_named,
    symbol_named,
)
from cli.output import console, plain_errors
from cli.views import BookView, book_line, event_line, trade_line, trade_text
from config.environment import variable_of
from config.load import load
from config.queues import subject as subject_of
from config.settings import Settings
from workers.model.codec import decode
from workers.model.errors import TransportError
from workers.model.events import AnyEvent, OrderBook, Trade
from workers.model.names import unknown_name

if TYPE_CHECKING:
    from workers.bus.feed import Feed

app = typer.Typer(no_args_is_help=True, help="Watch live data in the terminal, from NATS.")

SILENCE_S = 5.0
RETRY_S = 1.0
SERVERS_VARIABLE = variable_of(("nats", "servers"))
FRAMES_PER_S = 8

Count = Annotated[int | None, typer.Option("--count", min=1, help="End after so many.")]
EventType = Annotated[
    str, typer.Argument(metavar="TYPE", help="Such as ticker, kline, funding-rate, gap.")
]
AnySymbol = Annotated[
    str, typer.Argument(metavar="[SYMBOL]", help="Such as BTC-USDT; default all.")
]
Levels = Annotated[int, typer.Option("--levels", min=1, max=400, help="Levels a side.")]


class Screen(Protocol):
    """Where a watch shows what arrives."""

    def event(self, event: AnyEvent, payload: bytes) -> None:
        """Show an event; `payload` is its message as it came."""
        ...

    def note(self, text: str) -> None:
        """Say something about the watch itself."""
        ...


@app.command(
    "orderbook",
    epilog=examples(
        "watch orderbook binance_spot BTC-USDT",
        "watch orderbook binance_spot BTC-USDT --levels 20 --count 1",
        "watch orderbook binance_spot BTC-USDT --json | head -1",
    ),
)
def orderbook_command(
    exchange: ExchangeName,
    symbol: SymbolName,
    levels: Levels = 10,
    count: Count = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """The book as it is published: best levels, state, verified depth, age.

    Plain lines where there is no terminal; JSON is the message itself, one a line.
    """
    with plain_errors(as_json=as_json):
        settings, subject = _subject("orderbook", exchange, symbol)
        title = " ".join(subject.split(".")[1:])
        if as_json or not console().is_terminal:
            _run(settings, subject, count, _Lines(book_text, as_json))
            return
        view = BookView(title, levels)
        with Live(view, console=console(), refresh_per_second=FRAMES_PER_S) as live:
            _run(settings, subject, count, _Drawn(view))
            live.refresh()


@app.command(
    "trades",
    epilog=examples(
        "watch trades binance_spot BTC-USDT", "watch trades binance_spot BTC-USDT --count 100"
    ),
)
def trades_command(
    exchange: ExchangeName,
    symbol: SymbolName,
    count: Count = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Trades as they are published: time (UTC), taker's side, price, quantity, id.

    JSON is the message itself, one a line. To look back: `marketprism trades`.
    """
    with plain_errors(as_json=as_json):
        settings, subject = _subject("trade", exchange, symbol)
        _run(settings, subject, count, _Lines(trade_text_line, as_json))


@app.command(
    "events",
    epilog=examples(
        "watch events ticker okx_spot BTC-USDT",
        "watch events liquidation binance_derivatives",
        "watch events gap '*' --json",
    ),
)
def events_command(
    kind: EventType,
    exchange: ExchangeName,
    symbol: AnySymbol = "*",
    count: Count = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Any type of event as it is published: time (UTC), symbol, and the fields it has.

    EXCHANGE and SYMBOL may be '*'. JSON is the message itself, one a line.
    """
    with plain_errors(as_json=as_json):
        settings, subject = _subject(_type_named(kind), exchange, symbol)
        _run(settings, subject, count, _Lines(event_text, as_json))


class _Lines:
    """One line for each event; what is not an event goes to stderr."""

    def __init__(self, write: Callable[[AnyEvent], None], as_json: bool) -> None:
        self._write, self._as_json = write, as_json

    def event(self, event: AnyEvent, payload: bytes) -> None:
        if self._as_json:
            print(payload.decode(), flush=True)
        else:
            self._write(event)

    def note(self, text: str) -> None:
        print(text, file=sys.stderr, flush=True)


class _Drawn:
    """A book that is drawn in place."""

    def __init__(self, view: BookView) -> None:
        self._view = view

    def event(self, event: AnyEvent, payload: bytes) -> None:
        if isinstance(event, OrderBook):
            self._view.show(event)

    def note(self, text: str) -> None:
        self._view.note = text


def book_text(event: AnyEvent) -> None:
    """Print a book as a line."""
    if isinstance(event, OrderBook):
        print(book_line(event), flush=True)


def trade_text_line(event: AnyEvent) -> None:
    """Print a trade as a line, in its side's colour on a terminal."""
    if not isinstance(event, Trade):
        return
    terminal = console()
    if terminal.is_terminal:
        terminal.print(trade_text(event))
    else:
        print(trade_line(event), flush=True)


def event_text(event: AnyEvent) -> None:
    """Print any event as a line."""
    print(event_line(event), flush=True)


def _type_named(name: str) -> str:
    """The type of event of this name, in any case; also by its table, `funding_rates`.

    Raises:
        UnknownName: there is none; names the nearest.
    """
    from workers.store.tables import BY_TYPE, TABLES

    found = name.lower()
    if found in TABLES:
        return TABLES[found].event_type
    if found.replace("_", "-") not in BY_TYPE:
        raise unknown_name("type of event", name, BY_TYPE)
    return found.replace("_", "-")


def _subject(event_type: str, exchange: str, symbol: str) -> tuple[Settings, str]:
    settings = load()
    if exchange == "*":
        return settings, subject_of(event_type, exchange, symbol.upper())
    name = exchange_named(settings, exchange)
    wanted = symbol if symbol == "*" else symbol_named(settings, name, symbol)
    return settings, subject_of(event_type, name, wanted)


def _run(settings: Settings, subject: str, count: int | None, screen: Screen) -> None:
    asyncio.run(_Watch(settings, subject, count, screen).run())


class _Watch:
    """Shows what arrives on a subject until there was enough of it."""

    def __init__(self, settings: Settings, subject: str, count: int | None, screen: Screen) -> None:
        self._settings, self._subject, self._screen = settings, subject, screen
        self._left = count

    async def run(self) -> None:
        """Until `count` were shown; a connection that is lost is opened again."""
        from workers.bus.feed import Feed

        found = False
        while True:
            try:
                async with Feed(self._settings.nats, self._subject, "marketprism-watch") as feed:
                    found = True
                    await self._show_all(feed)
                    return
            except TransportError as error:
                if not found:
                    remedy = "start the stack with `marketprism up`, or correct nats.servers"
                    raise TransportError(f"{error}; {remedy} ({SERVERS_VARIABLE})") from error
                self._screen.note(f"{error}; connecting again")
                await asyncio.sleep(RETRY_S)

    async def _show_all(self, feed: "Feed") -> None:
        quiet = False
        while self._left is None or self._left > 0:
            message = await feed.next(SILENCE_S)
            if message is None:
                if not quiet:
                    self._screen.note(silence(self._settings, self._subject))
                quiet = True
                continue
            quiet = False
            self._show(message[1])

    def _show(self, payload: bytes) -> None:
        try:
            event = decode(payload)
        except msgspec.DecodeError as error:
            self._screen.note(f"a message that is no event: {error}: {payload[:80]!r}")
            return
        self._screen.event(event, payload)
        if self._left is not None:
            self._left -= 1


def silence(settings: Settings, subject: str) -> str:
    """What to check when nothing arrives on a subject."""
    from workers.bus.streams import load_streams

    streams = load_streams(settings.nats.streams_file)
    names = [
        name
        for name, stream in streams.items()
        if any(fnmatchcase(subject, each.replace(">", "*")) for each in stream.subjects)
    ]
    exchange = subject.split(".")[1]
    collector = "a collector" if exchange == "*" else f"collector.{exchange}"
    synced = ", is its book SYNCED" if subject.startswith("orderbook-data.") else ""
    return (
        f"nothing on {subject} (stream {', '.join(names) or 'none'}) for {SILENCE_S:g} s; "
        f"does {collector} run{synced}? See: marketprism status"
    )
