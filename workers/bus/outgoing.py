"""What waits to be published: bounded in bytes, shed by a named policy, filled by any thread."""

import threading
from collections import Counter, deque
from collections.abc import Sequence
from typing import NamedTuple

from workers.telemetry.metrics import Counters


class Outgoing(NamedTuple):
    """One message to be published.

    Args:
        subject: `trade-data.binance_spot.BTC-USDT`.
        payload: UTF-8 JSON, one object.
        message_id: its identity; JetStream stores one id once within its duplicate window.
        type: `trade`, `orderbook`, ...: decides when it is shed.
    """

    subject: str
    payload: bytes
    message_id: str
    type: str


SHED_ORDER = (
    ("orderbook", "quality"),
    ("ticker", "book-ticker", "kline"),
    ("orderbook-delta",),
    ("trade", "aggregate-trade"),
    ("gap", "dead-letter", "book-audit"),
)
"""The overflow policy `least-loss`: the first row is shed first, within a row the oldest message.

A snapshot is outdated by the next one and a ticker by the next ticker; deltas and trades cannot be
made again, and of those trades last because books can be rebuilt. What tells of losses is kept
longest. Types not named here count as trades.
"""

_RANKS = {name: rank for rank, names in enumerate(SHED_ORDER) for name in names}
_OTHER = _RANKS["trade"]


def rank_of(event_type: str) -> int:
    """Place in SHED_ORDER; the higher, the longer it is kept."""
    return _RANKS.get(event_type, _OTHER)


OVERHEAD_BYTES = 350
"""Python objects around one message besides its payload, measured with sys.getsizeof."""


def size_of(message: Outgoing) -> int:
    """Bytes a waiting message costs."""
    return len(message.payload) + OVERHEAD_BYTES


class OutgoingQueue:
    """First in, first out over all types, until it is full.

    Args:
        limit_bytes: of all waiting messages; at the limit SHED_ORDER decides what goes.
        counters: gets `events_dropped_total{type,queue_full}`.
    """

    def __init__(self, limit_bytes: int, counters: Counters) -> None:
        self.limit_bytes = limit_bytes
        self.waiting_bytes = 0
        self._counters = counters
        self._lock = threading.Lock()
        self._ranks: tuple[deque[tuple[int, Outgoing]], ...] = tuple(deque() for _ in SHED_ORDER)
        self._next = 0
        self._lost: Counter[tuple[str, str]] = Counter()

    def __len__(self) -> int:
        return sum(len(rank) for rank in self._ranks)

    def put(self, batch: Sequence[Outgoing]) -> None:
        """Append; never blocks for longer than another thread's `put` or `take`."""
        with self._lock:
            for message in batch:
                self._ranks[rank_of(message.type)].append((self._next, message))
                self._next += 1
                self.waiting_bytes += len(message.payload) + OVERHEAD_BYTES
            while self.waiting_bytes > self.limit_bytes:
                self._shed()

    def _shed(self) -> None:
        rank = next(rank for rank in self._ranks if rank)
        _, message = rank.popleft()
        self.waiting_bytes -= size_of(message)
        self._counters.add("events_dropped_total", message.type, "queue_full")
        self._lost[message.type, message.subject] += 1

    def take(self, limit: int) -> list[Outgoing]:
        """The oldest messages, at most `limit`, in the order they were put."""
        taken: list[Outgoing] = []
        with self._lock:
            while len(taken) < limit:
                heads = sorted(
                    (rank[0][0], index) for index, rank in enumerate(self._ranks) if rank
                )
                if not heads:
                    break
                rank = self._ranks[heads[0][1]]
                until = heads[1][0] if len(heads) > 1 else self._next
                while rank and rank[0][0] < until and len(taken) < limit:
                    message = rank.popleft()[1]
                    self.waiting_bytes -= len(message.payload) + OVERHEAD_BYTES
                    taken.append(message)
        return taken

    def note_loss(self, message: Outgoing) -> bool:
        """Add a message given up elsewhere to what `losses` reports; True for its first."""
        key = message.type, message.subject
        with self._lock:
            self._lost[key] += 1
            return self._lost[key] == 1

    def losses(self) -> dict[tuple[str, str], int]:
        """Messages lost since the last call, by (type, subject)."""
        with self._lock:
            lost, self._lost = self._lost, Counter()
        return dict(lost)
