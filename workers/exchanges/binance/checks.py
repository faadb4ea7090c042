"""What may stand in a field, and the error for what may not: for frames and for REST replies."""

from collections.abc import Sequence
from typing import Literal

import msgspec

from workers.model.errors import WireError, WireErrorKind
from workers.model.events import Levels
from workers.model.level import read_decimals, read_levels

MICROSECONDS_FROM = 10**14
"""Milliseconds have 13 digits until 2286; a time this large is in microseconds, not far away."""

NEWEST_ID = 2**63

Quote = tuple[str, str] | tuple[None, None]
"""Price and quantity, or an empty side."""


class Checks:
    """Reads single values of one exchange's messages.

    Every method takes the bytes they came in, which go with the error.

    Raises:
        WireError: from every method; kind absurd_number unless said otherwise.
    """

    def __init__(self, exchange: str) -> None:
        self.exchange = exchange

    def ns(self, time_ms: int, frame: bytes) -> int:
        """A time of theirs as nanoseconds; the unit is never guessed."""
        if not 0 < time_ms < MICROSECONDS_FROM:
            raise self.refused("absurd_number", f"time {time_ms} is not in milliseconds", frame)
        return time_ms * 1_000_000

    def ns_or_none(self, time_ms: int | None, frame: bytes) -> int | None:
        """A time that may be absent; theirs is 0 then."""
        return self.ns(time_ms, frame) if time_ms else None

    def numbers(self, texts: Sequence[str], ids: Sequence[int], frame: bytes) -> Sequence[float]:
        """The numbers behind plain decimals; ids are checked only."""
        for each in ids:
            if not 0 <= each < NEWEST_ID:
                raise self.refused("absurd_number", f"id {each}", frame)
        try:
            return read_decimals(texts) if texts else ()
        except ValueError as error:
            raise self.refused("absurd_number", str(error), frame) from None

    def signed(self, text: str | None, frame: bytes) -> str | None:
        """A decimal that may be below zero; an empty text is no number."""
        if not text:
            return None
        self.numbers((text.removeprefix("-"),), (), frame)
        return text

    def price(self, text: str | None, frame: bytes) -> str | None:
        """A price; empty and zero are no price."""
        if not text or not self.numbers((text,), (), frame)[0]:
            return None
        return text

    def quotes(
        self, bid: str, bid_size: str, ask: str, ask_size: str, frame: bytes
    ) -> tuple[Quote, Quote]:
        """Best bid and ask; an empty side comes as price 0, which is no price."""
        prices = self.numbers((bid, ask, bid_size, ask_size), (), frame)
        return (
            (bid, bid_size) if prices[0] else (None, None),
            (ask, ask_size) if prices[1] else (None, None),
        )

    def levels(self, bids: Levels, asks: Levels, frame: bytes) -> None:
        """All levels of a book or a change of one."""
        try:
            read_levels(bids, asks)
        except ValueError as error:
            raise self.refused("absurd_number", f"level {error}", frame) from None

    def refused(self, kind: WireErrorKind, detail: str, frame: bytes) -> WireError:
        """The error, to be raised."""
        return WireError(self.exchange, kind, detail, frame)

    def unreadable(self, what: str, error: Exception, frame: bytes) -> WireError:
        """The error for bytes that msgspec refused."""
        if not isinstance(error, msgspec.ValidationError):
            return self.refused("broken_json", f"{what}: {error}", frame)
        text = str(error)
        if "missing required" in text:
            return self.refused("missing_field", f"{what}: {text}", frame)
        absurd = "Expected `int`" in text or "got `int`" in text or "got `float`" in text
        kind: Literal["absurd_number", "missing_field"] = (
            "absurd_number" if absurd or "out of range" in text else "missing_field"
        )
        return self.refused(kind, f"{what}: {text}", frame)
