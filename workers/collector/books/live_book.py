"""One symbol's book with what its connection keeps beside it."""

from collections.abc import Mapping
from typing import Any

from workers.book.sync import BookSync
from workers.collector.books.chain import DeltaChain
from workers.collector.books.resync import ResyncPolicy
from workers.model.instrument import Instrument


class LiveBook:
    """Plain state, touched by the connection's thread alone.

    Attributes:
        epoch: changes with every snapshot asked for, so that an answer to an older one is known.
        dropped: forgotten because nobody updates it; the next update builds it again.
        halted: why it is not kept at all, the exchange's word for the instrument; None: it is.
        joined_id: where it stood when another session took over; what that repeats is passed over
            until its first update beyond.
        waits_s: when the snapshot that is waited for was asked for; None: none is.
        vain: snapshots asked for since the last one came.
        shallow: built from fewer levels than are wanted.
        widen_s: no sooner are more levels asked for.
    """

    __slots__ = (
        "chain",
        "dirty",
        "dropped",
        "due_s",
        "epoch",
        "exchange_ns",
        "halted",
        "instrument",
        "joined_id",
        "last_s",
        "policy",
        "received_ns",
        "shallow",
        "sync",
        "updates",
        "vain",
        "waits_s",
        "widen_s",
    )

    def __init__(self, instrument: Instrument, sync: BookSync, policy: ResyncPolicy) -> None:
        self.instrument, self.sync, self.policy = instrument, sync, policy
        self.chain = DeltaChain()
        self.dirty = False
        self.dropped = False
        self.due_s = 0.0
        self.epoch = 0
        self.exchange_ns: int | None = None
        self.halted: str | None = None
        self.joined_id: int | None = None
        self.received_ns = 0
        self.last_s = 0.0
        self.updates = 0
        self.vain = 0
        self.waits_s: float | None = None
        self.shallow = False
        self.widen_s = 0.0

    def facts(self, now_s: float) -> dict[str, Any]:
        """Plain data for reports."""
        sync, book = self.sync, self.sync.book
        return {
            "symbol": self.instrument.symbol,
            "state": sync.state,
            "phase": sync.phase.name,
            "halted": self.halted,
            "last_update_id": sync.last_id,
            "bid_count": book.bid_count,
            "ask_count": book.ask_count,
            "verified_depth": book.verified_depth,
            "best_bid": book.best_bid,
            "best_ask": book.best_ask,
            "updates": self.updates,
            "applied": sync.applied,
            "ignored": sync.ignored,
            "gaps": sync.gaps,
            "resyncs": sync.resyncs,
            "age_s": round(now_s - self.last_s, 3) if self.updates else None,
        }


def identity(instrument: Instrument) -> Mapping[str, Any]:
    """The fields that say whose event it is."""
    return {
        "exchange": instrument.exchange,
        "market_type": instrument.market_type,
        "symbol": instrument.symbol,
        "raw_symbol": instrument.raw_symbol,
    }
