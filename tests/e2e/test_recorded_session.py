"""A recorded session, played through the running system, ends as the recording says it must.

The real one (Binance, 2024-08-08) when the folder of recordings is there, and always one that the
simulator records itself.
"""

import asyncio
import gzip
import hashlib
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import config
from config.settings import ROOT, Settings
from tests.captures import needs_captures
from tests.simulated import SimulatedExchange
from tests.waiting import wait_until
from workers.bus.streams import ensure_streams
from workers.collector.service import CollectorService
from workers.runtime.host import ServiceThread
from workers.store.migrate import migrate
from workers.store.queries import query
from workers.writer.service import WriterService

pytestmark = pytest.mark.e2e

Play = Callable[..., "Played"]
SPEED = "25"


class Played:
    """What is left in the system after the last frame."""

    def __init__(self, settings: Settings, host: ServiceThread) -> None:
        self.settings, self._host = settings, host

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        return query(self.settings.clickhouse, sql).rows

    def book(self) -> dict[str, Any]:
        return dict(self._host.call(lambda service: service.read_book("BTC-USDT", None), 10))


@pytest.fixture
def play(settings_env: dict[str, str], tmp_path: Path) -> Iterator[Play]:
    endings: list[Callable[[], None]] = []

    def run(recording: Path, speed: str) -> Played:
        exchange = SimulatedExchange(
            tmp_path / "simulator.log", "--play", str(recording), "--speed", speed
        )
        endings.append(exchange.end)
        settings = config.load(
            env={
                **settings_env,
                "MARKETPRISM_EXCHANGES__BINANCE_SPOT__WS_URL": exchange.ws_url,
                "MARKETPRISM_EXCHANGES__BINANCE_SPOT__REST_URL": exchange.rest_url,
                "MARKETPRISM_EXCHANGES__BINANCE_SPOT__SYMBOLS": "BTC-USDT",
            }
        )
        migrate(settings.clickhouse)
        streams = ROOT / "config" / settings.nats.streams_file
        asyncio.run(ensure_streams(settings.nats.servers, streams))
        hosts = [
            ServiceThread(WriterService(settings)),
            ServiceThread(CollectorService(settings, "binance_spot")),
        ]
        for host in hosts:
            host.start()
            endings.append(lambda host=host: host.stop(15))  # type: ignore[misc]
        wait_until(
            lambda: exchange.get("/sim/play")["state"] == "finished",
            120,
            "the end of the recording",
        )
        publisher = hosts[1].service
        wait_until(
            lambda: publisher.status()["publisher"]["queued"] == 0, 20, "everything published"
        )
        return Played(settings, hosts[1])

    yield run
    for end in reversed(endings):
        end()


def canonical_sha256(book: dict[str, Any]) -> str:
    """Over `b<price>:<quantity>` and `a...` lines, best first, decimals without trailing zeros."""
    lines = [
        f"{mark}{plain(price)}:{plain(quantity)}"
        for mark, side in (("b", "bids"), ("a", "asks"))
        for price, quantity in book[side]
    ]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def plain(number: str) -> str:
    text = format(Decimal(number), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


@pytest.mark.captures
@pytest.mark.timeout(300)
def test_the_real_session_of_2024_08_08_is_stored_whole_and_its_book_is_right(play: Play):
    captures = needs_captures()
    tape = next(
        each["trade_tape"]
        for each in json.loads((captures / "streams" / "tapes.json").read_text())
        if each["file"] == "streams/hftbacktest_spot_btcusdt_20240808.gz"
    )
    session = "binance_spot.BTCUSDT.hftbacktest-20240808.full.json.gz"
    with gzip.open(captures / "sessions" / session) as file:
        final = json.load(file)["expected"]["final"]
    played = play(captures / "streams" / "hftbacktest_spot_btcusdt_20240808.gz", SPEED)

    wait_until(
        lambda: played.rows("SELECT count() FROM trades")[0][0] >= tape["n"], 60, "all trades"
    )
    stored = played.rows(
        "SELECT count(), uniqExact(trade_id), min(trade_id), max(trade_id),"
        " sumIf(quantity, side = 'buy'), sumIf(quantity, side = 'sell'),"
        " sum(toDecimal256(price, 18) * toDecimal256(quantity, 18)), min(price), max(price)"
        " FROM trades WHERE symbol = 'BTC-USDT'"
    )[0]
    assert stored == (
        tape["n"],
        tape["n"],
        tape["first_id"],
        tape["last_id"],
        Decimal(tape["buy_qty"]),
        Decimal(tape["sell_qty"]),
        Decimal(tape["notional"]),
        Decimal(tape["min_price"]),
        Decimal(tape["max_price"]),
    )
    assert played.rows("SELECT count() FROM gaps")[0][0] == 0

    book = played.book()
    assert (book["state"], book["last_update_id"]) == ("SYNCED", final["last_id"])
    assert (len(book["bids"]), len(book["asks"])) == (final["n_bids"], final["n_asks"])
    assert canonical_sha256(book) == final["sha256"]
    top = wait_until(
        lambda: played.rows(
            "SELECT length(bids), length(asks) FROM orderbook_snapshots"
            f" WHERE last_update_id = {final['last_id']} LIMIT 1"
        ),
        30,
        "the last snapshot stored",
    )
    assert top == [(400, 400)]


@pytest.mark.timeout(300)
def test_a_session_the_simulator_recorded_is_stored_whole(play: Play, tmp_path: Path):
    recording = tmp_path / "recorded.gz"
    subprocess.run(
        [
            *(sys.executable, "-m", "workers.simulator", "--symbols", "BTC-USDT"),
            *("--rate", "200", "--start-ms", "1750000000000", "--levels", "2000"),
            *("--dump", str(recording), "--dump-seconds", "60"),
        ],
        check=True,
        cwd=ROOT,
        timeout=120,
    )
    with gzip.open(recording) as lines:
        recorded = [json.loads(line.split(b" ", 1)[1]) for line in lines]
    ids = [each["data"]["t"] for each in recorded if each.get("stream", "").endswith("usdt@trade")]
    last_depth_id = max(
        each["data"]["u"] for each in recorded if "@depth@100ms" in each.get("stream", "")
    )
    played = play(recording, "10")

    wait_until(lambda: played.rows("SELECT count() FROM trades")[0][0] >= len(ids), 60, "trades")
    count, first, last = played.rows("SELECT count(), min(trade_id), max(trade_id) FROM trades")[0]
    assert (count, first, last) == (len(ids), min(ids), max(ids))
    book = played.book()
    assert (book["state"], book["last_update_id"]) == ("SYNCED", last_depth_id)
