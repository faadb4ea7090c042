"""What JetStream answers to a publish, and what becomes of a message it did not take. Pure."""

import json
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

from workers.bus.outgoing import Outgoing
from workers.bus.segment import Segment
from workers.transport.reconnect import Backoff

NO_RESPONDERS = "503"
STREAM_FULL = 10077
"""JSStreamStoreFailedF: "maximum bytes exceeded" and its kin, under `discard: new`."""

ATTEMPTS = 8
"""Refusals of one message, while JetStream takes others, after which it is given up: about 13 s."""
FIRST_RETRY_S, LAST_RETRY_S = 0.1, 5.0
DOWN_AFTER = 50
"""Refusals in a row after which JetStream as a whole counts as down."""
PROBES = 8
"""Messages sent at once while it is down."""


@dataclass(frozen=True)
class Refusal:
    """JetStream did not take a message.

    Args:
        reason: label of events_dropped_total if it comes to that.
        text: JetStream's own words.
        temporary: the same message may be taken later.
    """

    reason: str
    text: str
    temporary: bool


def read_refusal(data: bytes, headers: Mapping[str, str] | None) -> Refusal | None:
    """The refusal in a reply to a publish; None if the message is stored.

    {"stream":"TRADES","seq":12} or {"stream":"TRADES","seq":12,"duplicate":true} when stored,
    {"error":{"code":503,"err_code":10077,"description":"maximum bytes exceeded"},"seq":0}, and an
    empty reply with status 503 where no stream has the subject. Source: nats.go api, ADR-1.
    """
    if b'"seq"' in data and b'"error"' not in data:
        return None
    status = (headers or {}).get("Status")
    if status is not None:
        reason = "no_stream" if status == NO_RESPONDERS else "refused"
        return Refusal(reason, f"status {status}: no stream has this subject", temporary=True)
    try:
        error = json.loads(data)["error"]
        code, err_code = int(error["code"]), int(error.get("err_code", 0))
        text = f"{error.get('description')} ({err_code})"
    except (ValueError, KeyError, TypeError):
        return Refusal("refused", f"not a JetStream reply: {data[:80]!r}", temporary=True)
    reason = "stream_full" if err_code == STREAM_FULL else "refused"
    return Refusal(reason, text, temporary=code >= 500)


class Flight:
    """A message on its way.

    Attributes:
        segment: the file of the spool it came from; None: it is in memory alone.
        refused: refusals while JetStream took other messages.
        sent_s: when it was last sent.
        due_s: when a parked one is sent again.
    """

    __slots__ = ("due_s", "message", "refused", "segment", "sent_s", "taken_before")

    def __init__(self, message: Outgoing, segment: Segment | None = None) -> None:
        self.message, self.segment = message, segment
        self.refused = self.taken_before = 0
        self.sent_s = self.due_s = 0.0


class Parking:
    """Messages refused for a time, and whether JetStream as a whole refuses.

    One stream in trouble must not hold up the others: its messages wait here, outside the window,
    and are given up after ATTEMPTS. When everything is refused nothing is given up; sending stops
    but for a few probes.

    Args:
        limit: parked messages; beyond it the oldest is given up.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.parked: deque[Flight] = deque()
        self._taken = 0
        self._in_row = 0
        self._pause_until_s = 0.0
        self._backoff = Backoff(FIRST_RETRY_S, LAST_RETRY_S)

    @property
    def down(self) -> bool:
        """JetStream takes nothing at all."""
        return self._in_row >= DOWN_AFTER

    def taken(self) -> None:
        """JetStream stored a message."""
        self._taken += 1
        if self._in_row:
            self._in_row = 0
            self._backoff.reset()

    def refused(self, flight: Flight, now_s: float) -> list[Flight]:
        """Park a refused message. Returns those to give up."""
        self._in_row += 1
        if self._taken > flight.taken_before:
            flight.taken_before, flight.refused = self._taken, flight.refused + 1
        if flight.refused > ATTEMPTS:
            return [flight]
        flight.due_s = now_s + min(LAST_RETRY_S, FIRST_RETRY_S * 2**flight.refused)
        self.parked.append(flight)
        if not self.down and len(self.parked) > self.limit:
            return [self.parked.popleft()]
        return []

    def probe(self, now_s: float) -> bool:
        """Whether it is time to try again; a yes begins the next, longer pause."""
        if now_s < self._pause_until_s:
            return False
        self._pause_until_s = now_s + self._backoff.next_s()
        return True

    def take_all(self) -> list[Flight]:
        """Take out everything, in order."""
        flights = list(self.parked)
        self.parked.clear()
        return flights

    def due(self, now_s: float) -> list[Flight]:
        """Take out what is to be sent again; nothing while JetStream is down, see `probe`."""
        if self.down:
            return []
        flights = self.take_all()
        self.parked.extend(each for each in flights if each.due_s > now_s)
        return [each for each in flights if each.due_s <= now_s]
