"""Faults that act on connections, replies and the market, not on single events."""

import asyncio
from collections.abc import Callable, Iterable

from workers.simulator.binance.connection import Connection
from workers.simulator.binance.payloads import encode_json
from workers.simulator.faults import ACTION_KINDS, Active, Fault, FaultBox
from workers.simulator.hub import wrap
from workers.simulator.live import Market
from workers.simulator.wire import frame

SHUTDOWN_STREAM = "!serverShutdown"
ENDING_KINDS = frozenset({"1006", "close", "server_shutdown"})


class Disturbance:
    """Orders for trouble, carried out.

    Args:
        faults: the bookkeeping.
        connections: those open now.
        market: what halts and empties sides; None where a recording is played.
        now_us: engine time.
    """

    def __init__(
        self,
        faults: FaultBox,
        connections: Callable[[], Iterable[Connection]],
        market: Market | None,
        now_us: Callable[[], int],
    ) -> None:
        self._faults, self._connections = faults, connections
        self._market, self._now_us = market, now_us
        self._undo: dict[int, Callable[[], None]] = {}

    def order(self, fault: Fault) -> Active:
        """Begin a fault, now or `in_s` later."""
        entry = self._faults.add(fault)
        if fault.kind in ACTION_KINDS and fault.path is None:
            asyncio.get_running_loop().call_later(fault.in_s, self._act, entry)
        return entry

    def clear(self, number: int | None = None) -> int:
        """Take back one fault or all; returns how many."""
        removed = self._faults.clear(number)
        for entry in removed:
            self._end(entry)
        return len(removed)

    def _act(self, entry: Active) -> None:
        if entry.cancelled:
            return
        fault = entry.fault
        entry.hits += 1
        if fault.duration_s is None and fault.kind in ENDING_KINDS:
            entry.left = 0
        match fault.kind:
            case "1006":
                for connection in self._matching(fault):
                    connection.abort("fault 1006")
            case "close":
                for connection in self._matching(fault):
                    connection.end(fault.code, "fault close")
            case "server_shutdown":
                self._shut_down(fault)
            case "halt" | "one_sided":
                self._disturb_market(entry)
            case "slow":
                self._hold(entry, "delay_s", fault.delay_ms / 1000, 0.0)
            case _:
                self._hold(entry, "pings_muted", True, False)
        if fault.duration_s is not None:
            asyncio.get_running_loop().call_later(fault.duration_s, self._end, entry)

    def _end(self, entry: Active) -> None:
        undo = self._undo.pop(entry.number, None)
        if undo is not None:
            entry.left = 0
            undo()

    def _matching(self, fault: Fault) -> list[Connection]:
        wanted = fault.symbol.replace("-", "").lower() + "@" if fault.symbol else ""
        return [
            each
            for each in self._connections()
            if fault.connection in (None, each.number)
            and (not wanted or any(name.startswith(wanted) for name in each.subscriptions()))
            and (not fault.stream or any(fault.stream in name for name in each.subscriptions()))
        ]

    def _hold(self, entry: Active, name: str, during: object, afterwards: object) -> None:
        met = self._matching(entry.fault)
        for connection in met:
            setattr(connection, name, during)

        def undo() -> None:
            for connection in met:
                setattr(connection, name, afterwards)

        self._undo[entry.number] = undo

    def _disturb_market(self, entry: Active) -> None:
        market, fault = self._market, entry.fault
        wanted = (fault.symbol or "").replace("-", "").upper()
        names = market.publishers if market is not None else ()
        symbol = next((name for name in names if name.replace("-", "").upper() == wanted), None)
        if market is None or symbol is None:
            entry.hits, entry.left = 0, 0
        elif fault.kind == "halt":
            market.halt(symbol, True)
            self._undo[entry.number] = lambda: market.halt(symbol, False)
        else:
            market.empty(symbol, fault.side)
            self._undo[entry.number] = lambda: market.empty(symbol, None)

    def _shut_down(self, fault: Fault) -> None:
        now_us = self._now_us()
        met = self._matching(fault)
        for connection in met:
            time = now_us if connection.variant.microseconds else now_us // 1000
            notice = encode_json({"e": "serverShutdown", "E": time})
            wrapped = wrap(SHUTDOWN_STREAM, notice) if connection.combined else notice
            connection.queue(frame(wrapped), 1)
            connection.flush()

        def end() -> None:
            for connection in met:
                connection.end(1001, "server shutdown")

        asyncio.get_running_loop().call_later(fault.lead_ms / 1000, end)
