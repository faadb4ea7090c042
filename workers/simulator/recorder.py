"""Writes what a client would hear to a file that `--play` reads: `<ns> <json>` a line."""

import gzip
from collections.abc import Callable, Collection
from pathlib import Path
from typing import BinaryIO, cast

from workers.simulator.binance.market import SpotMarket
from workers.simulator.binance.payloads import encode_json
from workers.simulator.hub import Hub, Sent, Variant
from workers.simulator.market.engine import STEP_US
from workers.simulator.options import Options
from workers.simulator.truth import Truth
from workers.simulator.world import World

CHANNELS = ("trade", "depth@100ms", "bookTicker", "ticker")
SNAPSHOT_AFTER_STEPS = 500_000 // STEP_US
RECORDER = -1


class Unfaulted:
    """No faults at all."""

    active = False

    def begin(self, stream: str, listeners: Collection[int]) -> None:
        """Nothing to decide."""

    def rewrite(self, stream: str, receiver: int, payload: bytes, combined: bool) -> list[Sent]:
        """Never asked while inactive."""
        return [Sent(payload)]


class Recorder:
    """A listener of the hub that writes instead of sending.

    Frames come combined; half a second in, each symbol's REST snapshot stands between them.

    Args:
        file: gzipped if its name ends in `.gz`.
        market: what is recorded.
        now_ns: stamps the lines.
    """

    def __init__(self, file: Path, market: SpotMarket, hub: Hub, now_ns: Callable[[], int]) -> None:
        self.number, self.variant = RECORDER, Variant(combined=True, microseconds=False)
        self.lines = 0
        self._raw = file.open("wb")
        self._out: BinaryIO = self._raw
        if file.suffix == ".gz":
            self._out = cast(
                BinaryIO, gzip.GzipFile(filename="", fileobj=self._raw, mode="wb", mtime=0)
            )
        self._market, self._hub, self._now_ns = market, hub, now_ns
        self._flushes = 0
        self._begins_step = market.pacer.steps_done
        self._snapshots_due = True
        self._streams = {
            f"{name.lower()}@{channel}" for name in market.publishers for channel in CHANNELS
        }
        hub.join(self)
        for stream in sorted(self._streams):
            hub.subscribe(self, stream)

    def queue(self, data: bytes, messages: int, delay_s: float = 0.0) -> None:
        """Write one frame's payload; lateness is not recorded."""
        start = 2 if data[1] < 126 else 4 if data[1] == 126 else 10
        self._write(data[start:])

    def flush(self) -> None:
        """Write the snapshots once it is time."""
        passed = self._market.pacer.steps_done - self._begins_step
        if self._snapshots_due and passed >= SNAPSHOT_AFTER_STEPS:
            self._snapshots_due = False
            for name in self._market.publishers:
                self._write(self._market.rest.depth(name, 5000))

    def close(self) -> None:
        """Finish the file."""
        self._hub.leave(self, self._streams)
        self._out.close()
        self._raw.close()

    def _write(self, payload: bytes) -> None:
        if not self._raw.closed:
            self.lines += 1
            self._out.write(b"%d %s\n" % (self._now_ns(), payload))


def dump(options: Options, file: Path, seconds: float) -> bytes:
    """Record a stretch of engine time at once, without a server.

    Returns:
        What the recording holds, as JSON: lines, and per symbol the truth's summary.
    """
    hub = Hub(Unfaulted())
    market = SpotMarket(options, World(options), hub, options.rate)
    recorder = Recorder(file, market, hub, lambda: market.now_us() * 1000)
    begins = {name: each.engine.tape.next_id for name, each in market.publishers.items()}
    for _ in range(int(seconds * 1_000_000) // STEP_US):
        market.pacer.step()
    recorder.close()
    summary = Truth(market.publishers).summary()
    return encode_json(
        {
            "lines": recorder.lines,
            "first_recorded_trade_id": begins,
            "symbols": summary,
        }
    )
