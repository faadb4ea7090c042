"""The errors of this project, facts as fields.

MarketPrismError
 +- ExchangeError           the exchange said no (code and message kept)
 |   +- RateLimited         retry_after_s
 |   +- ExchangeBusy        it may answer later
 +- WireError               bytes we cannot use; kind says why (kept, truncated to 64 kB)
 +- BookError
 |   +- SequenceGap         expected_id, received_id
 +- TransportError          a connection or a call failed; it may be tried again
 +- ServiceClosed           draining or stopped; the call was not made
 +- RestartWanted           the process is to start anew; nothing is broken
 +- StoreError              ClickHouse refused; retryable says whether trying again can help
"""

from typing import Literal

WireErrorKind = Literal[
    "broken_json", "unknown_event", "missing_field", "absurd_number", "unknown_symbol"
]

KEPT_BYTES = 64 * 1024
"""Of a frame: most books are smaller, so that a frame can be mapped again from its dead letter."""


class MarketPrismError(Exception):
    """Root of the tree."""


class ExchangeError(MarketPrismError):
    """The exchange answered with an error.

    Args:
        exchange: its name.
        code: the exchange's own code, or the HTTP status where it gave none.
        message: the exchange's own words.

    Attributes:
        status: of the HTTP reply that carried it, set by the client; None: it came otherwise.
    """

    status: int | None = None

    def __init__(self, exchange: str, code: int, message: str) -> None:
        super().__init__(f"{exchange}: {code}: {message}")
        self.exchange, self.code, self.message = exchange, code, message


class RateLimited(ExchangeError):
    """Over the exchange's limit (429) or banned (418); nothing may be sent for `retry_after_s`."""

    def __init__(self, exchange: str, code: int, message: str, retry_after_s: float) -> None:
        super().__init__(exchange, code, f"{message}; waiting {retry_after_s:g} s")
        self.retry_after_s = retry_after_s


class ExchangeBusy(ExchangeError):
    """The exchange says that it cannot answer just now; the same call may succeed in a moment."""


class WireError(MarketPrismError):
    """A frame that cannot become an event.

    Args:
        exchange: where it came from.
        kind: the counter it goes to.
        detail: what was wrong with it.
        frame: the bytes as received; the first KEPT_BYTES are kept.

    Attributes:
        truncated: it was longer than that.
    """

    def __init__(self, exchange: str, kind: WireErrorKind, detail: str, frame: bytes) -> None:
        super().__init__(f"{exchange}: {kind}: {detail}")
        self.exchange, self.kind, self.detail = exchange, kind, detail
        self.frame = bytes(frame[:KEPT_BYTES])
        self.truncated = len(frame) > KEPT_BYTES


class BookError(MarketPrismError):
    """A book cannot take what it was given; it must be built again."""


class SequenceGap(BookError):
    """Updates are missing between the book and the next update."""

    def __init__(self, where: str, expected_id: int, received_id: int) -> None:
        super().__init__(
            f"{where}: depth update starts at {received_id}, the book ends at {expected_id - 1}; "
            "resyncing"
        )
        self.expected_id, self.received_id = expected_id, received_id


class TransportError(MarketPrismError):
    """A connection or call failed on its way; trying again may help."""


class ServiceClosed(MarketPrismError):
    """The service is draining or stopped; the call was not made."""


class RestartWanted(MarketPrismError):
    """The service ends so that its process is started anew; the text says why."""


class StoreError(MarketPrismError):
    """ClickHouse refused or could not be reached.

    Args:
        message: what was being done and what came back.
        retryable: the same call may succeed later (network, overload); False for refused data.
    """

    def __init__(self, message: str, *, retryable: bool) -> None:
        super().__init__(message)
        self.retryable = retryable
