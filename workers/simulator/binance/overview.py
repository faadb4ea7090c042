"""Streams made of statistics alone, each second: rolling windows, average price, all symbols.

An array of all symbols holds only those that changed since it was last sent, and is not sent
empty. `!ticker@arr` was removed by the exchange and stays silent.
Source: binance-spot-api-docs, web-socket-streams.md.
"""

from collections.abc import Callable, Mapping
from functools import partial

from workers.simulator.binance import payloads
from workers.simulator.binance.publisher import SLOW_STEPS, Publisher
from workers.simulator.hub import Encode, Hub
from workers.simulator.market.candles import MINUTE_US

WINDOWS = {"1h": 60 * MINUTE_US, "4h": 240 * MINUTE_US, "1d": 1440 * MINUTE_US}


class Overview:
    """All symbols' statistics.

    Args:
        publishers: the markets, by the exchange's symbol.
        hub: where events go.
    """

    def __init__(self, publishers: Mapping[str, Publisher], hub: Hub) -> None:
        self._publishers, self._hub = publishers, hub
        self._steps = 0
        self._sent: dict[tuple[str, str], tuple[int, ...]] = {}

    def step(self) -> None:
        """One step of all markets is done."""
        self._steps += 1
        if self._steps % SLOW_STEPS:
            return
        for publisher in self._publishers.values():
            self._average(publisher)
        self._each("miniTicker", "!miniTicker@arr", None, self._mini)
        for size in WINDOWS:
            self._each(
                f"ticker_{size}",
                f"!ticker_{size}@arr",
                f"ticker_{size}",
                partial(self._window, size),
            )

    def _average(self, publisher: Publisher) -> None:
        stream = f"{publisher.symbol.lower()}@avgPrice"
        if self._hub.wanted(stream):
            engine = publisher.engine
            price, time_us = payloads.five_minutes(engine)
            self._hub.publish(
                stream,
                partial(payloads.average_price, engine.instrument, price, time_us, engine.now_us),
            )

    def _each(
        self,
        name: str,
        array: str,
        single: str | None,
        make: Callable[[Publisher], tuple[tuple[int, ...], Encode]],
    ) -> None:
        """One kind of statistics: the symbols' own streams (`single`), and the array's."""
        hub = self._hub
        together = hub.wanted(array)
        changed: list[Encode] = []
        for symbol, publisher in self._publishers.items():
            stream = f"{symbol.lower()}@{single}"
            alone = single is not None and hub.wanted(stream)
            if not (together or alone):
                continue
            facts, encode = make(publisher)
            if alone:
                hub.publish(stream, encode)
            if together and self._sent.get((name, symbol)) != facts:
                self._sent[name, symbol] = facts
                changed.append(encode)
        if changed:
            hub.publish(
                array, lambda micro: b"[" + b",".join(each(micro) for each in changed) + b"]"
            )

    def _mini(self, publisher: Publisher) -> tuple[tuple[int, ...], Encode]:
        engine = publisher.engine
        day = engine.candles.day(engine.now_us)
        encode = partial(payloads.mini_ticker, engine.instrument, day, engine.now_us)
        return (day.open, day.high, day.low, day.close, day.volume, day.count), encode

    def _window(self, size: str, publisher: Publisher) -> tuple[tuple[int, ...], Encode]:
        engine = publisher.engine
        now_us = engine.now_us
        begin = (now_us - WINDOWS[size]) // MINUTE_US * MINUTE_US
        engine.candles.advance(now_us)
        stats = engine.candles.range(begin, now_us + 1)
        facts = (stats.open, stats.high, stats.low, stats.close, stats.volume, stats.count)
        at = engine.instrument
        return facts, partial(payloads.window_ticker, at, size, stats, begin, now_us)
