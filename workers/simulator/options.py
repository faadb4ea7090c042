"""How the simulator is started: one value, from the settings and the command line."""

from dataclasses import dataclass, field
from pathlib import Path

from workers.simulator.binance.connection import ConnectionOptions
from workers.simulator.binance.limits import LimitOptions

ALL = "all"
DIALECTS = ("binance_spot", "binance_derivatives", "okx", "deribit")


@dataclass(frozen=True)
class Options:
    """Everything that can be chosen.

    Args:
        port: 0 picks a free one.
        rate: messages a second on trade, book changes and ticker, all symbols together.
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
        dialect: whose protocol is spoken, one of `DIALECTS`, or `ALL`.
        switches: `NAME=NUMBER`, figures that only one dialect has; `DIALECT.NAME=NUMBER` where
            all are spoken.
        news_s: between two changes of instruments that each dialect announces; 0 for none.
        tls: speak TLS, with a CA made for this run; `ca_file` is where it is written.
        tls_cert, tls_key: speak TLS with this certificate chain and key instead.
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
    dialect: str = ALL
    switches: tuple[str, ...] = ()
    news_s: float = 0.0
    tls: bool = False
    ca_file: Path | None = None
    tls_cert: Path | None = None
    tls_key: Path | None = None
    limits: LimitOptions = field(default_factory=LimitOptions)
    connections: ConnectionOptions = field(default_factory=ConnectionOptions)

    @property
    def dialects(self) -> tuple[str, ...]:
        """Those spoken."""
        return DIALECTS if self.dialect == ALL else (self.dialect,)

    @property
    def secure(self) -> bool:
        """Whether TLS is spoken."""
        return self.tls or self.tls_cert is not None

    def switches_of(self, dialect: str) -> list[str]:
        """`NAME=NUMBER` for one dialect.

        Raises:
            ValueError: a switch of no dialect, or one that does not say whose it is.
        """
        found = []
        for each in self.switches:
            owner, dot, rest = each.partition("=")[0].partition(".")
            if not dot:
                if self.dialect == ALL:
                    raise ValueError(f"--switch {each}: say whose, DIALECT.{each}")
                found.append(each)
            elif owner not in DIALECTS or not rest:
                raise ValueError(f"--switch {each}: {owner} is none of {', '.join(DIALECTS)}")
            elif owner == dialect:
                found.append(each.removeprefix(f"{owner}."))
        return found
