"""Tapes made from a seed: no recording needed."""

import random
from typing import Any

from benchmarks._market import START_MS, binance_depth, frame, okx_books
from benchmarks._peers.tapes import Instrument, Kind, Tape

WARM = 200
"""Frames before the clock runs."""

SPOT = Instrument("binance_spot", "BTCUSDT", "BTC", "USDT", "0.01", "0.00001")
USDM = Instrument("binance_derivatives", "BTCUSDT", "BTC", "USDT", "0.01", "0.001")
OKX = Instrument("okx_spot", "BTC-USDT", "BTC", "USDT", "0.01", "0.00000001")


def synthetic(messages: int) -> list[Tape]:
    """One tape of each kind with this many timed messages."""
    spot_snapshot, spot = binance_depth(messages + WARM)
    usdm_snapshot, usdm = binance_depth(messages + WARM, levels=1_000, futures=True)
    okx = okx_books(messages + WARM)
    return [
        _tape("spot book, made", "book", SPOT, spot, spot_snapshot),
        _tape("USD-M book, made", "book", USDM, usdm, usdm_snapshot),
        _tape("OKX book, made", "book", OKX, okx, None),
        _tape("spot trades, made", "trade", SPOT, _aggregates(messages + WARM), None),
        _tape("USD-M trades, made", "trade", USDM, _aggregates(messages + WARM, "nq"), None),
        _tape("OKX trades, made", "trade", OKX, _okx_trades(messages + WARM), None),
    ]


def _tape(
    name: str,
    kind: Kind,
    instrument: Instrument,
    frames: list[bytes],
    snapshot: dict[str, Any] | None,
) -> Tape:
    return Tape(name, kind, instrument, tuple(frames[:WARM]), tuple(frames[WARM:]), snapshot)


def _aggregates(count: int, *more: str) -> list[bytes]:
    """`aggTrade` frames; USD-M's have `nq` and no `M`."""
    rng, frames = random.Random(11), []
    for number in range(count):
        when_ms, quantity = START_MS + 7 * number, f"{rng.uniform(0.00001, 2):.5f}000"
        data = {
            "e": "aggTrade",
            "E": when_ms,
            "s": "BTCUSDT",
            "a": 5_000 + number,
            "p": f"{rng.randint(6_160_000, 6_170_000) / 100:.2f}000000",
            "q": quantity,
            "f": 9_000 + 2 * number,
            "l": 9_001 + 2 * number,
            "T": when_ms - 1,
            "m": rng.random() < 0.5,
        }
        data |= dict.fromkeys(more, quantity) if more else {"M": True}
        frames.append(frame({"stream": "btcusdt@aggTrade", "data": data}))
    return frames


def _okx_trades(count: int) -> list[bytes]:
    rng, frames = random.Random(13), []
    for number in range(count):
        row = {
            "instId": "BTC-USDT",
            "tradeId": str(700_000 + number),
            "px": str(rng.randint(616_000, 617_000) / 10),
            "sz": f"{rng.uniform(0.00001, 2):.8f}",
            "side": rng.choice(("buy", "sell")),
            "ts": str(START_MS + 7 * number),
            "count": "1",
            "source": "0",
            "seqId": 40_000 + number,
        }
        arg = {"channel": "trades", "instId": "BTC-USDT"}
        frames.append(frame({"arg": arg, "data": [row]}))
    return frames
