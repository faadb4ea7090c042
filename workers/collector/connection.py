"""One WebSocket connection: a thread that reads frames, keeps its books, and connects again.

Everything a connection owns (books, watches, ids) is touched by its own thread alone. Commands come
as callables through a mailbox that is emptied between two reads.
"""

import queue
import random
import threading
from collections import Counter, deque
from collections.abc import Callable, Sequence
from typing import Any

import structlog

from config.settings import StabilitySettings
from workers.collector.books import LiveBooks
from workers.collector.dead_letters import DeadLetters
from workers.collector.heartbeat import Heartbeat, interval_s
from workers.collector.intake import Intake
from workers.collector.outbox import Outbox
from workers.collector.watch import StreamWatch
from workers.exchanges.base import Exchange, Mapper, ShutdownNotice, Stream
from workers.model.clock import Clock
from workers.model.errors import TransportError, WireError
from workers.model.events import AnyEvent
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
AT_ONCE_EVERY_S = 60.0
"""A connection is replaced without delay at most this often: notices must not make a storm."""
VAIN_ATTEMPTS = 2
"""When every stream was asked for again this often in vain, it is the connection that is dead."""
OLDEST = (0.90, 0.95)
"""A connection is replaced at a random age in this part of the exchange's limit, so that those
opened together do not go together."""


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
        self._frames = self._frames_counted = self._bytes_counted = 0
        self._opened_s = clock.monotonic_s()
        self._at_once_s = float("-inf")
        self._heartbeat = self._new_heartbeat()
        self._oldest_s = self._draw_age()
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

    def resume(self, event: AnyEvent) -> None:
        """Go on behind an event of ours published by a process before; only before `start`."""
        if any(stream.symbol == event.symbol for stream in self.streams):
            self._intake.resume(event)

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
            now_s = self._clock.monotonic_s()
            self._counters.add("reconnects_total", self._exchange.name, cause)
            if now_s - self._opened_s > STEADY_AFTER_S and self._frames:
                backoff.reset()
                self.attempts = 0
            self.attempts += 1
            at_once = at_once and now_s - self._at_once_s > AT_ONCE_EVERY_S
            if at_once:
                self._at_once_s = now_s
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
        self.state = "connecting"
        self._frames = self._frames_counted = self._bytes_counted = 0
        while (wait_s := self._connects.take()) and not self._stopping.is_set():
            self._idle(wait_s)
        self._opened_s = self._clock.monotonic_s()
        self._tell()
        rule = self._stability.reconnect
        websocket = WebSocketConnection(self._url, connect_timeout_s=rule.connect_timeout)
        self._websocket = websocket
        try:
            if self._stopping.is_set():  # after the line above `stop` aborts it by itself
                return "stop", True
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
            self._count_frames(websocket)
            self._requests.clear()
            self._intake.disconnected()
            self._outbox.flush()
            self._tell()
        return "stop", True

    def _subscribe_all(self) -> None:
        self._control, self._heartbeat = self._control_window(), self._new_heartbeat()
        self._oldest_s = self._draw_age()
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
        notice: ShutdownNotice | None = None
        # A nanosecond apart: an event without a time of the exchange's is known by this one.
        for frame_ns, frame in enumerate(frames, received_ns):
            try:
                for item in map_frame(frame, frame_ns):
                    if type(item) is ShutdownNotice:
                        notice = item
                    else:
                        take(item, now_s)
                self._errors_in_a_row = 0
            except WireError as error:
                self._dead_letters.take(error, frame_ns, now_s)
                self._errors_in_a_row += 1
        if notice is not None:
            self.last_error = notice.detail
            raise _EndSession("shutdown", at_once=True)
        if self._errors_in_a_row >= self._stability.errors.max_consecutive:
            count, self._errors_in_a_row = self._errors_in_a_row, 0
            self.last_error = f"{count} unusable frames in a row"
            raise _EndSession("errors")

    def _tick(self, websocket: WebSocketConnection, now_s: float) -> None:
        self._count_frames(websocket)
        silence_s = now_s - websocket.last_received_s
        beat = self._heartbeat.look(silence_s)
        if beat == "dead":
            self.last_error = f"nothing received for {silence_s:.1f} s"
            raise _EndSession("silent")
        if beat == "ping":
            self._control.record()
            websocket.ping()
        if self._oldest_s is not None and now_s - self._opened_s > self._oldest_s:
            self.last_error = f"replaced at the age of {self._oldest_s:.0f} s"
            raise _EndSession("age", at_once=True)
        if now_s - self._opened_s > QUIET_BOOK_S and not self._requests:
            self._books.subscribed()
        self._ask_silent_again(now_s)
        self._intake.tick(now_s)
        self._count_extra_fields()
        self._tell()

    def _count_extra_fields(self) -> None:
        for field, count in list(self._mapper.extra_fields.items()):
            new = count - self._extra_counted[field]
            if new:
                self._extra_counted[field] = count
                self._counters.add("extra_fields_total", self._exchange.name, field, by=new)

    def _ask_silent_again(self, now_s: float) -> None:
        watches = self._intake.watches.values()
        silent = [watch for watch in watches if watch.silent(now_s)]
        if not silent:
            return
        if all(watch.attempts >= VAIN_ATTEMPTS for watch in watches):
            self.last_error = f"all {len(self.streams)} streams silent, asked for again in vain"
            raise _EndSession("stale")
        log.warning(
            "streams silent; subscribing again",
            exchange=self._exchange.name,
            streams=[f"{each.stream.channel} {each.stream.symbol}" for each in silent[:10]],
            count=len(silent),
            silent_s=round(max(each.age_s(now_s) for each in silent), 1),
            attempt=max(each.attempts for each in silent) + 1,
        )
        self._counters.add("resubscribes_total", self._exchange.name, by=len(silent))
        # The first time the subscription alone: ending one that only is quiet could make a hole.
        again = [each.stream for each in silent if each.attempts]
        if again:
            self._ask(self._exchange.unsubscribe, again)
        self._ask(self._exchange.subscribe, [each.stream for each in silent])
        for watch in silent:
            watch.asked_again(now_s)
            if watch.stream.channel == "orderbook":
                self._books.silent(watch.stream.symbol)

    def _count_frames(self, websocket: WebSocketConnection) -> None:
        name, received = self._exchange.name, websocket.bytes_received
        self._counters.add("frames_received_total", name, by=self._frames - self._frames_counted)
        self._counters.add("bytes_received_total", name, by=received - self._bytes_counted)
        self._frames_counted, self._bytes_counted = self._frames, received
        if websocket.messages_discarded:  # only once it was closed
            self._counters.add("frames_discarded_total", name, by=websocket.messages_discarded)

    def _new_heartbeat(self) -> Heartbeat:
        rule = self._stability.heartbeat
        return Heartbeat(interval_s(rule, self._exchange.name), rule)

    def _draw_age(self) -> float | None:
        most_s = self._exchange.limits.max_age_s
        return most_s and most_s * random.uniform(*OLDEST)

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
            "requests_waiting": len(self._requests),
            "last_error": self.last_error,
            "books": self._books.status(now_s),
            "streams": self._intake.status(now_s),
        }
