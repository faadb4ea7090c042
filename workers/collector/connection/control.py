"""What we say on one connection, within the number of messages that the exchange allows."""

from collections import deque
from collections.abc import Sequence

from config.stability import HeartbeatSettings
from workers.collector.connection.heartbeat import Heartbeat, interval_s
from workers.collector.connection.subscriptions import Requests, Subscriptions
from workers.exchanges.base import Exchange, Stream
from workers.model.clock import Clock
from workers.transport.budget import SlidingWindow
from workers.transport.websocket import WebSocketConnection


class Control:
    """Subscriptions, pings and replies of one connection. For its reader's thread.

    Requests wait for their turn; pings, and what the exchange asks for, cannot, but count too.

    Attributes:
        subscriptions: what was asked for.
    """

    def __init__(
        self,
        websocket: WebSocketConnection,
        exchange: Exchange,
        heartbeat: HeartbeatSettings,
        clock: Clock,
    ) -> None:
        self._websocket, self._exchange, self._clock = websocket, exchange, clock
        self.subscriptions = Subscriptions(exchange)
        self._requests: deque[tuple[int, bytes]] = deque()
        limits = exchange.limits
        # Half of what is allowed: messages sent apart may arrive together, and pongs count too.
        self._window = SlidingWindow(
            max(1, limits.control_messages // 2), limits.control_window_s, clock
        )
        beat_s = interval_s(heartbeat, exchange.name, exchange.heartbeat.after_s)
        self._heartbeat = Heartbeat(beat_s, heartbeat)

    @property
    def waiting(self) -> int:
        """Requests that wait for their turn."""
        return len(self._requests)

    def hello(self) -> None:
        """What is said once, first of all."""
        for message in self._exchange.heartbeat.on_connect:
            self._say(message)

    def subscribe(self, streams: Sequence[Stream]) -> None:
        """Ask for streams, as soon as it is allowed."""
        self.queue(self.subscriptions.subscribe(streams))

    def unsubscribe(self, streams: Sequence[Stream]) -> None:
        """End streams, likewise."""
        self.queue(self.subscriptions.unsubscribe(streams))

    def queue(self, requests: Requests) -> None:
        """Send requests, likewise."""
        self._requests.extend(requests)

    def send_due(self) -> None:
        """Send what is allowed by now."""
        while self._requests and self._window.delay_s() <= 0:
            request_id, message = self._requests.popleft()
            self._say(message)
            self.subscriptions.sent(request_id, self._clock.monotonic_s())

    def reply(self, message: bytes) -> None:
        """Answer the exchange at once."""
        self._say(message)

    def alive(self, silence_s: float) -> bool:
        """Ping where it is due; False: nothing was heard for so long that it is dead."""
        beat = self._heartbeat.look(silence_s)
        if beat == "ping":
            self._ping()
        return beat != "dead"

    def _ping(self) -> None:
        message = self._exchange.heartbeat.message
        if message is not None:
            self._say(message)
            return
        self._window.record()
        self._websocket.ping()

    def _say(self, message: bytes) -> None:
        self._window.record()
        self._websocket.send(message)
