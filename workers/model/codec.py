"""Events to NATS JSON and back: one object, UTF-8, decimals as strings, absent as null."""

import msgspec

from workers.model.events import AnyEvent, Event

_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[AnyEvent] = msgspec.json.Decoder(AnyEvent)


def encode(event: Event) -> bytes:
    """The event as JSON, `type` first."""
    return _encoder.encode(event)


def decode(data: bytes) -> AnyEvent:
    """The event in a message.

    Raises:
        msgspec.DecodeError: it is not JSON, or not an event of this model.
    """
    return _decoder.decode(data)
