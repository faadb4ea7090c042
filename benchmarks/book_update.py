"""Frame bytes to updated 5,000-level book and encoded delta: `python -m benchmarks.book_update`.

The frames are made from a seed: 10 bids and 10 asks each, a mix of changes, insertions and removals
near the best prices, as on a busy symbol. CPU time of this process is measured, so that neighbours
on a shared core do not count (their cache misses still do). The floor is what decoding alone costs.
"""

import json
import time
from collections.abc import Callable, Sequence

import msgspec

from benchmarks._machine import median_of, table
from benchmarks._market import binance_depth
from workers.book.book import Book
from workers.book.sequence import Snapshot
from workers.book.sync import BookSync, PublishDelta
from workers.exchanges.registry import exchange
from workers.model import codec
from workers.model.instrument import Instrument

LEVELS = 5_000
MESSAGES = 10_000
CHANGES = 10  # a side and message
PUBLISHED = 400
BINANCE = exchange("binance_spot")
BTC = Instrument(
    exchange="binance_spot",
    market_type="spot",
    symbol="BTC-USDT",
    raw_symbol="BTCUSDT",
    status="trading",
    raw_status="TRADING",
    base="BTC",
    quote="USDT",
)


def market() -> tuple[Snapshot, list[bytes]]:
    """A snapshot and the frames that follow it."""
    body, frames = binance_depth(MESSAGES, levels=LEVELS, changes=CHANGES)
    return BINANCE.read_snapshot(msgspec.json.encode(body), LEVELS), frames


def ready(snapshot: Snapshot) -> BookSync:
    """A synced book of the snapshot."""
    sync = BookSync("BTC-USDT", Book(LEVELS), BINANCE.sequencer)
    sync.subscribed()
    sync.snapshot(snapshot)
    return sync


def whole_path(snapshot: Snapshot, frames: Sequence[bytes], top_every: int | None = None) -> float:
    """Seconds a message: decode, map, check, judge, apply, encode the delta."""
    sync, mapper = ready(snapshot), BINANCE.mapper([BTC])
    started_s = time.process_time()
    for number, frame in enumerate(frames):
        for event in mapper.map(frame, 1_723_161_255_300_000_000):
            for action in sync.delta(event):  # type: ignore[arg-type]
                if isinstance(action, PublishDelta):
                    codec.encode(action.delta)
        if top_every and number % top_every == 0:
            sync.book.top(PUBLISHED)
    spent_s = time.process_time() - started_s
    assert sync.applied == len(frames), "the benchmark's own market must have no gap"
    return spent_s / len(frames)


def each_of(work: Callable[[bytes], object], frames: Sequence[bytes]) -> float:
    """Seconds a message of one step."""
    started_s = time.process_time()
    for frame in frames:
        work(frame)
    return (time.process_time() - started_s) / len(frames)


def steps(snapshot: Snapshot, frames: Sequence[bytes]) -> dict[str, float]:
    """Seconds a message of each step alone, medians."""
    mapper = BINANCE.mapper([BTC])
    deltas = [mapper.map(frame, 1)[0] for frame in frames]

    def apply_all() -> float:
        sync = ready(snapshot)
        started_s = time.process_time()
        for delta in deltas:
            sync.delta(delta)  # type: ignore[arg-type]
        return (time.process_time() - started_s) / len(deltas)

    def encode_all() -> float:
        started_s = time.process_time()
        for delta in deltas:
            codec.encode(delta)  # type: ignore[arg-type]
        return (time.process_time() - started_s) / len(deltas)

    return {
        "frame to event (decode, checks)": median_of(
            lambda: each_of(lambda frame: mapper.map(frame, 1), frames)
        ),
        "event into the book (judge, validate, apply)": median_of(apply_all),
        "delta to JSON": median_of(encode_all),
    }


def encode_top(snapshot: Snapshot, repeat: int = 2_000) -> float:
    """Seconds for the best 400 levels of both sides as JSON."""
    book = ready(snapshot).book
    started_s = time.process_time()
    for _ in range(repeat):
        book.top(PUBLISHED)
    return (time.process_time() - started_s) / repeat


def main() -> None:
    """Measure and print."""
    snapshot, frames = market()
    floors = {
        "floor: json.loads": median_of(lambda: each_of(json.loads, frames)),
        "floor: msgspec untyped": median_of(lambda: each_of(msgspec.json.decode, frames)),
    }
    whole = median_of(lambda: whole_path(snapshot, frames), times=7)
    with_top = median_of(lambda: whole_path(snapshot, frames, top_every=10))
    parts = steps(snapshot, frames)
    rows = [
        (name, f"{spent * 1e6:.2f}", f"{1 / spent:,.0f}", target)
        for name, spent, target in (
            *((name, spent, "") for name, spent in floors.items()),
            ("frame -> 5,000-level book -> delta JSON", whole, ">= 40,000/s"),
            ("the same, top 400 encoded every 10th", with_top, ""),
            *((f"of it: {name}", spent, "") for name, spent in parts.items()),
            ("top 400, both sides", median_of(lambda: encode_top(snapshot)), "<= 20 us"),
        )
    ]
    size = sum(map(len, frames)) / len(frames)
    title = f"Book update: {2 * CHANGES} levels a message, {size:.0f} bytes, CPU time, medians"
    table(title, ("step", "us", "per second", "target"), rows)


if __name__ == "__main__":
    main()
