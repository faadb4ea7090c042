"""What an exchange must declare. Shared code acts on it; nothing here opens a socket.

One exchange is one folder: exchange.py (this protocol), messages.py (wire structs), mapper.py
(frame to events), sequence.py (order of updates), requests.py (REST requests and their replies).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from workers.book.sequence import Sequencer, Snapshot
from workers.model.errors import ExchangeError
from workers.model.events import AnyEvent
from workers.model.http import HttpRequest, HttpResponse
from workers.model.instrument import Instrument, MarketType


@dataclass(frozen=True)
class Stream:
    """One thing to subscribe to: a channel (`trade`, `orderbook`, `ticker`, ...) of one symbol."""

    channel: str
    symbol: str
    raw_symbol: str


@dataclass(frozen=True)
class Bucket:
    """Calls allowed in a window from one address, counted apart from the weight.

    Args:
        calls: how many.
        window_s: length of the window.
        per: the parameter for each value of which they are counted apart; None: all together.
    """

    calls: int
    window_s: float
    per: str | None = None


@dataclass(frozen=True)
class Limits:
    """What the exchange allows; each with its source in the exchange's exchange.py.

    Args:
        streams_per_connection: streams one connection may carry.
        control_messages: messages a client may send in `control_window_s` on one connection;
            control frames (pong) count where the exchange says so.
        connects: connection attempts in `connect_window_s` from one address.
        weight: REST weight in `weight_window_s` from one address.
        used_weight_header: response header that tells the weight used, lower case.
        max_age_s: the exchange ends a connection at this age; None: never.
        buckets: budgets beside the weight, by the name requests give in `HttpRequest.bucket`.
        counted_as: the name under which the exchange counts several of ours together; None: ours.
        pauses_bucket_alone: a call over the limit of its bucket says nothing of the other buckets.
    """

    streams_per_connection: int
    control_messages: int
    control_window_s: float
    connects: int
    connect_window_s: float
    weight: int
    weight_window_s: float
    used_weight_header: str | None
    max_age_s: float | None
    buckets: Mapping[str, Bucket] = field(default_factory=dict)
    counted_as: str | None = None
    pauses_bucket_alone: bool = False


@dataclass(frozen=True)
class Acknowledged:
    """The exchange answered request `request_id`; `error` is its complaint, None if it agreed.

    `accepted` are the channels it lists as subscribed, in its own names; None where it lists none.
    `retry_after_s`: it asks to be left alone that long, on a new connection too.
    """

    request_id: int | str | None
    error: str | None = None
    accepted: tuple[str, ...] | None = None
    retry_after_s: float | None = None


@dataclass(frozen=True)
class ShutdownNotice:
    """The exchange will end this connection; open the replacement at once."""

    detail: str


@dataclass(frozen=True)
class BookReset:
    """A full book that came on the stream: what a REST snapshot is elsewhere."""

    symbol: str
    snapshot: Snapshot
    exchange_ns: int | None
    received_ns: int


@dataclass(frozen=True)
class Reply:
    """The exchange asks to be answered at once: `message` goes back on the same connection."""

    message: bytes


@dataclass(frozen=True)
class UnusedTradeId:
    """An id of the trade tape behind which there is no trade: the ids go on, nothing is missing."""

    exchange: str
    market_type: MarketType
    symbol: str
    raw_symbol: str
    exchange_ns: int | None
    received_ns: int
    trade_id: int


@dataclass(frozen=True)
class Heartbeat:
    """What a client must send so that it is not cut.

    Args:
        message: sent when nothing was received for `after_s`; None: control pings are answered,
            nothing else is asked.
        after_s: seconds of silence; the settings' `stability.heartbeat` may choose less.
        on_connect: sent once, first of all (Deribit's set_heartbeat).
    """

    message: bytes | None = None
    after_s: float = 20.0
    on_connect: tuple[bytes, ...] = ()


Mapped = AnyEvent | BookReset | Reply | Acknowledged | ShutdownNotice | UnusedTradeId


@dataclass(frozen=True)
class Poll:
    """A REST question and how its answer is read.

    Args:
        request: what to send.
        read: (body, received_ns) to events; raises WireError for a body it cannot use.
    """

    request: HttpRequest
    read: Callable[[bytes, int], Sequence[AnyEvent]]


class Mapper(Protocol):
    """Turns frames of one connection into events. Knows the instruments, keeps no other state."""

    extra_fields: dict[str, int]
    """Fields we do not know, `<wire struct>.<field>`, with how often they were seen."""

    def map(self, frame: bytes, received_ns: int) -> Sequence[Mapped]:
        """Events and notices in one frame; empty where the frame carries nothing for us.

        Raises:
            WireError: the frame cannot be used; its `kind` says why.
        """
        ...


class Exchange(Protocol):
    """One connectable market."""

    name: str
    market_type: MarketType
    limits: Limits
    channels: Sequence[str]
    heartbeat: Heartbeat
    books_from_stream: bool
    """Snapshots come on the stream: one is asked for by unsubscribing and subscribing again."""
    shared_channels: frozenset[str]
    """Channels of which one subscription serves several instruments, whoever asks for it."""
    answers_each_stream: bool
    """A subscribe message is answered once for each of its streams, not once as a whole."""
    indices: Sequence[Instrument]
    """What is collected like an instrument and is in no list of them: volatility indices."""

    def streams(self, instruments: Sequence[Instrument], channels: Sequence[str]) -> list[Stream]:
        """What to subscribe to for these: every channel that an instrument has, no other.

        Streams about no single instrument have the symbol `*`.
        """
        ...

    def channel_name(self, stream: Stream) -> str:
        """The exchange's name of a stream, as it stands in `Acknowledged.accepted`."""
        ...

    def stream_url(self, ws_url: str, channel: str) -> str:
        """Address that carries a channel, below the configured `ws_url`.

        Channels with different addresses go on different connections.
        """
        ...

    def subscribe(self, streams: Sequence[Stream], first_request_id: int) -> list[bytes]:
        """Messages that subscribe to all streams, as few as the limits allow; ids count up."""
        ...

    def unsubscribe(self, streams: Sequence[Stream], first_request_id: int) -> list[bytes]:
        """The opposite of `subscribe`."""
        ...

    def mapper(self, instruments: Sequence[Instrument]) -> Mapper:
        """A mapper that knows these instruments."""
        ...

    def sequencer(self, last_id: int) -> Sequencer:
        """The order rule of a book built from a snapshot that ends at `last_id`."""
        ...

    def instruments_request(self) -> HttpRequest:
        """All instruments with their facts, or the first kind of them."""
        ...

    def instruments_requests(self) -> Sequence[HttpRequest]:
        """One for each kind of instruments; each reply is for `read_instruments`."""
        ...

    def read_instruments(self, body: bytes) -> list[Instrument]:
        """Instruments in the reply. Raises WireError."""
        ...

    def snapshot_request(self, raw_symbol: str, depth: int) -> HttpRequest:
        """A book snapshot of at least `depth` levels a side, as far as the exchange gives them."""
        ...

    def read_snapshot(
        self, body: bytes, depth: int, instrument: Instrument | None = None
    ) -> Snapshot:
        """The snapshot in the reply to `snapshot_request(..., depth)`. Raises WireError.

        `instrument` is whose book it is: some replies do not say in which unit they count.
        """
        ...

    def read_error(self, response: HttpResponse) -> ExchangeError:
        """The error in a reply with status 400 or above; RateLimited for 429 and 418."""
        ...


def every_stream(instruments: Sequence[Instrument], channels: Sequence[str]) -> list[Stream]:
    """Every channel of every instrument, symbol by symbol."""
    return [
        Stream(channel, each.symbol, each.raw_symbol)
        for each in instruments
        for channel in channels
    ]


def by_raw_symbol(instruments: Sequence[Instrument]) -> Mapping[str, Instrument]:
    """Instruments by the exchange's own symbol."""
    return {each.raw_symbol: each for each in instruments}
