"""How the simulator is started: one value, from the settings and the command line."""

from dataclasses import dataclass, field
from pathlib import Path

from workers.simulator.binance.connection import ConnectionOptions
from workers.simulator.binance.limits import LimitOptions

DIALECTS = ("binance_spot", "deribit", "okx")


@dataclass(frozen=True)
class Options:
    """Everything that can be chosen.

    Args:
        port: 0 picks a free one.
        rate: messages a second on trade, depth@100ms and ticker, all symbols together.
        start_ms: engine time at the start, milliseconds since 1970, cut to whole seconds; None:
            the wall clock's.
        levels: price levels a side.
        journal: book changes kept per symbol for `/sim/truth/book`.
        record: file that every event of the recorded channels is written to.
        play: recorded sessions to play instead of a market.
        http: recorded REST replies that belong to them.
        speed: 1 is the recording's own pace.
        settle_s: playback starts this long after the last SUBSCRIBE.
        names: `BTCUSDT=BTC-USDT`, for recordings that do not say it.
        dialect: whose protocol is spoken, one of `DIALECTS`.
        switches: `NAME=NUMBER`, figures that only one dialect has.
    """

    address: str = "127.0.0.1"
    port: int = 18080
    seed: int = 7
    rate: float = 300.0
    symbols: tuple[str, ...] = ("BTC-USDT", "ETH-USDT", "SOL-USDT")
    start_ms: int | None = None
    levels: int = 6500
    journal: int = 1_000_000
    record: Path | None = None
    play: tuple[Path, ...] = ()
    http: tuple[Path, ...] = ()
    speed: float = 1.0
    settle_s: float = 1.5
    names: tuple[str, ...] = ()
    dialect: str = "binance_spot"
    switches: tuple[str, ...] = ()
    limits: LimitOptions = field(default_factory=LimitOptions)
    connections: ConnectionOptions = field(default_factory=ConnectionOptions)
