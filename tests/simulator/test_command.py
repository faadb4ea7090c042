"""The command line, as a process: its address, its end, same seed same bytes."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from config.settings import ROOT
from tests.simulator.running import Client
from tests.waiting import wait_until

FEW = ["--levels", "200", "--symbols", "BTC-USDT,ETH-USDT"]


def command(*arguments: str, seed: str = "0") -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "workers.simulator", *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": seed},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@contextmanager
def listening(*arguments: str) -> "Iterator[tuple[subprocess.Popen[str], str]]":
    process = command("--port", "0", *FEW, *arguments)
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        line = process.stdout.readline()
        assert line.startswith("simulator: http://127.0.0.1:"), process.stderr.read()
        yield process, line.split()[-1]
    finally:
        process.kill()
        process.communicate()


def made(file: Path, *arguments: str, seed: str = "0") -> bytes:
    process = command("--dump", str(file), "--dump-seconds", "3", *FEW, *arguments, seed=seed)
    output, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    assert json.loads(output)["lines"] > 100
    return file.read_bytes()


def test_same_seed_same_bytes(tmp_path: Path) -> None:
    start = ["--start-ms", "1767225600000"]
    one = made(tmp_path / "one", "--seed", "5", *start, seed="1")
    two = made(tmp_path / "two", "--seed", "5", *start, seed="2")
    other = made(tmp_path / "other", "--seed", "6", *start)
    assert one == two
    assert one != other
    assert one.splitlines()[0].startswith(b"17672256")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_within_two_seconds_with_clients_on(number: signal.Signals) -> None:
    with listening() as (process, address):
        client = Client(address.replace("http", "ws") + "/stream?streams=btcusdt@trade")
        client.receive()
        begin = time.monotonic()
        process.send_signal(number)
        assert client.closed() == 1001
        assert process.wait(5) == 0
        assert time.monotonic() - begin < 2.0
        client.close()
        assert process.stderr is not None
        assert process.stderr.read() == ""


def test_a_live_recording_can_be_played(tmp_path: Path) -> None:
    file = tmp_path / "live.gz"
    with listening("--record", str(file)) as (process, _):
        begin = time.monotonic()
        wait_until(lambda: time.monotonic() - begin > 1.5, what="a second and a half passes")
        process.terminate()
        assert process.wait(5) == 0
    with listening("--play", str(file), "--speed", "50", "--settle-s", "0.2") as (_, address):
        play = requests.get(f"{address}/sim/play", timeout=10).json()
        assert play["state"] == "waiting"
        assert play["symbols"] == {"BTCUSDT": "BTC-USDT", "ETHUSDT": "ETH-USDT"}
        client = Client(address.replace("http", "ws") + "/stream?streams=btcusdt@trade")
        trades = client.take("btcusdt@trade", play["streams"]["btcusdt@trade"])
        assert [t["t"] for t in trades] == [trades[0]["t"] + n for n in range(len(trades))]
        client.close()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--symbols", "BTCUSDT"], "write BASE-QUOTE"),
        (["--play", "no-such-file"], "no-such-file: cannot be read"),
        (["--address", "203.0.113.1", *FEW], "203.0.113.1"),
    ],
)
def test_a_wrong_option_ends_it_with_the_reason(arguments: list[str], words: str) -> None:
    process = command("--port", "0", *arguments)
    output, errors = process.communicate(timeout=30)
    assert process.returncode == 1
    assert output == ""
    assert words in errors
    assert "Traceback" not in errors


def test_help_names_every_option() -> None:
    output, _ = command("--help").communicate(timeout=30)
    for option in ("--seed", "--rate", "--symbols", "--play", "--http", "--speed", "--record"):
        assert option in output
