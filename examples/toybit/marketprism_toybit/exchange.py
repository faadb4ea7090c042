"""Toybit as MarketPrism sees it: names, limits, subscriptions, order of its book."""

import json
import math
from collections.abc import Sequence
from typing import Any

import msgspec

from marketprism_toybit.mapper import ToybitMapper, refused
from workers.book.sequence import Snapshot, Verdict
from workers.exchanges.base import Heartbeat, Limits, Stream, every_stream
from workers.model.errors import ExchangeError, RateLimited
from workers.model.events import BookDelta
from workers.model.http import HttpRequest, HttpResponse
from workers.model.instrument import Instrument, MarketType
from workers.model.level import read_decimals

CHANNELS = {"trade": "trade", "orderbook": "book", "ticker": "ticker"}
"""Ours, and what each is called there."""

STREAMS_A_MESSAGE = 100
LONGEST_WAIT_S = 3600.0


class ToybitInstrument(msgspec.Struct):
    """One row of GET /instruments."""

    market: str
    base: str
    quote: str
    tick: str
    lot: str
    open: bool


class ToybitSequencer:
    """Each update names the one before it."""

    __slots__ = ("last_id",)

    def __init__(self, last_id: int) -> None:
        self.last_id = last_id

    def judge(self, delta: BookDelta) -> Verdict:
        """STALE: the book contains it. NEXT: it continues the book. GAP: something is missing."""
        if delta.prev_update_id == self.last_id:
            return Verdict.NEXT
        return Verdict.STALE if delta.last_update_id <= self.last_id else Verdict.GAP

    def accept(self, delta: BookDelta) -> None:
        """It was applied."""
        self.last_id = delta.last_update_id

    def too_old(self, first: BookDelta) -> bool:
        """Updates between the snapshot and the first one kept are missing."""
        return (first.prev_update_id or 0) > self.last_id


class Toybit:
    """Declares Toybit."""

    name = "toybit"
    market_type: MarketType = "spot"
    channels: Sequence[str] = tuple(CHANNELS)
    limits = Limits(
        streams_per_connection=500,
        control_messages=10,
        control_window_s=1.0,
        connects=60,
        connect_window_s=60.0,
        weight=600,
        weight_window_s=60.0,
        used_weight_header=None,
        max_age_s=None,
    )
    heartbeat = Heartbeat(after_s=20.0)
    books_from_stream = True
    shared_channels: frozenset[str] = frozenset()
    answers_each_stream = False
    indices: Sequence[Instrument] = ()

    def streams(self, instruments: Sequence[Instrument], channels: Sequence[str]) -> list[Stream]:
        """Every channel of every instrument."""
        return every_stream(instruments, channels)

    def channel_name(self, stream: Stream) -> str:
        """`trade:BTC-USD`."""
        return f"{CHANNELS[stream.channel]}:{stream.raw_symbol}"

    def stream_url(self, ws_url: str, channel: str) -> str:
        """One address for all."""
        return f"{ws_url.rstrip('/')}/ws"

    def subscribe(self, streams: Sequence[Stream], first_request_id: int) -> list[bytes]:
        """Subscribe messages."""
        return self._control("subscribe", streams, first_request_id)

    def unsubscribe(self, streams: Sequence[Stream], first_request_id: int) -> list[bytes]:
        """Unsubscribe messages."""
        return self._control("unsubscribe", streams, first_request_id)

    def _control(self, op: str, streams: Sequence[Stream], first_request_id: int) -> list[bytes]:
        names = [self.channel_name(each) for each in streams]
        parts = [
            names[at : at + STREAMS_A_MESSAGE] for at in range(0, len(names), STREAMS_A_MESSAGE)
        ]
        return [
            json.dumps({"id": first_request_id + number, "op": op, "streams": part}).encode()
            for number, part in enumerate(parts)
        ]

    def mapper(self, instruments: Sequence[Instrument]) -> ToybitMapper:
        """A mapper that knows these instruments."""
        return ToybitMapper(self.name, instruments)

    def sequencer(self, last_id: int) -> ToybitSequencer:
        """The order rule of the book."""
        return ToybitSequencer(last_id)

    def instruments_request(self) -> HttpRequest:
        """GET /instruments."""
        return HttpRequest("/instruments")

    def instruments_requests(self) -> Sequence[HttpRequest]:
        """There is one kind."""
        return (self.instruments_request(),)

    def read_instruments(self, body: bytes) -> list[Instrument]:
        """Instruments in the reply. Raises WireError."""
        try:
            rows = msgspec.json.decode(body, type=list[ToybitInstrument])
            for row in rows:
                if not all(read_decimals((row.tick, row.lot))):
                    raise ValueError(f"{row.market}: tick {row.tick}, lot {row.lot}")
        except (msgspec.DecodeError, ValueError, RecursionError) as error:
            raise refused(self.name, error, body) from error
        return [
            Instrument(
                exchange=self.name,
                market_type="spot",
                symbol=f"{row.base}-{row.quote}",
                raw_symbol=row.market,
                status="trading" if row.open else "halted",
                raw_status="open" if row.open else "closed",
                base=row.base,
                quote=row.quote,
                tick_size=row.tick,
                lot_size=row.lot,
            )
            for row in rows
        ]

    def snapshot_request(self, raw_symbol: str, depth: int) -> HttpRequest:
        """Books come on the stream; this is for people."""
        return HttpRequest("/book", {"market": raw_symbol})

    def read_snapshot(
        self, body: bytes, depth: int, instrument: Instrument | None = None
    ) -> Snapshot:
        """Not offered. Raises WireError."""
        raise refused(self.name, ValueError("books come on the stream"), body)

    def read_error(self, response: HttpResponse) -> ExchangeError:
        """The error in a reply with status 400 or above."""
        words = response.body[:200].decode(errors="replace")
        if response.status == 429:
            wait_s = _seconds(response.headers.get("retry-after"))
            return RateLimited(self.name, response.status, words, wait_s)
        return ExchangeError(self.name, response.status, words)


def _seconds(text: Any) -> float:
    """How long to wait; a minute where that is not told in a way that can be waited."""
    try:
        wait_s = float(text)
    except (TypeError, ValueError):
        return 60.0
    return min(wait_s, LONGEST_WAIT_S) if math.isfinite(wait_s) and wait_s > 0 else 60.0


TOYBIT = Toybit()
