"""Candles on streams: each running one now and then, each closed one once."""

from collections.abc import Callable, Mapping

from workers.simulator.binance import payloads
from workers.simulator.hub import Hub
from workers.simulator.market.candles import Candle, bounds_us
from workers.simulator.market.engine import Engine


class KlineStreams:
    """The candles of one symbol.

    Args:
        engine: its market.
        hub: where events go.
        streams: stream names by interval and microseconds east of UTC.
    """

    def __init__(self, engine: Engine, hub: Hub, streams: Mapping[tuple[str, int], str]) -> None:
        self._engine, self._hub, self._streams = engine, hub, streams
        self._open = {key: bounds_us(key[0], engine.now_us, key[1]) for key in streams}

    def push(self, due: Callable[[str], bool]) -> None:
        """Tell closed candles, and the running ones of intervals that are due."""
        for (name, east_us), stream in self._streams.items():
            self._push(name, east_us, stream, due(name))

    def candle(self, name: str, start_us: int, end_us: int) -> Candle:
        """The candle of an interval; seconds are made from the trades themselves."""
        engine = self._engine
        if name != "1s":
            engine.candles.advance(engine.now_us)
            return engine.candles.range(start_us, end_us)
        tape = engine.tape
        first, end = tape.first_at(start_us), tape.first_at(end_us)
        price = tape.fill(first - 1).ticks if first > tape.first_id else engine.last_ticks
        whole = Candle(start_us, price)
        for fill in tape.fills(first, end - first):
            whole.add(fill.trade_id, fill.ticks, fill.lots, fill.buyer_is_maker)
        return whole

    def _push(self, name: str, east_us: int, stream: str, due: bool) -> None:
        now_us, wanted = self._engine.now_us, self._hub.wanted(stream)
        start, end = self._open[name, east_us]
        if now_us >= end:
            if wanted:
                self._publish(name, stream, self.candle(name, start, end), end, closed=True)
            start, end = self._open[name, east_us] = bounds_us(name, now_us, east_us)
        if due and wanted:
            self._publish(name, stream, self.candle(name, start, end), end, closed=False)

    def _publish(
        self, name: str, stream: str, candle: Candle, end_us: int, *, closed: bool
    ) -> None:
        at, now_us = self._engine.instrument, self._engine.now_us
        self._hub.publish(
            stream,
            lambda micro: payloads.kline(
                at, candle, name, end_us, closed=closed, now_us=now_us, micro=micro
            ),
        )
