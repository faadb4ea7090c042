"""Depth messages of a busy symbol, made from a seed. Prices in cents; texts as the exchanges write.

Half of the changes within 50 levels of the best, most within 500, some deep; a third removes.
"""

import json
import random
from typing import Any

MIDDLE = 6_168_600
DEEP = 14_000
START_MS = 1_723_161_255_208

WireLevels = list[list[str]]
SNAPSHOT_ID = 100


def binance_depth(
    messages: int, *, levels: int = 5_000, changes: int = 10, futures: bool = False, seed: int = 7
) -> tuple[dict[str, Any], list[bytes]]:
    """A REST snapshot and the frames behind it, `changes` a side in each.

    Args:
        messages: how many frames.
        levels: a side in the snapshot.
        changes: a side and frame.
        futures: with `T` and `pu`, and quantities of three places.
        seed: the same seed gives the same market.
    """
    rng = random.Random(seed)
    places = 3 if futures else 8

    def quantity() -> str:
        return f"{rng.uniform(0.001, 3):.{places}f}"

    def price(cents: int) -> str:
        return f"{cents // 100}.{cents % 100:02d}" + ("" if futures else "000000")

    def side(direction: int) -> WireLevels:
        cents = [MIDDLE + direction * (1 + 3 * n + rng.randrange(3)) for n in range(levels)]
        return [[price(each), quantity()] for each in cents]

    def changed(direction: int) -> WireLevels:
        depths = sorted(rng.randrange(rng.choice((150, 150, 1500, DEEP))) for _ in range(changes))
        return [
            [
                price(MIDDLE + direction * (1 + depth)),
                f"{0:.{places}f}" if rng.random() < 0.34 else quantity(),
            ]
            for depth in depths
        ]

    snapshot = {"lastUpdateId": SNAPSHOT_ID, "bids": side(-1), "asks": side(1)}
    frames = []
    for number in range(messages):
        first, when_ms = SNAPSHOT_ID + 1 + number * 5, START_MS + 100 * number
        data: dict[str, Any] = {"e": "depthUpdate", "E": when_ms}
        if futures:
            data["T"] = when_ms - 5
        data |= {"s": "BTCUSDT", "U": first, "u": first + 4}
        if futures:
            data["pu"] = first - 1
        data |= {"b": changed(-1), "a": changed(1)}
        frames.append(frame({"stream": "btcusdt@depth@100ms", "data": data}))
    return snapshot, frames


def binance_trades(messages: int, *, seed: int = 7) -> list[bytes]:
    """Frames of the spot stream `trade`: ids in order, a price that walks by cents."""
    rng, cents, frames = random.Random(seed), MIDDLE, []
    for number in range(messages):
        cents += rng.choice((-1, 0, 0, 0, 1))
        when_ms = START_MS + 7 * number
        data = {
            "e": "trade",
            "E": when_ms,
            "s": "BTCUSDT",
            "t": 3_700_000_000 + number,
            "p": f"{cents // 100}.{cents % 100:02d}000000",
            "q": f"{rng.uniform(0.00001, 2):.5f}000",
            "T": when_ms - 1,
            "m": rng.random() < 0.5,
            "M": True,
        }
        frames.append(frame({"stream": "btcusdt@trade", "data": data}))
    return frames


def okx_books(messages: int, *, changes: int = 10, seed: int = 7) -> list[bytes]:
    """A snapshot of 400 levels a side and updates of `changes` a side, chained by seqId.

    As on the channel `books`, never more than 400 levels stand: what falls out is removed.
    """
    rng, standing = random.Random(seed), [{}, {}]  # type: ignore[var-annotated]
    for direction, levels in ((-1, standing[0]), (1, standing[1])):
        for n in range(400):
            levels[MIDDLE + direction * (1 + 3 * n + rng.randrange(3))] = None

    def level(cents: int, removed: bool = False) -> list[str]:
        text = f"{cents / 100:.2f}".rstrip("0").rstrip(".")
        if removed:
            return [text, "0", "0", "0"]
        return [text, f"{rng.uniform(0.00001, 3):.8f}".rstrip("0"), "0", str(rng.randint(1, 30))]

    def changed(direction: int, levels: dict[int, None]) -> WireLevels:
        touched: dict[int, bool] = {}
        while len(touched) < changes:
            cents = MIDDLE + direction * (1 + rng.randrange(rng.choice((100, 300, 1200))))
            removed = cents in levels and rng.random() < 0.45
            touched[cents] = removed
            (levels.pop(cents) if removed else levels.setdefault(cents))
        for cents in sorted(levels, key=lambda each: each * direction)[400:]:
            del levels[cents]
            touched[cents] = True
        ordered = sorted(touched, key=lambda each: each * direction)
        return [level(cents, touched[cents]) for cents in ordered]

    def push(action: str, number: int, bids: WireLevels, asks: WireLevels) -> bytes:
        row = {"asks": asks, "bids": bids, "ts": str(START_MS + 100 * number), "checksum": 0}
        ids = {"seqId": 1000 + 3 * number, "prevSeqId": 997 + 3 * number if number else -1}
        arg = {"channel": "books", "instId": "BTC-USDT"}
        return frame({"arg": arg, "action": action, "data": [row | ids]})

    whole = [
        [level(cents) for cents in sorted(levels, key=lambda each: each * direction)]
        for direction, levels in ((-1, standing[0]), (1, standing[1]))
    ]
    frames = [push("snapshot", 0, *whole)]
    for number in range(1, messages + 1):
        sides = changed(-1, standing[0]), changed(1, standing[1])
        frames.append(push("update", number, *sides))
    return frames


def frame(message: dict[str, Any]) -> bytes:
    """A message as bytes, without spaces, as exchanges send it."""
    return json.dumps(message, separators=(",", ":")).encode()
