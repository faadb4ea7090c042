"""Frames nobody could use: counted by kind, kept as dead letters, logged without flooding."""

import hashlib
import time

import msgspec
import structlog

from config.queues import DEAD_LETTERS
from workers.bus.publisher import Outgoing
from workers.collector.outbox import Outbox
from workers.model.errors import WireError
from workers.telemetry.metrics import Counters

log = structlog.get_logger(__name__)

LOG_EVERY_S = 10.0
SHOWN_BYTES = 200


class DeadLetters:
    """Takes the frames of one connection that could not become events."""

    def __init__(self, exchange: str, outbox: Outbox, counters: Counters) -> None:
        self._exchange = exchange
        self._outbox = outbox
        self._counters = counters
        self._logged_s: dict[str, float] = {}
        self._unlogged: dict[str, int] = {}

    def take(self, error: WireError, received_ns: int, now_s: float) -> None:
        """Count, keep and, at most every 10 s for a kind, log one frame."""
        self._counters.add("wire_errors_total", self._exchange, error.kind)
        self._outbox.put_raw(self._letter(error, received_ns))
        if now_s - self._logged_s.get(error.kind, float("-inf")) < LOG_EVERY_S:
            self._unlogged[error.kind] = self._unlogged.get(error.kind, 0) + 1
            return
        self._logged_s[error.kind] = now_s
        log.warning(
            "unusable frame",
            exchange=self._exchange,
            kind=error.kind,
            detail=error.detail,
            frame=error.frame[:SHOWN_BYTES].decode("utf-8", "replace"),
            not_logged_before=self._unlogged.pop(error.kind, 0),
        )

    def _letter(self, error: WireError, received_ns: int) -> Outgoing:
        body = {
            "exchange": self._exchange,
            "kind": error.kind,
            "detail": error.detail,
            "frame": error.frame.decode("utf-8", "backslashreplace"),
            "truncated": error.truncated,
            "received_ns": received_ns,
            "published_ns": time.time_ns(),
        }
        digest = hashlib.blake2b(error.frame, digest_size=8).hexdigest()
        return Outgoing(
            subject=f"{DEAD_LETTERS}.{self._exchange}.{error.kind}",
            payload=msgspec.json.encode(body),
            message_id=f"{DEAD_LETTERS}:{self._exchange}:{received_ns}:{digest}",
            type=DEAD_LETTERS,
        )
