"""`marketprism watch` on a real NATS."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from cli.watch import silence
from config.settings import ROOT, Settings
from tests.cli.conftest import COMMAND, Run, run_process
from tests.cli.events import EXCHANGE_NS, book, trade
from tests.cli.publishing import published
from tests.waiting import wait_until
from workers.local.servers import NatsServer, free_ports
from workers.model.codec import decode
from workers.model.events import FundingRate

BTC = ("binance_spot", "BTC-USDT")


@contextmanager
def watching(*arguments: str, env: dict[str, str]) -> Iterator["subprocess.Popen[str]"]:
    """The command as a process, with both outputs in pipes; ended with the block."""
    process = subprocess.Popen(
        [*COMMAND, "watch", *arguments],
        env=os.environ | env,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def test_trades_are_shown_as_lines_until_there_were_enough(
    run: Run, settings_env: dict[str, str], nats_server: NatsServer
) -> None:
    other = trade(1, symbol="ETH-USDT")
    with published(nats_server.url, [trade(4711), other, trade(4712, "sell")]):
        result = run("watch", "trades", *BTC, "--count", "4", env=settings_env)
    assert result.exit_code == 0
    lines = [line.split() for line in result.stdout.splitlines()]
    assert len(lines) == 4
    assert {(line[1], line[4]) for line in lines} == {("buy", "4711"), ("sell", "4712")}


def test_any_type_of_any_exchange_is_shown_as_lines(
    run: Run, settings_env: dict[str, str], nats_server: NatsServer
) -> None:
    rate = FundingRate(
        exchange="okx_derivatives",
        market_type="perpetual",
        symbol="BTC-USDT-PERP",
        raw_symbol="BTC-USDT-SWAP",
        exchange_ns=EXCHANGE_NS,
        received_ns=EXCHANGE_NS,
        funding_rate="-0.00010000",
        next_funding_time_ns=EXCHANGE_NS,
    )
    line = (
        "22:13:20.123 okx_derivatives BTC-USDT-PERP  funding_rate -0.0001  "
        "next_funding_time 2023-11-14 22:13:20.123"
    )
    with published(nats_server.url, [rate, trade()]):
        one = run("watch", "events", "funding-rate", "*", "--count", "2", env=settings_env)
        by_table = ("funding_rates", "okx_derivatives", "btc-usdt-perp")
        two = run("watch", "events", *by_table, "--count", "1", env=settings_env)
    assert one.stdout.splitlines() == [line, line]
    assert two.stdout.splitlines() == [line]


def test_an_unknown_type_names_the_nearest(run: Run, settings_env: dict[str, str]) -> None:
    result = run("watch", "events", "fundingrate", "deribit", env=settings_env)
    assert result.exit_code == 1
    assert "no type of event is called 'fundingrate'; nearest: funding-rate" in result.stderr


def test_books_are_shown_as_lines_where_there_is_no_terminal(
    run: Run, settings_env: dict[str, str], nats_server: NatsServer
) -> None:
    with published(nats_server.url, [book()]):
        result = run(
            "watch", "orderbook", "BINANCE-SPOT", "btc-usdt", "--count", "2", env=settings_env
        )
    assert [" SYNCED bid 64000.1 x 1.5 " in line for line in result.stdout.splitlines()] == [
        True,
        True,
    ]


def test_json_lines_are_the_messages_as_they_came(
    run: Run, settings_env: dict[str, str], nats_server: NatsServer
) -> None:
    one = book()
    with published(nats_server.url, [one]):
        result = run("watch", "orderbook", *BTC, "--count", "1", "--json", env=settings_env)
    [line] = result.stdout.splitlines()
    assert decode(line.encode()) == one
    assert json.loads(line)["type"] == "orderbook"


def test_a_message_that_is_no_event_is_named_and_not_counted(
    run: Run, settings_env: dict[str, str], nats_server: NatsServer
) -> None:
    broken = [("trade-data.binance_spot.BTC-USDT", b'{"type": "trade"')]
    with published(nats_server.url, [trade()], broken):
        result = run("watch", "trades", *BTC, "--count", "3", env=settings_env)
    assert len(result.stdout.splitlines()) == 3
    assert "a message that is no event" in result.stderr


def test_silence_is_explained_after_five_seconds_and_ctrl_c_ends(
    settings_env: dict[str, str],
) -> None:
    with watching("trades", *BTC, env=settings_env) as process:
        assert process.stderr
        said = process.stderr.readline()
        assert said.startswith(
            "nothing on trade-data.binance_spot.BTC-USDT (stream TRADES) for 5 s"
        )
        assert "collector.binance_spot" in said
        assert "marketprism status" in said
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 130
        assert "Traceback" not in process.stderr.read()


def test_silence_names_the_stream_of_each_subject(settings: Settings) -> None:
    assert "(stream ORDERBOOKS)" in silence(settings, "orderbook-data.binance_spot.BTC-USDT")
    assert "(stream none)" in silence(settings, "weather-data.binance_spot.BTC-USDT")


def test_a_restarted_nats_is_found_again(settings_env: dict[str, str], tmp_path: object) -> None:
    server = NatsServer(tmp_path, *free_ports(2))  # type: ignore[arg-type]
    server.start()
    try:
        env = settings_env | {"MARKETPRISM_NATS__SERVERS": server.url}
        with watching("trades", *BTC, "--count", "100000", env=env) as process:
            assert process.stdout
            assert process.stderr
            with published(server.url, [trade(1)]):
                assert process.stdout.readline().split()[-1] == "1"
            server.kill()
            assert "connecting again" in process.stderr.readline()
            server.start()
            with published(server.url, [trade(2)]):
                wait_until(
                    lambda: process.stdout.readline().split()[-1:] == ["2"],  # type: ignore[union-attr]
                    what="a trade after the restart",
                )
    finally:
        server.stop()


def test_without_nats_one_line_says_where_it_was_looked_for() -> None:
    env = {"MARKETPRISM_NATS__SERVERS": "nats://127.0.0.1:9"}
    result = run_process("watch", "trades", *BTC, env=env)
    assert result.returncode == 1
    assert "no NATS server answered: nats://127.0.0.1:9: " in result.stderr
    assert "correct nats.servers (MARKETPRISM_NATS__SERVERS)" in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_wrong_names_suggest_the_nearest(run: Run) -> None:
    wrong_exchange = run("watch", "trades", "binanse_spot", "BTC-USDT")
    assert wrong_exchange.exit_code == 1
    assert "'binanse_spot'; nearest: binance_spot" in wrong_exchange.stderr
    wrong_symbol = run("watch", "orderbook", "binance_spot", "BTCUSDT", "--json")
    assert wrong_symbol.exit_code == 1
    assert "nearest: BTC-USDT" in json.loads(wrong_symbol.stdout)["error"]


def test_a_reader_that_goes_away_ends_the_watch_quietly(
    settings_env: dict[str, str], nats_server: NatsServer
) -> None:
    with (
        published(nats_server.url, [trade()]),
        watching("trades", *BTC, "--json", env=settings_env) as process,
    ):
        assert process.stdout
        assert process.stderr
        process.stdout.readline()
        process.stdout.close()
        assert process.wait(30) == 0
        assert process.stderr.read() == ""
        process.stdout = None
