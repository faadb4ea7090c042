"""Tapes from recorded messages, when the folder of recordings is beside the checkout.

What is changed, so that every system can read them: trades of Binance become the aggregates
cryptofeed subscribes to, one for each trade; OKX frames of 2022 get today's ids (seqId, prevSeqId)
and today's checksum, 0. Nothing of it is written into the repository.
"""

import gzip
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks._market import frame
from benchmarks._peers.tapes import Instrument, Tape
from config.settings import ROOT

FOLDER = Path(os.environ.get("MARKETPRISM_CAPTURES", ROOT.parent / "shared" / "captures"))
"""As in tests/captures.py."""

BTC = Instrument("binance_spot", "BTCUSDT", "BTC", "USDT", "0.01", "0.00001")
ETH = Instrument("binance_derivatives", "ETHUSDT", "ETH", "USDT", "0.01", "0.001")
OKX = Instrument("okx_spot", "BTC-USDT", "BTC", "USDT", "0.1", "0.00000001")

WARM = 100
OKX_REPEATS = 60
"""The recording has 48 updates."""


def recorded(messages: int) -> list[Tape]:
    """The tapes there are, with at most this many timed messages; none without the folder."""
    found = []
    for name, instrument, session, stream in (
        (
            "spot",
            BTC,
            "binance_spot.BTCUSDT.hftbacktest-20240808.full.json.gz",
            "hftbacktest_spot_btcusdt_20240808.gz",
        ),
        (
            "USD-M",
            ETH,
            "binance_usdm.ETHUSDT.hftbacktest-20240808.full.json.gz",
            "hftbacktest_usdm_ethusdt_20240808.gz",
        ),
    ):
        path, tape = FOLDER / "sessions" / session, FOLDER / "streams" / stream
        if path.is_file():
            found.append(_binance_book(f"{name} book, recorded", instrument, path, messages))
        if tape.is_file():
            found.append(_aggregates(f"{name} trades, recorded", instrument, tape, messages))
    okx = FOLDER / "sessions" / "okx_spot.BTC-USDT.cryptofeed.first-half.json"
    if okx.is_file():
        found.append(_okx_book("OKX book, recorded", okx))
    return found


def _binance_book(name: str, instrument: Instrument, path: Path, messages: int) -> Tape:
    """From the first update that overlaps the snapshot."""
    session = json.loads(gzip.decompress(path.read_bytes()))
    snapshot = session["snapshot"]
    frames = [
        frame(each["msg"])
        for each in session["updates"]
        if each["msg"]["data"]["u"] > snapshot["lastUpdateId"]
    ]
    timed = frames[WARM : WARM + messages]
    return Tape(name, "book", instrument, tuple(frames[:WARM]), tuple(timed), snapshot)


def _aggregates(name: str, instrument: Instrument, path: Path, messages: int) -> Tape:
    frames = [frame(each) for each in _trades(path)][: WARM + messages]
    return Tape(name, "trade", instrument, tuple(frames[:WARM]), tuple(frames[WARM:]))


def _trades(path: Path) -> Iterator[dict[str, Any]]:
    with gzip.open(path, "rt") as lines:
        for line in lines:
            if '@trade"' not in line:
                continue
            message = json.loads(line.partition(" ")[2])
            trade = message["data"]
            data = {"e": "aggTrade", "E": trade["E"], "s": trade["s"], "a": trade["t"]}
            data |= {"p": trade["p"], "q": trade["q"], "f": trade["t"], "l": trade["t"]}
            data |= {"T": trade["T"], "m": trade["m"]}
            if "M" in trade:
                data["M"] = trade["M"]
            stream = message["stream"].replace("@trade", "@aggTrade")
            yield {"stream": stream, "data": data}


def _okx_book(name: str, path: Path) -> Tape:
    session = json.loads(path.read_text())
    messages = [session["snapshot"], *(each["msg"] for each in session["updates"])]
    for number, message in enumerate(messages):
        for row in message["data"]:
            row |= {"checksum": 0, "seqId": 1000 + number, "prevSeqId": 999 + number}
    messages[0]["data"][0]["prevSeqId"] = -1
    frames = [frame(each) for each in messages]
    return Tape(name, "book", OKX, tuple(frames[:3]), tuple(frames[3:]), repeat=OKX_REPEATS)
