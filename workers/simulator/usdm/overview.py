"""Streams of all symbols, `!...`: since 2026-06-30 the rows of COIN-M leak into them.

COIN-M rows look like BTCUSD_PERP, have `st` 2, and count contracts of 100 dollars.
"""

from collections.abc import Callable, Mapping

from workers.simulator.binance.payloads import encode_json
from workers.simulator.hub import Hub
from workers.simulator.market.instruments import SCALE
from workers.simulator.usdm.publisher import SECOND_STEPS, UsdmPublisher

Row = dict[str, object]
COIN_M = 2
"""`st` of COIN-M."""

DOLLARS_IN_CONTRACT = 100
QUANTITIES = ("v", "q", "B", "A", "Q")


class Overview:
    """Rows of all symbols.

    Args:
        publishers: the markets, by the exchange's symbol.
        gone: symbols that are not listed any more.
        hub: where events go.
        leaks: whether COIN-M rows come, too.
    """

    def __init__(
        self, publishers: Mapping[str, UsdmPublisher], gone: set[str], hub: Hub, leaks: bool
    ) -> None:
        self._publishers, self._gone, self._hub, self._leaks = publishers, gone, hub, leaks
        self._steps = 0

    def step(self) -> None:
        """One step of all markets is done."""
        self._steps += 1
        if self._steps % SECOND_STEPS:
            return
        second = self._steps // SECOND_STEPS
        self._array("!ticker@arr", lambda each: each.ticker())
        self._array("!miniTicker@arr", lambda each: each.mini())
        self._array("!markPrice@arr@1s", lambda each: each.figures.mark())
        if second % 3 == 0:
            self._array("!markPrice@arr", lambda each: each.figures.mark())
        if second % 5 == 0:
            self._quotes()
        self._liquidations()

    def _present(self) -> list[UsdmPublisher]:
        return [each for name, each in self._publishers.items() if name not in self._gone]

    def _array(self, stream: str, make: Callable[[UsdmPublisher], Row]) -> None:
        if not self._hub.wanted(stream):
            return
        rows = [make(each) for each in self._present()]
        rows += [self._leaked(each, make(each)) for each in self._coin_margined()]
        self._hub.publish(stream, lambda _: encode_json(rows))

    def _quotes(self) -> None:
        if not self._hub.wanted("!bookTicker"):
            return
        for each in self._present():
            self._hub.publish("!bookTicker", lambda _, each=each: each.quote())  # type: ignore[misc]

    def _liquidations(self) -> None:
        stream = "!forceOrder@arr"
        if not self._hub.wanted(stream):
            return
        from_coins = self._coin_margined()
        for each in self._present():
            order = each.forced_order()
            if order is None:
                continue
            self._tell(stream, order)
            if each in from_coins:
                leaked = self._leaked(each, order)
                inner = order["o"]
                assert isinstance(inner, dict)
                contracts = self._contracts(each)
                amounts = dict.fromkeys(("q", "l", "z"), contracts)
                self._tell(stream, {**leaked, "o": {**inner, "s": leaked["ps"], **amounts}})

    def _tell(self, stream: str, row: Row) -> None:
        self._hub.publish(stream, lambda _: encode_json(row))

    def _coin_margined(self) -> list[UsdmPublisher]:
        """The contract that has a sister on COIN-M, if there is one."""
        if not self._leaks:
            return []
        return [each for each in self._present() if each.engine.instrument.base == "BTC"][:1]

    def _leaked(self, at: UsdmPublisher, row: Row) -> Row:
        """The same as a row of COIN-M."""
        base = at.engine.instrument.base
        counted = {name: self._contracts(at) for name in QUANTITIES if name in row}
        return {**row, **counted, "s": f"{base}USD_PERP", "ps": f"{base}USD", "st": COIN_M}

    @staticmethod
    def _contracts(at: UsdmPublisher) -> str:
        """A day's volume in contracts of 100 dollars."""
        engine = at.engine
        value = engine.candles.day(engine.now_us).value
        dollars = value * engine.instrument.tick * engine.instrument.lot // SCALE // SCALE
        return str(dollars // DOLLARS_IN_CONTRACT)
