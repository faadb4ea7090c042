"""Binance spot as the shared code sees it: names, limits, subscriptions; the rest is next door.

Source: github.com/binance/binance-spot-api-docs, web-socket-streams.md ("General WSS information",
"Live Subscribing") and rest-api.md ("Limits"), snapshot of 2026-07-21.
"""

from collections.abc import Sequence

from workers.book.sequence import Sequencer, Snapshot
from workers.exchanges.base import Heartbeat, Limits, Stream, every_stream
from workers.exchanges.binance.control import control, kline_suffixes, stream_name
from workers.exchanges.binance.messages import INTERVALS
from workers.exchanges.binance.rest import read_error
from workers.exchanges.binance.spot import requests
from workers.exchanges.binance.spot.history import HISTORY, PERIODS
from workers.exchanges.binance.spot.mapper import SpotMapper
from workers.exchanges.binance.spot.polling import ASKS
from workers.exchanges.binance.spot.sequence import SpotSequencer
from workers.model.errors import ExchangeError
from workers.model.http import HttpRequest, HttpResponse
from workers.model.instrument import Instrument, MarketType

STREAM_SUFFIXES = {
    "trade": "@trade",
    "aggregate-trade": "@aggTrade",
    "orderbook": "@depth@100ms",
    "ticker": "@ticker",
    "book-ticker": "@bookTicker",
    **kline_suffixes(("1m", "1s", *INTERVALS[1:])),
}
"""What each of our channels is called there, behind the symbol in lower case."""


class BinanceSpot:
    """Declares Binance spot."""

    name = "binance_spot"
    market_type: MarketType = "spot"
    channels: Sequence[str] = tuple(STREAM_SUFFIXES)
    limits = Limits(
        streams_per_connection=1024,  # "can listen to a maximum of 1024 streams"
        control_messages=5,  # "a limit of 5 incoming messages per second": JSON, PING and PONG
        control_window_s=1.0,
        connects=300,  # "300 connections per attempt every 5 minutes per IP"
        connect_window_s=300.0,
        weight=6000,  # rateLimits REQUEST_WEIGHT of exchangeInfo
        weight_window_s=60.0,
        used_weight_header="x-mbx-used-weight-1m",  # "IP Limits"
        max_age_s=86_400.0,  # "expect to be disconnected at the 24 hour mark"
    )

    heartbeat = Heartbeat(after_s=20.0)  # pings every 20 s; its payload must be back within 60 s
    asks = ASKS
    trade_history = HISTORY
    period_history = PERIODS
    books_from_stream = False
    shared_channels: frozenset[str] = frozenset()
    answers_each_stream = False
    indices: Sequence[Instrument] = ()

    def streams(self, instruments: Sequence[Instrument], channels: Sequence[str]) -> list[Stream]:
        """Every instrument has every channel."""
        return every_stream(instruments, channels)

    def channel_name(self, stream: Stream) -> str:
        """`btcusdt@trade`. Raises KeyError for a channel that Binance does not have here."""
        return stream_name(stream, STREAM_SUFFIXES)

    def stream_url(self, ws_url: str, channel: str) -> str:
        """An empty combined connection for any channel; frames are {"stream":...,"data":...}."""
        return f"{ws_url.rstrip('/')}/stream"

    def subscribe(self, streams: Sequence[Stream], first_request_id: int) -> list[bytes]:
        """SUBSCRIBE messages. The answer proves nothing: unknown streams are accepted too."""
        return control("SUBSCRIBE", streams, STREAM_SUFFIXES, first_request_id)

    def unsubscribe(self, streams: Sequence[Stream], first_request_id: int) -> list[bytes]:
        """UNSUBSCRIBE messages."""
        return control("UNSUBSCRIBE", streams, STREAM_SUFFIXES, first_request_id)

    def mapper(self, instruments: Sequence[Instrument]) -> SpotMapper:
        """A mapper that knows these instruments."""
        return SpotMapper(self.name, instruments)

    def sequencer(self, last_id: int) -> Sequencer:
        """The order rule of the depth stream."""
        return SpotSequencer(last_id)

    def instruments_request(self) -> HttpRequest:
        """GET /api/v3/exchangeInfo."""
        return requests.instruments_request()

    def instruments_requests(self) -> Sequence[HttpRequest]:
        """The one reply has them all."""
        return (self.instruments_request(),)

    def read_instruments(self, body: bytes) -> list[Instrument]:
        """Instruments in the reply. Raises WireError."""
        return requests.read_instruments(self.name, body)

    def snapshot_request(self, raw_symbol: str, depth: int) -> HttpRequest:
        """GET /api/v3/depth."""
        return requests.snapshot_request(raw_symbol, depth)

    def read_snapshot(
        self, body: bytes, depth: int, instrument: Instrument | None = None
    ) -> Snapshot:
        """The snapshot in the reply. Raises WireError."""
        return requests.read_snapshot(self.name, body, depth)

    def read_error(self, response: HttpResponse) -> ExchangeError:
        """The error in a reply with status 400 or above; RateLimited for 429 and 418."""
        return read_error(self.name, response)


BINANCE_SPOT = BinanceSpot()
