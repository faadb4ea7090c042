"""Faults on request: which events and replies they meet, how often, for how long.

Pure bookkeeping; connections and the market are acted on by disturbance.py.
"""

import random
from collections.abc import Callable, Collection, Mapping
from typing import Literal, get_args

import msgspec

from workers.simulator.hub import Sent, Wrap, wrap
from workers.simulator.mutate import SPOILERS, Spoiler

StreamKind = Literal[
    "drop",
    "gap",
    "duplicate",
    "reorder",
    "late",
    "stall",
    "broken_json",
    "unknown_event",
    "missing_field",
    "extra_field",
    "absurd_number",
    "crossed",
    "zero",
    "corrupt",
]
ReplyKind = Literal[
    "429",
    "418",
    "http",
    "maintenance",
    "empty",
    "hang",
    "other_symbol",
    "stale_snapshot",
    "adjacent_snapshot",
]
LineKind = Literal[
    "1006",
    "close",
    "freeze",
    "slow",
    "mute_pings",
    "refuse",
    "age_cut",
    "server_shutdown",
]
MarketKind = Literal["halt", "delist", "one_sided", "reset_sequence"]
Kind = Literal[StreamKind, ReplyKind, LineKind, MarketKind]

STREAM_KINDS: frozenset[str] = frozenset(get_args(StreamKind))
REPLY_KINDS: frozenset[str] = frozenset(get_args(ReplyKind))
MARKET_KINDS: frozenset[str] = frozenset(get_args(MarketKind))
ACTION_KINDS: frozenset[str] = MARKET_KINDS | frozenset(get_args(LineKind))
DEPTH_ONLY = frozenset({"gap", "crossed", "zero", "corrupt"})
SNAPSHOT_KINDS = frozenset({"stale_snapshot", "adjacent_snapshot"})
TIMED_KINDS = frozenset({"stall", "slow", "late", "429", "418", "http", "maintenance", "hang"})
"""Without a count and a duration these go on until they are taken back; others happen once."""

DEPTH_PATH = "/api/v3/depth"
DEPTH_STREAMS = ("@depth", "@books")
DEPTH_PATHS = frozenset(
    {
        DEPTH_PATH,
        "/fapi/v1/depth",
        "/api/v2/public/get_order_book",
        "/api/v5/market/books",
    }
)

SymbolKey = Callable[[str], str]
"""From a symbol, theirs or ours, to what the names of its streams begin with, before the `@`."""


def plain_key(symbol: str) -> str:
    """`BTC-USDT` and `BTCUSDT` -> `btcusdt`."""
    return symbol.replace("-", "").lower()


class Fault(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """One order for trouble.

    Args:
        kind: what happens.
        symbol: only this symbol, by the exchange's name or by ours.
        stream: only streams whose name contains this, `@trade`, `btcusdt@depth`.
        path: only REST paths that end so; makes `slow` and the spoilers act on replies.
        connection: only this connection's number.
        count: how many events; default 1, for `stall` and timed faults without end.
        duration_s: how long; default without end.
        probability: share of the matching events that are met.
        after: matching events let through first.
        in_s: start this much later.
        seed: of the probability.
        delay_ms: of `slow` and `late`.
        side: of `one_sided`: the side that is emptied.
        status, body, retry_after_s: of `http`, `refuse`, `429`, `418`; 0: not told to a `refuse`.
        field, value: of the spoilers.
        code: of `close`.
        age_s: of `age_cut`.
        lead_ms: from the notice of `server_shutdown` to the end of the connections.
        updates: how many update ids a `stale_snapshot` is old.
    """

    kind: Kind
    symbol: str | None = None
    stream: str | None = None
    path: str | None = None
    connection: int | None = None
    count: int | None = None
    duration_s: float | None = None
    probability: float = 1.0
    after: int = 0
    in_s: float = 0.0
    seed: int = 0
    delay_ms: float = 500.0
    status: int = 500
    body: str = ""
    retry_after_s: int = 5
    side: Literal["bids", "asks"] = "bids"
    field: str | None = None
    value: str | float | None = None
    code: int = 1001
    age_s: float = 5.0
    lead_ms: float = 1000.0
    updates: int = 2000

    @property
    def on_streams(self) -> bool:
        """Whether it meets single events."""
        return self.path is None and self.kind in STREAM_KINDS

    @property
    def on_replies(self) -> bool:
        """Whether it meets REST replies; else events or connections."""
        return self.path is not None or self.kind in REPLY_KINDS


class Active:
    """A fault at work.

    Args:
        number: names it in `DELETE /sim/faults/<number>`.
        fault: as ordered.
        now_s: monotonic seconds.
        key: of symbols.
    """

    def __init__(self, number: int, fault: Fault, now_s: float, key: SymbolKey = plain_key) -> None:
        self.number, self.fault = number, fault
        self.seen = self.hits = 0
        self.begins_s = now_s + fault.in_s
        self.ends_s = None if fault.duration_s is None else self.begins_s + fault.duration_s
        endless = fault.kind in TIMED_KINDS or fault.duration_s is not None
        self.left = fault.count if fault.count is not None else None if endless else 1
        self.cancelled = False
        self._random = random.Random(fault.seed)
        self._key = key
        self._symbol = key(fault.symbol) if fault.symbol else None

    def done(self, now_s: float) -> bool:
        """Whether it will meet nothing more."""
        over = self.ends_s is not None and now_s >= self.ends_s
        return self.cancelled or self.left == 0 or over

    def meets_stream(self, stream: str, now_s: float) -> bool:
        """Whether it meets this event; counts it."""
        fault = self.fault
        if not fault.on_streams:
            return False
        if self._symbol is not None and not stream.startswith(f"{self._symbol}@"):
            return False
        if fault.kind in DEPTH_ONLY and not any(name in stream for name in DEPTH_STREAMS):
            return False
        return (fault.stream is None or fault.stream in stream) and self._draw(now_s)

    def meets_reply(self, path: str, symbol: str, now_s: float) -> bool:
        """Whether it meets this reply; counts it."""
        fault = self.fault
        if not fault.on_replies:
            return False
        if self._symbol is not None and self._key(symbol) != self._symbol:
            return False
        if fault.kind in SNAPSHOT_KINDS:
            return path in DEPTH_PATHS and self._draw(now_s)
        return (fault.path is None or path.endswith(fault.path)) and self._draw(now_s)

    def _draw(self, now_s: float) -> bool:
        if self.done(now_s) or now_s < self.begins_s:
            return False
        self.seen += 1
        if self.seen <= self.fault.after or self._random.random() >= self.fault.probability:
            return False
        self.hits += 1
        if self.left is not None:
            self.left -= 1
        return True

    def report(self, now_s: float) -> dict[str, object]:
        """As `GET /sim/faults` shows it."""
        return {
            "id": self.number,
            "fault": self.fault,
            "seen": self.seen,
            "hits": self.hits,
            "left": self.left,
            "done": self.done(now_s),
        }


class FaultBox:
    """All faults ordered since the start or the last DELETE. The hub's rewriter.

    Attributes:
        active: False while no event can be met, so that the hub need not ask.
        key: of symbols, as the dialect's streams are named.
    """

    def __init__(
        self,
        clock: Callable[[], float],
        wrap: Wrap = wrap,
        spoilers: Mapping[str, Spoiler] = SPOILERS,
        key: SymbolKey = plain_key,
    ) -> None:
        self.active = False
        self.key = key
        self._clock, self._wrap, self._spoilers = clock, wrap, spoilers
        self._all: dict[int, Active] = {}
        self._numbers = 0
        self._held: dict[tuple[str, int], bytes] = {}
        self._met: Active | None = None

    def add(self, fault: Fault) -> Active:
        """Order a fault."""
        self._numbers += 1
        entry = Active(self._numbers, fault, self._clock(), self.key)
        self._all[entry.number] = entry
        self.active = self.active or fault.on_streams
        return entry

    def clear(self, number: int | None = None) -> list[Active]:
        """Take back one fault or all. Held events are lost."""
        numbers = list(self._all) if number is None else [number]
        removed = [self._all.pop(each) for each in numbers if each in self._all]
        for entry in removed:
            entry.cancelled = True
        self._held.clear()
        self.active = any(each.fault.on_streams for each in self._all.values())
        return removed

    def report(self) -> list[dict[str, object]]:
        """All of them, done or not."""
        now_s = self._clock()
        return [each.report(now_s) for each in self._all.values()]

    def begin(self, stream: str, listeners: Collection[int]) -> None:
        """A new event: decide once, for all its listeners."""
        now_s = self._clock()
        aimed = (
            each
            for each in self._all.values()
            if each.fault.connection is None or each.fault.connection in listeners
        )
        self._met = next((each for each in aimed if each.meets_stream(stream, now_s)), None)
        if self._met is None and not self._held:
            pending = (each for each in self._all.values() if each.fault.on_streams)
            self.active = any(not each.done(now_s) for each in pending)

    def rewrite(self, stream: str, receiver: int, payload: bytes, combined: bool) -> list[Sent]:
        """Messages to send a listener in place of the event begun last."""
        fault = self._met.fault if self._met else None
        if fault is not None and fault.connection not in (None, receiver):
            fault = None
        late = self._held.pop((stream, receiver), None)
        delay_s = fault.delay_ms / 1000 if fault and fault.kind == "late" else 0.0
        messages = self._messages(fault, stream, receiver, payload, combined)
        if late is not None:
            messages.append(late)
        return [Sent(message, delay_s) for message in messages]

    def met_by_reply(self, path: str, symbol: str) -> list[Active]:
        """Faults that meet a reply, in the order they were ordered."""
        now_s = self._clock()
        entries = list(self._all.values())
        return [each for each in entries if each.meets_reply(path, symbol, now_s)]

    def _messages(
        self, fault: Fault | None, stream: str, receiver: int, payload: bytes, combined: bool
    ) -> list[bytes]:
        if fault is None:
            return [self._wrap(stream, payload) if combined else payload]
        if fault.kind in SPOILERS:
            if fault.kind == "broken_json":
                whole = self._wrap(stream, payload) if combined else payload
                return [self._spoilers["broken_json"](whole, None, None)]
            payload = self._spoilers[fault.kind](payload, fault.field, fault.value)
        message = self._wrap(stream, payload) if combined else payload
        match fault.kind:
            case "drop" | "gap" | "stall":
                return []
            case "duplicate":
                return [message, message]
            case "reorder":
                self._held[stream, receiver] = message
                return []
            case _:
                return [message]
