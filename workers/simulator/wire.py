"""WebSocket frames as bytes, made once and sent to everybody (RFC 6455, server side: unmasked)."""

TEXT = 0x81
CLOSE = 0x88
PING = 0x89
PONG = 0x8A


def frame(payload: bytes, first_byte: int = TEXT) -> bytes:
    """A whole message in one frame."""
    length = len(payload)
    if length < 126:
        return bytes((first_byte, length)) + payload
    if length < 65536:
        return bytes((first_byte, 126)) + length.to_bytes(2, "big") + payload
    return bytes((first_byte, 127)) + length.to_bytes(8, "big") + payload
