"""The whole system at the load the chaos suite works under, beside an exchange that remembers."""

import re
from pathlib import Path
from typing import Any, NamedTuple

from tests.e2e.running import RunningStack
from tests.simulated import SideDoor, SimulatedExchange
from tests.waiting import wait_until
from workers.local.supervision import ProcessState, Supervisor

COINS = (
    *("BTC", "ETH", "SOL", "BNB", "XRP", "ADA", "DOGE", "TRX", "LINK", "AVAX"),
    *("DOT", "LTC", "BCH", "UNI", "ATOM", "XLM", "NEAR", "APT", "FIL", "ICP"),
)
BOOKS = 20
TRADES_PER_S = 500
DEPTH = 500
"""Levels asked for: 20 snapshots of the full 5000 would be a minute's whole REST weight, so two
restarts of a collector within a minute would wait for the exchange and not for us."""

UPDATES_PER_SYMBOL = 11
"""Book changes and tickers a second of one simulated symbol; the rest of its rate are trades."""

CLOCK = Path(__file__).parent / "clock"
"""Holds a sitecustomize module."""

SERVERS = ("redis", "nats", "clickhouse")
ENDED = re.compile(r"exited: (\S+) \((.*)\)")
"""A line of supervisord's log."""
OPTIONAL = ("flower", "simulator")
"""Not among what data depends on."""


class Traded(NamedTuple):
    """One symbol whose trades are counted."""

    exchange: str
    symbol: str
    raw_symbol: str


class ChaosStack(RunningStack):
    """Redis, NATS, ClickHouse, collectors, writer, worker, beat, and what the exchange made.

    Args:
        folder: of everything.
        books: symbols of the exchange; with `every` two of each exchange.
        trades_per_s: of all symbols together.
        every: all five exchanges.
        seed: of the simulated market.
        env: more settings.

    Attributes:
        traded: every symbol with trades; known once the stack has started.
        killed: names of programs that got kill -9, in order.
    """

    def __init__(
        self,
        folder: Path,
        *,
        books: int = BOOKS,
        trades_per_s: int = TRADES_PER_S,
        every: bool = False,
        seed: int = 7,
        **env: str,
    ) -> None:
        coins = COINS[: 2 if every else books]
        spot = ",".join(f"{coin}-USDT" for coin in coins)
        self.books = 10 if every else books
        engines = 12 if every else books
        self.rate = trades_per_s + UPDATES_PER_SYMBOL * engines
        self.simulator = SimulatedExchange(
            folder / "simulator.log",
            *("--dialect", "all" if every else "binance_spot", "--symbols", spot),
            *("--rate", str(self.rate), "--seed", str(seed)),
        )
        super().__init__(
            folder,
            every=every,
            **{
                "LOCAL__SIMULATE": "false",
                "NETWORK__EGRESS": f"simulated:{self.simulator.rest_url.rpartition(':')[2]}",
                "SCHEDULE__FILL_GAPS": "5s",
                "SCHEDULE__UPDATE_LEDGER": "20s",
                **self._addresses(every),
                **({} if every else _one_exchange(spot)),
                **env,
            },
        )
        self.clock = folder / "clock"
        self.env |= {"PYTHONPATH": str(CLOCK), "CHAOS_CLOCK": str(self.clock)}
        self.traded: list[Traded] = []
        self.killed: list[str] = []

    def _addresses(self, every: bool) -> dict[str, str]:
        found: dict[str, str] = {}
        for name in DOORS if every else ("binance_spot",):
            prefix = f"EXCHANGES__{name.upper()}__"
            path = "/ws/v5" if name.startswith("okx") else ""
            found |= {
                f"{prefix}WS_URL": self.simulator.ws_url + path,
                f"{prefix}REST_URL": self.simulator.rest_url,
            }
        return found

    def start(self) -> None:
        """Also waits until trades of every symbol are stored."""
        self.begin()
        wait_until(self._up, 180, "the stack up", every_s=0.3)
        wanted = sum(
            not symbol.endswith("-DVOL")
            for section in self.settings.enabled_exchanges().values()
            for symbol in section.symbols
        )
        wait_until(lambda: len(self.first_stored()) == wanted, 120, "trades of all", 0.5)
        self.traded = sorted(self.first_stored())

    def close(self) -> None:
        """End everything."""
        self.kill_if_left()
        self.simulator.end()

    def door(self, exchange: str) -> SideDoor:
        """What really happened at one exchange."""
        return self.simulator.at(DOORS[exchange])

    def doors(self) -> list[SideDoor]:
        """One for each dialect that is spoken to."""
        names = {DOORS[name] for name in self.settings.enabled_exchanges()}
        return [self.simulator.at(name) for name in sorted(names)]

    def first_stored(self) -> dict[Traded, int]:
        """The first trade of each symbol; what was made before it was not asked for."""
        rows = self.rows(
            "SELECT exchange, symbol, raw_symbol, min(trade_id) FROM trades "
            "WHERE NOT aggregate GROUP BY 1, 2, 3"
        )
        return {Traded(*row[:3]): row[3] for row in rows}

    def newest_made(self) -> dict[Traded, int]:
        """The last trade the exchange made of each symbol until now."""
        found: dict[Traded, int] = {}
        for exchange in self.settings.enabled_exchanges():
            summary = self.door(exchange).get("/sim/truth/summary")
            for each in self.traded:
                if each.exchange == exchange:
                    found[each] = summary[each.raw_symbol]["last_trade_id"]
        return found

    def physical(self, sql: str) -> list[tuple[Any, ...]]:
        """Rows as they lie in the parts, without FINAL."""
        return self.rows(sql, final=False)

    def supervisor(self) -> Supervisor:
        return Supervisor(self.settings.data_path)

    def programs(self) -> dict[str, ProcessState]:
        """What the supervisor runs and the suite looks at."""
        states = self.supervisor().processes()
        return {name: each for name, each in states.items() if name not in OPTIONAL}

    def ends(self) -> list[tuple[str, str]]:
        """Every end of a program that the supervisor did not ask for, and how it ended."""
        log = self.settings.data_path / "log" / "supervisord.log"
        return ENDED.findall(log.read_text())

    def collectors(self) -> list[str]:
        return [name for name in self.programs() if name.startswith("collector.")]


DOORS = {
    "binance_spot": "binance_spot",
    "binance_derivatives": "binance_derivatives",
    "okx_spot": "okx",
    "okx_derivatives": "okx",
    "deribit": "deribit",
}


def _one_exchange(symbols: str) -> dict[str, str]:
    return {
        "EXCHANGES__BINANCE_SPOT__SYMBOLS": symbols,
        "EXCHANGES__BINANCE_SPOT__DEPTH": str(DEPTH),
        "EXCHANGES__BINANCE_SPOT__PUBLISH_INTERVAL": "500ms",
    }
