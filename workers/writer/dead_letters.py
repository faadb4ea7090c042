"""Messages the store refused, kept on `dead-letter.writer.<table>` with the reason."""

import base64
import json
from collections.abc import Sequence

from config.queues import DEAD_LETTERS, WRITER
from workers.bus.subscription import Delivery

LARGEST_BYTES = 1_000_000
"""Of a dead letter: NATS takes 1 MB (1,048,576 bytes with headers) unless it is told otherwise."""


def subject(table: str) -> str:
    """`dead-letter.writer.trades`."""
    return f"{DEAD_LETTERS}.{WRITER}.{table}"


def message_id(stream: str, delivery: Delivery) -> str:
    """The same message refused twice is one dead letter."""
    return f"{DEAD_LETTERS}:{WRITER}:{stream}:{delivery.sequence}:{delivery.stored_ns}"


def envelope(stream: str, table: str, delivery: Delivery, reason: str) -> bytes:
    """The dead letter: one JSON object below LARGEST_BYTES.

    `payload` is the message's text, or `payload_base64` its bytes where they are not UTF-8;
    `truncated` tells that only its beginning is kept.
    """
    kept = len(delivery.data)
    while len(letter := _letter(stream, table, delivery, reason, kept)) > LARGEST_BYTES:
        kept = min(kept // 2, LARGEST_BYTES)
    return letter


def _letter(stream: str, table: str, delivery: Delivery, reason: str, kept: int) -> bytes:
    letter: dict[str, object] = {
        "type": DEAD_LETTERS,
        "source": WRITER,
        "table": table,
        "stream": stream,
        "sequence": delivery.sequence,
        "subject": delivery.subject,
        "taken_ns": delivery.stored_ns,
        "reason": reason,
        "truncated": kept < len(delivery.data),
    }
    data = delivery.data[:kept]
    try:
        letter["payload"] = data.decode()
        return json.dumps(letter, ensure_ascii=False).encode()
    except UnicodeDecodeError:
        letter["payload_base64"] = base64.b64encode(data).decode()
        return json.dumps(letter).encode()


def summary(refused: Sequence[tuple[Delivery, str]]) -> str:
    """The first reason, for a log line."""
    return refused[0][1][:300]
