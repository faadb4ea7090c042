"""One open WebSocket, from its first message to its end: subscribes, reads, answers, keeps time.

What its frames say about the market it hands on, it keeps none of it: a connection may have two
sessions for a while, see handover.py. For one thread, except `connect` and `abort`.
"""

import random
from collections.abc import Callable, Mapping, Sequence

import structlog

from workers.collector.common import Common
from workers.collector.connection.control import Control
from workers.collector.connection.intake import Item
from workers.collector.dead_letters import DeadLetters
from workers.exchanges.base import Acknowledged, Mapper, Reply, ShutdownNotice, Stream
from workers.model.errors import WireError
from workers.quality.inspector import Inspector
from workers.transport.websocket import WebSocketConnection

log = structlog.get_logger(__name__)

OLDEST = (0.90, 0.95)
"""A connection is replaced at a random age in this part of the exchange's limit, so that those
opened together do not go together."""

BETWEEN_US = frozenset({Acknowledged, Reply, ShutdownNotice})
"""What a frame may say to the session itself."""

Take = Callable[[Item, float], None]


class SessionEnd(Exception):
    """The session is over though its socket may be open.

    Args:
        cause: a label of `reconnects_total`.
        detail: for people.

    Attributes:
        announced: the session was to be replaced anyway.
    """

    def __init__(self, cause: str, detail: str) -> None:
        super().__init__(detail)
        self.cause, self.detail = cause, detail
        self.announced = False


class Session:
    """A connection to one address and the streams it carries.

    Args:
        websocket: not connected yet.
        common: the collector's parts.
        mapper: reads the frames.
        dead_letters: takes frames that cannot be used.
        inspector: looks at some frames.

    Attributes:
        leaving: why it is to be replaced while it still works (`shutdown`, `age`); None: it is not.
        mapper: another one may take its place between two reads.
        frames: messages read.
        settled_s: when every subscription had been sent and answered; None: not yet.
    """

    def __init__(
        self,
        websocket: WebSocketConnection,
        common: Common,
        mapper: Mapper,
        dead_letters: DeadLetters,
        inspector: Inspector,
    ) -> None:
        exchange, stability = common.exchange, common.stability
        self.websocket, self.mapper = websocket, mapper
        self._exchange, self._connects = exchange, common.connects
        self._dead_letters, self._inspector = dead_letters, inspector
        self._counters, self._clock = common.counters, common.clock
        self._most_errors = stability.errors.max_consecutive
        self._control = Control(websocket, exchange, stability.heartbeat, common.clock)
        self.subscriptions = self._control.subscriptions
        oldest_s = exchange.limits.max_age_s
        self._oldest_s = oldest_s and oldest_s * random.uniform(*OLDEST)
        self._errors_in_a_row = 0
        self._frames_counted = self._bytes_counted = 0
        self.opened_s = common.clock.monotonic_s()
        self.leaving: str | None = None
        self.notice: str | None = None
        self.frames = 0
        self.settled_s: float | None = None

    def begin(self, streams: Sequence[Stream], refused: Mapping[Stream, str]) -> None:
        """Say hello and ask for the streams; `refused` were refused on the connection before."""
        self.opened_s = self._clock.monotonic_s()
        self._control.hello()
        self.subscriptions.remember(dict(refused), self.opened_s)
        self._control.subscribe(streams)
        self._control.send_due()

    @property
    def waiting(self) -> int:
        """Control messages that the budget holds back."""
        return self._control.waiting

    def age_s(self, now_s: float) -> float:
        """Seconds since it was opened."""
        return now_s - self.opened_s

    def subscribe(self, streams: Sequence[Stream]) -> None:
        """Ask for streams, as soon as the budget allows."""
        self._control.subscribe(streams)

    def unsubscribe(self, streams: Sequence[Stream]) -> None:
        """End streams."""
        self._control.unsubscribe(streams)

    def forget(self, streams: Sequence[Stream]) -> None:
        """Nobody wants these any more, refused or not."""
        self.subscriptions.forget(streams)

    def renew(self, streams: Sequence[Stream]) -> None:
        """End streams and ask for them again: where books come on the stream, for a new one."""
        self.unsubscribe(streams)
        self.subscribe(streams)

    def read(self, wait_s: float, take: Take) -> int:
        """Read once, waiting at most `wait_s`; the messages read.

        Raises:
            SessionEnd: it is of no more use.
            Disconnected: the connection ended.
        """
        self._control.send_due()
        websocket = self.websocket
        frames = websocket.receive(wait_s)
        if not frames:
            return 0
        now_s = self._clock.monotonic_s()
        self.frames += len(frames)
        map_frame, inspector = self.mapper.map, self._inspector
        inspector.wanted = None
        # A nanosecond apart: an event without a time of the exchange's is known by this one.
        for frame_ns, frame in enumerate(frames, websocket.received_ns):
            try:
                for item in map_frame(frame, frame_ns):
                    if type(item) in BETWEEN_US:
                        self._hear(item, now_s)  # type: ignore[arg-type]
                    else:
                        take(item, now_s)  # type: ignore[arg-type]
                if inspector.wanted is not None:
                    inspector.frame(frame, frame_ns)
                self._errors_in_a_row = 0
            except WireError as error:
                inspector.unusable(error)
                self._dead_letters.take(error, frame_ns, now_s)
                self._errors_in_a_row += 1
        if self._errors_in_a_row >= self._most_errors:
            count, self._errors_in_a_row = self._errors_in_a_row, 0
            raise SessionEnd("errors", f"{count} unusable frames in a row")
        return len(frames)

    def tick(self, now_s: float) -> None:
        """What is due now and then.

        Raises:
            SessionEnd: nothing was heard for too long.
        """
        silence_s = now_s - self.websocket.last_received_s
        if not self._control.alive(silence_s):
            raise SessionEnd("silent", f"nothing received for {silence_s:.1f} s")
        if self.leaving is None and self._oldest_s and self.age_s(now_s) > self._oldest_s:
            self.leaving, self.notice = "age", f"replaced at the age of {self._oldest_s:.0f} s"
        self._control.queue(self.subscriptions.tick(now_s))
        self._inspector.unknown(self.mapper.extra_fields, now_s)
        if self.settled_s is None and not self.waiting and self.subscriptions.settled:
            self.settled_s = now_s
        self.count()

    def count(self) -> None:
        """Bring the counters up to date."""
        name, received = self._exchange.name, self.websocket.bytes_received
        add = self._counters.add
        add("frames_received_total", name, by=self.frames - self._frames_counted)
        add("bytes_received_total", name, by=received - self._bytes_counted)
        self._frames_counted, self._bytes_counted = self.frames, received

    def close(self) -> None:
        """Say goodbye and end; a second at most."""
        self.websocket.close()
        self.count()
        if self.websocket.messages_discarded:
            discarded = self.websocket.messages_discarded
            self._counters.add("frames_discarded_total", self._exchange.name, by=discarded)

    def _hear(self, item: Acknowledged | Reply | ShutdownNotice, now_s: float) -> None:
        if isinstance(item, Reply):
            self._counters.add("replies_sent_total", self._exchange.name)
            self._control.reply(item.message)
            return
        if isinstance(item, ShutdownNotice):
            if self.leaving != "shutdown":
                log.warning("exchange says goodbye", exchange=self._exchange.name, why=item.detail)
            self.leaving, self.notice = "shutdown", item.detail
            return
        if item.retry_after_s is not None:
            self._connects.pause(item.retry_after_s, str(item.error))
            raise SessionEnd("limited", str(item.error))
        self._control.queue(self.subscriptions.answered(item, now_s))
        if item.error is not None:
            log.error("subscription refused", exchange=self._exchange.name, error=item.error)
