"""Faults that act on OKX's connections and markets, not on single pushes."""

import asyncio
from collections.abc import Callable, Iterable

from workers.simulator.faults import ACTION_KINDS, Active, Fault, FaultBox
from workers.simulator.okx.connection import Connection
from workers.simulator.okx.listing import stream_key
from workers.simulator.okx.market import OkxMarket
from workers.simulator.okx.payloads import Row, encode_json, stamp

LASTING = frozenset({"slow", "halt", "mute_pings"})


class Disturbance:
    """Orders for trouble, carried out.

    Args:
        faults: the bookkeeping.
        connections: those open now.
        market: what is halted.
    """

    def __init__(
        self,
        faults: FaultBox,
        connections: Callable[[], Iterable[Connection]],
        market: OkxMarket,
    ) -> None:
        self._faults, self._connections, self._market = faults, connections, market
        self._undo: dict[int, Callable[[], object]] = {}

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
        if fault.duration_s is None and fault.kind not in LASTING:
            entry.left = 0
        met = self._matching(fault)
        match fault.kind:
            case "1006":
                for connection in met:
                    connection.abort("fault 1006")
            case "close":
                for connection in met:
                    connection.end(fault.code, "fault close")
            case "server_shutdown":
                self._shut_down(fault, met)
            case "halt":
                self._halt(entry)
            case "slow":
                self._hold(entry, met, "delay_s", fault.delay_ms / 1000, 0.0)
            case "mute_pings":
                self._hold(entry, met, "pings_muted", True, False)
            case _:
                # Of another dialect: nothing happened, and the report says so.
                entry.hits = entry.left = 0
        if fault.duration_s is not None:
            asyncio.get_running_loop().call_later(fault.duration_s, self._end, entry)

    def _end(self, entry: Active) -> None:
        undo = self._undo.pop(entry.number, None)
        if undo is not None:
            entry.left = 0
            undo()

    def _matching(self, fault: Fault) -> list[Connection]:
        wanted = stream_key(fault.symbol) + "@" if fault.symbol else ""
        return [
            each
            for each in self._connections()
            if fault.connection in (None, each.number)
            and (not wanted or any(name.startswith(wanted) for name in each.subscriptions()))
            and (not fault.stream or any(fault.stream in name for name in each.subscriptions()))
        ]

    def _hold(
        self,
        entry: Active,
        met: list[Connection],
        name: str,
        during: object,
        afterwards: object,
    ) -> None:
        for connection in met:
            setattr(connection, name, during)

        def undo() -> None:
            for connection in met:
                setattr(connection, name, afterwards)

        self._undo[entry.number] = undo

    def _halt(self, entry: Active) -> None:
        symbol = entry.fault.symbol or ""
        if self._market.halt(symbol, True):
            self._undo[entry.number] = lambda: self._market.halt(symbol, False)
        else:
            entry.hits = entry.left = 0

    def _shut_down(self, fault: Fault, met: list[Connection]) -> None:
        """Notice 64008 to each connection, a row of `status`, and the end `lead_ms` later."""
        self._market.announce(self._maintenance(fault))
        for connection in met:
            notice = {
                "event": "notice",
                "code": "64008",
                "msg": "The connection will soon be closed for a service upgrade. "
                "Please reconnect.",
                "connId": connection.connection_id,
            }
            connection.say(encode_json(notice))

        def end() -> None:
            for connection in met:
                connection.end(1001, "service upgrade")

        asyncio.get_running_loop().call_later(fault.lead_ms / 1000, end)

    def _maintenance(self, fault: Fault) -> Row:
        now_us = self._market.now_us()
        begin_us = now_us + int(fault.lead_ms * 1000)
        return {
            "title": "WebSocket system upgrade",
            "state": "scheduled",
            "begin": stamp(begin_us),
            "end": stamp(begin_us + 60_000_000),
            "href": "",
            "preOpenBegin": "",
            "scheDesc": "",
            "serviceType": "0",
            "system": "unified",
            "maintType": "1",
            "env": "1",
            "ts": stamp(now_us),
        }
