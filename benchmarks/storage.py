"""Bytes a row of every table takes on the disk after merges: `python -m benchmarks.storage`.

Rows come the way the writer stores them, in its batches, from two kinds of events: made ones for
every table, and, where the folder of recordings is beside the checkout, recorded ones of Binance
(trades, depth, best prices; receive times as recorded). `disk` is all of a table's active parts
after OPTIMIZE FINAL: columns, marks, indexes. `JSON` is what the event was in NATS.

    python -m benchmarks.storage columns    # and what each column of the large tables takes
"""

import gzip
import os
import sys
import tempfile
import uuid
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path

import msgspec

from benchmarks._machine import table
from benchmarks._peers.recorded import BTC as SPOT_FACTS
from benchmarks._peers.recorded import ETH as USDM_FACTS
from benchmarks._peers.recorded import FOLDER, recorded
from benchmarks._peers.tapes import Instrument as Facts
from benchmarks._stored_market import START_NS, Market
from config.settings import ClickHouseSettings
from workers.book.book import Book
from workers.book.sync import BookSync
from workers.exchanges.registry import exchange
from workers.local.servers import ClickHouseServer, free_ports
from workers.model import codec
from workers.model.address import event_type
from workers.model.events import BookDelta, Event, OrderBook
from workers.model.instrument import Instrument
from workers.store.client import connect
from workers.store.insert import Inserter
from workers.store.migrate import migrate
from workers.store.queries import query
from workers.store.tables import BY_TYPE, TABLES

BATCH = 2_500
"""Rows of an insert at 5,000 events/s and the default `writer.batch_age`."""
COUNTS = {
    "trades": 500_000,
    "orderbook_deltas": 120_000,
    "orderbook_snapshots": 4_000,
    "tickers": 300_000,
    "klines": 100_000,
    "funding_rates": 100_000,
    "open_interest": 60_000,
    "long_short_ratios": 40_000,
}
OTHERS = 20_000
SESSION_UPDATES = 10_000
RECORDINGS = (
    ("hftbacktest_spot_btcusdt_20240808.gz", SPOT_FACTS),
    ("hftbacktest_spot_btcusdt_20240809.gz", SPOT_FACTS),
    ("hftbacktest_usdm_ethusdt_20240808.gz", USDM_FACTS),
)
SIZES = """
SELECT table, sum(rows), sum(bytes_on_disk), sum(data_uncompressed_bytes)
FROM system.parts WHERE active AND database = currentDatabase() GROUP BY table
"""
COLUMNS = """
SELECT column, sum(column_data_compressed_bytes) / sum(rows) AS bytes, any(codec)
FROM system.parts_columns AS p
LEFT JOIN (SELECT table, name AS column, compression_codec AS codec FROM system.columns
    WHERE database = currentDatabase()) AS c USING (table, column)
WHERE active AND database = currentDatabase() AND table = %(table)s
GROUP BY column ORDER BY bytes DESC
"""


def main(show_columns: bool = False) -> None:
    """Store, merge, weigh, print."""
    with tempfile.TemporaryDirectory() as folder:
        store = ClickHouseServer(Path(folder), *free_ports(2), max_mb=4096)
        store.start()
        try:
            made, real = _settings(store), _settings(store)
            weights = _store(made, _made())
            heavier = _store(real, chain(_recorded(), _recorded_books()))
            _print("made", made, weights, show_columns)
            if heavier:
                _print("recorded", real, heavier, show_columns)
        finally:
            store.stop()


def _settings(store: ClickHouseServer) -> ClickHouseSettings:
    return ClickHouseSettings(
        port=store.port, http_port=store.http_port, database=f"bench_{uuid.uuid4().hex[:8]}"
    )


def _made() -> Iterator[Event]:
    for name in TABLES:
        yield from Market().events(name, COUNTS.get(name, OTHERS))


def _recorded() -> Iterator[Event]:
    """Events of the recordings there are, as the collector's mapper reads them."""
    for file, facts in RECORDINGS:
        path = FOLDER / "streams" / file
        if not path.is_file():
            continue
        mapper = exchange(facts.exchange).mapper([_instrument(facts)])
        with gzip.open(path, "rb") as lines:
            for line in lines:
                received, _, frame = line.rstrip().partition(b" ")
                for event in mapper.map(frame, int(received)):
                    event.published_ns = event.received_ns + 90_000
                    yield event


def _recorded_books() -> Iterator[Event]:
    """The best 400 levels of the recorded spot book, after every tenth update."""
    for tape in recorded(SESSION_UPDATES):
        if tape.kind != "book" or tape.instrument.exchange != SPOT_FACTS.exchange:
            continue
        declared, instrument = exchange(SPOT_FACTS.exchange), _instrument(SPOT_FACTS)
        sync = BookSync(instrument.symbol, Book(5_000), declared.sequencer)
        sync.subscribed()
        sync.snapshot(declared.read_snapshot(msgspec.json.encode(tape.snapshot), 5_000))
        mapper = declared.mapper([instrument])
        for number, frame in enumerate((*tape.opening, *tape.frames)):
            for event in mapper.map(frame, START_NS + number * 100_000_000):
                if isinstance(event, BookDelta):
                    sync.delta(event)
                    if number % 10 == 0:
                        yield _snapshot(event, sync.book)


def _snapshot(delta: BookDelta, book: Book) -> OrderBook:
    bids, asks = book.levels(400)
    return OrderBook(
        exchange=delta.exchange,
        market_type=delta.market_type,
        symbol=delta.symbol,
        raw_symbol=delta.raw_symbol,
        exchange_ns=delta.exchange_ns,
        received_ns=delta.received_ns,
        published_ns=delta.received_ns + 90_000,
        last_update_id=delta.last_update_id,
        bids=bids,
        asks=asks,
        depth=5_000,
        state="SYNCED",
        verified_depth=400,
    )


def _instrument(facts: Facts) -> Instrument:
    perpetual = facts.exchange == "binance_derivatives"
    return Instrument(
        exchange=facts.exchange,
        market_type="perpetual" if perpetual else "spot",
        symbol=f"{facts.base}-{facts.quote}{'-PERP' if perpetual else ''}",
        raw_symbol=facts.raw_symbol,
        status="trading",
        raw_status="TRADING",
        base=facts.base,
        quote=facts.quote,
        settle=facts.quote if perpetual else None,
        tick_size=facts.tick_size,
        lot_size=facts.lot_size,
    )


def _store(settings: ClickHouseSettings, events: Iterator[Event]) -> dict[str, float]:
    """Insert in the writer's batches and merge; mean bytes of the JSON by table."""
    migrate(settings)
    inserter = Inserter(settings)
    waiting: dict[str, list[bytes]] = {name: [] for name in TABLES}
    totals: dict[str, list[int]] = {}

    def insert(name: str) -> None:
        lines, waiting[name] = waiting[name], []
        inserter.insert(TABLES[name], lines, uuid.uuid4().hex)

    for event in events:
        name, line = BY_TYPE[event_type(event)].name, codec.encode(event)
        total = totals.setdefault(name, [0, 0])
        total[0] += 1
        total[1] += len(line)
        waiting[name].append(line)
        if len(waiting[name]) >= BATCH:
            insert(name)
    for name in totals:
        if waiting[name]:
            insert(name)
        with connect(settings) as client:
            client.execute(f"OPTIMIZE TABLE {name} FINAL")
    inserter.close()
    return {name: size / count for name, (count, size) in totals.items()}


def _print(
    kind: str, settings: ClickHouseSettings, sizes: dict[str, float], show_columns: bool
) -> None:
    found = {name: rest for name, *rest in query(settings, SIZES).rows}
    rows = []
    for name, size in sizes.items():
        count, disk, plain = found[name]
        rows.append(
            (
                name,
                f"{count:,}",
                f"{size:,.0f}",
                f"{plain / count:,.0f}",
                f"{disk / count:,.1f}",
                f"{size * count / disk:.1f}x",
            )
        )
    table(
        f"Bytes a row, {kind} events, after OPTIMIZE FINAL",
        ("table", "rows", "JSON", "uncompressed", "disk", "JSON to disk"),
        rows,
    )
    for name in ("trades", "orderbook_deltas", "tickers") if show_columns else ():
        _columns(name, settings)
    print(f"load average {os.getloadavg()[0]:.1f}", flush=True)


def _columns(name: str, settings: ClickHouseSettings) -> None:
    found: Sequence[Sequence[object]] = query(
        settings, COLUMNS.replace("%(table)s", f"'{name}'")
    ).rows
    table(
        f"{name}, bytes a row by column",
        ("column", "bytes", "codec"),
        [(column, f"{size:.2f}", text) for column, size, text in found if size],
    )


if __name__ == "__main__":
    main("columns" in sys.argv[1:])
