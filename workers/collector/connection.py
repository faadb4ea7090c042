"""One WebSocket connection: a thread that reads frames, keeps its books, and connects again.

Everything a connection owns (books, watches, ids) is touched by its own thread alone. Commands come
as callables through a mailbox that is emptied between two reads.
"""

import queue
import threading
from collections import Counter, deque
from collections.abc import Callable, Sequence
from typing import Any

import structlog

from config.settings import StabilitySettings
from workers.collector.books import LiveBooks
from workers.collector.dead_letters import DeadLetters
from workers.collector.intake import Intake
from workers.collector.outbox import Outbox
from workers.collector.watch import StreamWatch
from workers.exchanges.base import Exchange, Mapper, ShutdownNotice, Stream
from workers.model.clock import Clock
from workers.model.errors import TransportError, WireError
from workers.telemetry.metrics import Counters
from workers.transport.budget import SlidingWindow
from workers.transport.reconnect import Backoff
from workers.transport.websocket import WebSocketConnection

log = structlog.get_logger(__name__)

TICK_S = 0.25
LONGEST_WAIT_S = 0.05
"""A read waits at most this long, so that mail and due snapshots do not wait longer."""
QUIET_BOOK_S = 3.0
"""A book whose stream sent no update this long after subscribing is built all the same."""
STEADY_AFTER_S = 60.0
"""A connection that held this long starts again from the first delay when it is lost."""


class _EndSession(Exception):
    """This connection is to be replaced; `cause` is a label of `reconnects_total`."""

    def __init__(self, cause: str, *, at_once: bool = False) -> None:
        super().__init__(cause)
        self.cause, self.at_once = cause, at_once


class Connection(threading.Thread):
    """Keeps some streams of one exchange flowing until `stop`.

    Attributes:
        state: connecting, connected, waiting (before the next attempt) or stopped.
        crashed: what ended the thread unexpectedly; the service ends with it.
        report: status as of the last tick, plain data for other threads.
    """

    def __init__(
        self,
        index: int,
        url: str,
        exchange: Exchange,
        streams: Sequence[Stream],
        mapper: Mapper,
        books: Callable[["Connection"], LiveBooks],
        outbox: Outbox,
        stability: StabilitySettings,
        connects: SlidingWindow,
        counters: Counters,
        clock: Clock,
    ) -> None:
        super().__init__(name=f"{exchange.name}.{index}", daemon=True)
        self.index, self.streams = index, list(streams)
        self._url, self._exchange, self._mapper = url, exchange, mapper
        self._outbox, self._counters, self._clock = outbox, counters, clock
        self._stability, self._connects = stability, connects
        self._mailbox: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._stopping = threading.Event()
        self._websocket: WebSocketConnection | None = None
        self._requests: deque[bytes] = deque()
        self._control = self._control_window()
        self._request_id = 1
        self._errors_in_a_row = 0
        self._extra_counted: Counter[str] = Counter()
        self._frames = 0
        self._opened_s = clock.monotonic_s()
        self._books = books(self)
        watches = {
            (each.channel, each.symbol): StreamWatch(each, self._opened_s) for each in streams
        }
        self._intake = Intake(exchange.name, self._books, watches, outbox, counters, clock)
        self._dead_letters = DeadLetters(exchange.name, outbox, counters)
        self.state = "connecting"
        self.attempts = 0
        self.last_error: str | None = None
        self.crashed: BaseException | None = None
        self.report: dict[str, Any] = {"index": index, "state": self.state, "books": {}}

    def post(self, letter: Callable[[], None]) -> None:
        """Have something run on this connection's thread, between two frames."""
        self._mailbox.put(letter)

    def stop(self) -> None:
        """End soon, from any thread; what was read is still handed over."""
        self._stopping.set()
        if websocket := self._websocket:
            websocket.abort()

    @property
    def books(self) -> LiveBooks:
        """The books; only for letters running on this thread."""
        return self._books

    def run(self) -> None:
        """Connect, read, and connect again, until stopped."""
        try:
            self._live()
        except Exception as error:  # any bug must end the process, not one symbol in silence
            log.exception("connection crashed", exchange=self._exchange.name, index=self.index)
            self.crashed = error
        finally:
            self.state = "stopped"
            self._outbox.flush()
            self._tell()

    def _live(self) -> None:
        rule = self._stability.reconnect
        backoff = Backoff(rule.first_delay, rule.max_delay)
        while not self._stopping.is_set():
            cause, at_once = self._session()
            if self._stopping.is_set():
                return
            self._counters.add("reconnects_total", self._exchange.name, cause)
            if self._clock.monotonic_s() - self._opened_s > STEADY_AFTER_S and self._frames:
                backoff.reset()
                self.attempts = 0
            self.attempts += 1
            delay_s = 0.0 if at_once else backoff.next_s()
            log.warning(
                "connection lost; connecting again",
                exchange=self._exchange.name,
                index=self.index,
                cause=cause,
                error=self.last_error,
                in_s=round(delay_s, 2),
                attempt=self.attempts,
            )
            if rule.max_attempts is not None and self.attempts > rule.max_attempts:
                raise TransportError(
                    f"{self._exchange.name}: {self.attempts} attempts to connect to {self._url} "
                    f"failed, stability.reconnect.max_attempts is {rule.max_attempts}"
                )
            self.state = "waiting"
            self._idle(delay_s)

    def _session(self) -> tuple[str, bool]:
        """One connection from opening to its end: why it ended, and whether to replace it now."""
        self.state, self._frames = "connecting", 0
        self._idle(self._connects.delay_s())
        self._connects.record()
        self._opened_s = self._clock.monotonic_s()
        rule = self._stability.reconnect
        websocket = WebSocketConnection(self._url, connect_timeout_s=rule.connect_timeout)
        self._websocket = websocket
        try:
            websocket.connect()
            self.state = "connected"
            log.info(
                "connected",
                exchange=self._exchange.name,
                index=self.index,
                url=self._url,
                streams=len(self.streams),
            )
            self._subscribe_all()
            self._read(websocket)
        except _EndSession as end:
            return end.cause, end.at_once
        except TransportError as error:
            self.last_error = str(error)
            return ("disconnect" if self.state == "connected" else "connect"), False
        finally:
            self._websocket = None
            websocket.close()
            self._requests.clear()
            self._intake.disconnected()
            self._outbox.flush()
            self._tell()
        return "stop", True

    def _subscribe_all(self) -> None:
        self._control = self._control_window()
        now_s = self._clock.monotonic_s()
        self._books.connected()
        for watch in self._intake.watches.values():
            watch.subscribed(now_s)
        self._ask(self._exchange.subscribe, self.streams)

    def _ask(
        self, make: Callable[[Sequence[Stream], int], list[bytes]], streams: Sequence[Stream]
    ) -> None:
        requests = make(streams, self._request_id)
        self._request_id += len(requests)
        self._requests.extend(requests)

    def _read(self, websocket: WebSocketConnection) -> None:
        next_tick_s = 0.0
        while not self._stopping.is_set():
            if self._requests and self._control.delay_s() <= 0:
                self._control.record()
                websocket.send(self._requests.popleft())
            frames = websocket.receive(self._wait_s())
            if frames:
                self._take(frames, websocket.received_ns)
            now_s = self._clock.monotonic_s()
            self._read_mail()
            self._books.publish_due(now_s)
            if now_s >= next_tick_s:
                next_tick_s = now_s + TICK_S
                self._tick(websocket, now_s)
            self._outbox.flush()

    def _wait_s(self) -> float:
        due_s = self._books.next_due_s()
        if due_s is None:
            return LONGEST_WAIT_S
        return min(LONGEST_WAIT_S, max(0.001, due_s - self._clock.monotonic_s()))

    def _take(self, frames: list[bytes], received_ns: int) -> None:
        now_s = self._clock.monotonic_s()
        self._frames += len(frames)
        take, map_frame = self._intake.take, self._mapper.map
        for frame in frames:
            try:
                for item in map_frame(frame, received_ns):
                    if type(item) is ShutdownNotice:
                        self.last_error = item.detail
                        raise _EndSession("shutdown", at_once=True)
                    take(item, now_s)
                self._errors_in_a_row = 0
            except WireError as error:
                self._dead_letters.take(error, received_ns, now_s)
                self._errors_in_a_row += 1
        if self._errors_in_a_row >= self._stability.errors.max_consecutive:
            count, self._errors_in_a_row = self._errors_in_a_row, 0
            self.last_error = f"{count} unusable frames in a row"
            raise _EndSession("errors")

    def _tick(self, websocket: WebSocketConnection, now_s: float) -> None:
        silence_s = now_s - websocket.last_received_s
        if silence_s > self._stability.heartbeat.timeout:
            self.last_error = f"nothing received for {silence_s:.0f} s"
            raise _EndSession("silent")
        max_age_s = self._exchange.limits.max_age_s
        if max_age_s and now_s - self._opened_s > max_age_s * 0.95:
            self.last_error = f"older than 95 % of {max_age_s:g} s"
            raise _EndSession("age", at_once=True)
        if now_s - self._opened_s > QUIET_BOOK_S and not self._requests:
            self._books.subscribed()
        for watch in self._intake.watches.values():
            if watch.silent(now_s):
                self._ask_again(watch, now_s)
        self._intake.tick(now_s)
        self._count_extra_fields()
        self._tell()

    def _count_extra_fields(self) -> None:
        for field, count in list(self._mapper.extra_fields.items()):
            new = count - self._extra_counted[field]
            if new:
                self._extra_counted[field] = count
                self._counters.add("extra_fields_total", self._exchange.name, field, by=new)

    def _ask_again(self, watch: StreamWatch, now_s: float) -> None:
        stream = watch.stream
        log.warning(
            "stream silent; subscribing again",
            exchange=self._exchange.name,
            channel=stream.channel,
            symbol=stream.symbol,
            silent_s=round(watch.age_s(now_s), 1),
            limit_s=round(watch.limit_s(), 1),
            attempt=watch.attempts + 1,
        )
        self._counters.add("resubscribes_total", self._exchange.name)
        if stream.channel == "orderbook":
            self._books.silent(stream.symbol)
        # The first time the subscription alone: ending one that only is quiet could make a hole.
        if watch.attempts:
            self._ask(self._exchange.unsubscribe, [stream])
        self._ask(self._exchange.subscribe, [stream])
        watch.asked_again(now_s)

    def _control_window(self) -> SlidingWindow:
        limits = self._exchange.limits
        # Pongs count as messages too where the exchange says so: leave two for them.
        return SlidingWindow(
            max(1, limits.control_messages - 2), limits.control_window_s, self._clock
        )

    def _idle(self, seconds: float) -> None:
        """Wait without a connection, still reading mail; ends early on stop."""
        until_s = self._clock.monotonic_s() + seconds
        while not self._stopping.is_set():
            self._read_mail()
            self._outbox.flush()
            self._tell()
            left_s = until_s - self._clock.monotonic_s()
            if left_s <= 0:
                return
            self._stopping.wait(min(left_s, TICK_S))

    def _read_mail(self) -> None:
        while not self._mailbox.empty():
            self._mailbox.get()()

    def _tell(self) -> None:
        now_s = self._clock.monotonic_s()
        self.report = {
            "index": self.index,
            "state": self.state,
            "url": self._url,
            "age_s": round(now_s - self._opened_s, 1),
            "attempts": self.attempts,
            "frames": self._frames,
            "last_error": self.last_error,
            "books": self._books.status(now_s),
            "streams": self._intake.status(now_s),
        }
