"""From one published event to every connection that subscribed to its stream.

An event is encoded at most once per variant (combined or raw, milli- or microseconds), framed
once, and queued as bytes; `flush` writes each connection's queue with one call.
"""

from collections.abc import Callable, Collection
from typing import NamedTuple, Protocol

from workers.simulator.wire import frame


class Variant(NamedTuple):
    """How a connection wants its payloads."""

    combined: bool
    microseconds: bool


Encode = Callable[[bool], bytes]
"""From `microseconds` to the raw payload."""

Wrap = Callable[[str, bytes], bytes]
"""From a stream's name and a raw payload to the combined form."""


class Receiver(Protocol):
    """What the hub knows of a connection."""

    number: int
    variant: Variant

    def queue(self, data: bytes, messages: int, delay_s: float = 0.0) -> None:
        """Bytes of whole frames to be written at the next flush, or so much later."""
        ...

    def flush(self) -> None:
        """Write what is queued."""
        ...


class Sent(NamedTuple):
    """One message and how late it is sent."""

    message: bytes
    delay_s: float = 0.0


class Rewriter(Protocol):
    """What faults do to a published event."""

    active: bool

    def begin(self, stream: str, listeners: Collection[int]) -> None:
        """A new event is published to these connections."""
        ...

    def rewrite(self, stream: str, receiver: int, payload: bytes, combined: bool) -> list[Sent]:
        """Messages to send this listener in place of that event."""
        ...


def wrap(stream: str, payload: bytes) -> bytes:
    """The combined form of a payload."""
    return b'{"stream":"' + stream.encode() + b'","data":' + payload + b"}"


class Hub:
    """Who listens to what.

    Attributes:
        published: events with at least one listener, by stream.
    """

    def __init__(self, faults: Rewriter, wrap: Wrap = wrap) -> None:
        self.published: dict[str, int] = {}
        self._faults, self._wrap = faults, wrap
        self._listeners: dict[str, dict[Variant, dict[int, Receiver]]] = {}
        self._receivers: dict[int, Receiver] = {}
        self._closed: set[str] = set()

    def join(self, receiver: Receiver) -> None:
        """A connection that may subscribe."""
        self._receivers[receiver.number] = receiver

    def leave(self, receiver: Receiver, streams: set[str]) -> None:
        """The connection is gone."""
        for stream in streams:
            self.unsubscribe(receiver, stream)
        self._receivers.pop(receiver.number, None)

    def subscribe(self, receiver: Receiver, stream: str) -> None:
        """From the next event on; streams of a symbol that is gone stay silent."""
        if stream.partition("@")[0] in self._closed:
            return
        variants = self._listeners.setdefault(stream, {})
        variants.setdefault(receiver.variant, {})[receiver.number] = receiver

    def unsubscribe(self, receiver: Receiver, stream: str) -> None:
        """No more of this stream; unknown subscriptions are none."""
        variants = self._listeners.get(stream, {})
        for variant, receivers in list(variants.items()):
            receivers.pop(receiver.number, None)
            if not receivers:
                del variants[variant]
        if not variants:
            self._listeners.pop(stream, None)

    def close(self, key: str) -> None:
        """The symbol whose streams begin with `<key>@` is gone: nobody hears them any more."""
        self._closed.add(key)
        for stream in [each for each in self._listeners if each.partition("@")[0] == key]:
            del self._listeners[stream]

    def reopen(self, key: str) -> None:
        """It is back; it must be subscribed anew."""
        self._closed.discard(key)

    def wanted(self, stream: str) -> bool:
        """Whether anybody listens."""
        return stream in self._listeners

    def streams(self) -> list[str]:
        """Streams with a listener."""
        return list(self._listeners)

    def publish(self, stream: str, encode: Encode, whole: bytes | None = None) -> None:
        """Queue an event for its listeners.

        Args:
            stream: its name.
            encode: makes the raw payload.
            whole: the combined form, where it must keep its original bytes.
        """
        variants = self._listeners.get(stream)
        if variants is None:
            return
        self.published[stream] = self.published.get(stream, 0) + 1
        payloads: dict[bool, bytes] = {}
        faulty = self._faults.active
        if faulty:
            self._faults.begin(stream, {each for some in variants.values() for each in some})
        for variant, receivers in variants.items():
            payload = payloads.get(variant.microseconds)
            if payload is None:
                payload = payloads[variant.microseconds] = encode(variant.microseconds)
            if faulty:
                for receiver in receivers.values():
                    for message, delay_s in self._faults.rewrite(
                        stream, receiver.number, payload, variant.combined
                    ):
                        receiver.queue(frame(message), 1, delay_s)
                continue
            data = frame((whole or self._wrap(stream, payload)) if variant.combined else payload)
            for receiver in receivers.values():
                receiver.queue(data, 1)

    def flush(self) -> None:
        """Write every connection's queue."""
        for receiver in list(self._receivers.values()):
            receiver.flush()
