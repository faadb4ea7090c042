"""Faults that act on connections, doors and the market, not on single events."""

import asyncio
import time
from collections.abc import Callable

from workers.simulator.doors import LOOK_S, Doors
from workers.simulator.faults import ACTION_KINDS, MARKET_KINDS, Active, Fault, FaultBox
from workers.simulator.line import Line
from workers.simulator.live import Market

ENDING_KINDS = frozenset({"1006", "close", "server_shutdown", "reset_sequence"})
REFUSED_STATUS = 503
OVER_LIMIT = frozenset({418, 429})
"""Refused connections that are told when to come back."""


class Disturbance:
    """Orders for trouble, carried out.

    Args:
        faults: the bookkeeping.
        doors: the connections, and who may come.
        market: what is halted, delisted and emptied; None where a recording is played.
        now_us: engine time.
    """

    def __init__(
        self, faults: FaultBox, doors: Doors, market: Market | None, now_us: Callable[[], int]
    ) -> None:
        self._faults, self._doors = faults, doors
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
                for line in self._matching(fault):
                    line.abort("fault 1006")
            case "close":
                for line in self._matching(fault):
                    line.end(fault.code, "fault close")
            case "server_shutdown":
                self._shut_down(fault)
            case "freeze":
                self._hold(entry, "frozen", True, False)
            case "slow":
                self._hold(entry, "delay_s", fault.delay_ms / 1000, 0.0)
            case "mute_pings":
                self._hold(entry, "pings_muted", True, False)
            case "refuse":
                self._refuse(entry)
            case "age_cut":
                self._cut_by_age(entry)
            case kind if kind in MARKET_KINDS:
                self._disturb_market(entry)
        if fault.duration_s is not None:
            asyncio.get_running_loop().call_later(fault.duration_s, self._end, entry)

    def _end(self, entry: Active) -> None:
        undo = self._undo.pop(entry.number, None)
        if undo is not None:
            entry.left = 0
            undo()

    def _matching(self, fault: Fault) -> list[Line]:
        wanted = self._faults.key(fault.symbol) + "@" if fault.symbol else ""
        return [
            each
            for each in list(self._doors.connections.values())
            if fault.connection in (None, each.number)
            and (not wanted or any(name.startswith(wanted) for name in each.subscriptions()))
            and (not fault.stream or any(fault.stream in name for name in each.subscriptions()))
        ]

    def _hold(self, entry: Active, name: str, during: object, afterwards: object) -> None:
        met = self._matching(entry.fault)
        for line in met:
            setattr(line, name, during)

        def undo() -> None:
            for line in met:
                setattr(line, name, afterwards)

        self._undo[entry.number] = undo

    def _refuse(self, entry: Active) -> None:
        status = entry.fault.status
        self._doors.closed_with = REFUSED_STATUS if status == Fault(kind="http").status else status
        over = status in OVER_LIMIT and entry.fault.retry_after_s > 0
        told = {"Retry-After": str(entry.fault.retry_after_s)} if over else {}
        self._doors.closed_headers = told

        def undo() -> None:
            self._doors.closed_with = None

        self._undo[entry.number] = undo

    def _cut_by_age(self, entry: Active) -> None:
        async def watch() -> None:
            while True:
                for line in self._matching(entry.fault):
                    if time.monotonic() - line.opened_s >= entry.fault.age_s:
                        line.end(*line.too_old)
                await asyncio.sleep(LOOK_S)

        task = asyncio.ensure_future(watch())

        def undo() -> None:
            task.cancel()

        self._undo[entry.number] = undo

    def _disturb_market(self, entry: Active) -> None:
        market, fault = self._market, entry.fault
        name = market.find(fault.symbol or "") if market is not None else None
        if market is None or name is None:
            entry.hits, entry.left = 0, 0
            return
        match fault.kind:
            case "halt":
                market.halt(name, True)
                self._undo[entry.number] = lambda: market.halt(name, False)
            case "delist":
                market.delist(name, True)
                self._undo[entry.number] = lambda: market.delist(name, False)
            case "one_sided":
                market.empty(name, fault.side)
                self._undo[entry.number] = lambda: market.empty(name, None)
            case _:
                entry.hits = int(market.reset_sequence(name))

    def _shut_down(self, fault: Fault) -> None:
        met = self._matching(fault)
        if self._market is not None:
            self._market.maintenance(int(fault.lead_ms * 1000))
        for line in met:
            notice = line.shutdown_notice(self._now_us())
            if notice is not None:
                line.say(notice)

        def end() -> None:
            for line in met:
                line.end(1001, "server shutdown")

        asyncio.get_running_loop().call_later(fault.lead_ms / 1000, end)
