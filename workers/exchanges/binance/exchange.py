"""Binance spot as the shared code sees it: names, limits, subscriptions; the rest is next door.

Source: github.com/binance/binance-spot-api-docs, web-socket-streams.md ("General WSS information",
"Live Subscribing") and rest-api.md ("Limits"), snapshot of 2026-07-21.
"""

from collections.abc import Sequence

import msgspec

from workers.book.sequence import Sequencer, Snapshot
from workers.exchanges.base import Limits, Stream
from workers.exchanges.binance import requests
from workers.exchanges.binance.mapper import SpotMapper
from workers.exchanges.binance.sequence import SpotSequencer
from workers.model.errors import ExchangeError
from workers.model.http import HttpRequest, HttpResponse
from workers.model.instrument import Instrument, MarketType

STREAM_SUFFIXES = {
    "trade": "@trade",
    "aggregate-trade": "@aggTrade",
    "orderbook": "@depth@100ms",
    "ticker": "@ticker",
    "book-ticker": "@bookTicker",
}
"""What each of our channels is called there, behind the symbol in lower case."""

PARAMS_PER_MESSAGE = 200
"""Stream names in one SUBSCRIBE. None is documented; 200 stay within one 4 kB frame."""


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

    def stream_url(self, ws_url: str) -> str:
        """An empty combined connection; frames are {"stream":...,"data":...}."""
        return f"{ws_url.rstrip('/')}/stream"

    def subscribe(self, streams: Sequence[Stream], first_request_id: int) -> list[bytes]:
        """SUBSCRIBE messages. The answer proves nothing: unknown streams are accepted too."""
        return _control("SUBSCRIBE", streams, first_request_id)

    def unsubscribe(self, streams: Sequence[Stream], first_request_id: int) -> list[bytes]:
        """UNSUBSCRIBE messages."""
        return _control("UNSUBSCRIBE", streams, first_request_id)

    def mapper(self, instruments: Sequence[Instrument]) -> SpotMapper:
        """A mapper that knows these instruments."""
        return SpotMapper(self.name, instruments)

    def sequencer(self, last_id: int) -> Sequencer:
        """The order rule of the depth stream."""
        return SpotSequencer(last_id)

    def instruments_request(self) -> HttpRequest:
        """GET /api/v3/exchangeInfo."""
        return requests.instruments_request()

    def read_instruments(self, body: bytes) -> list[Instrument]:
        """Instruments in the reply. Raises WireError."""
        return requests.read_instruments(self.name, body)

    def snapshot_request(self, raw_symbol: str, depth: int) -> HttpRequest:
        """GET /api/v3/depth."""
        return requests.snapshot_request(raw_symbol, depth)

    def read_snapshot(self, body: bytes, depth: int) -> Snapshot:
        """The snapshot in the reply. Raises WireError."""
        return requests.read_snapshot(self.name, body, depth)

    def read_error(self, response: HttpResponse) -> ExchangeError:
        """The error in a reply with status 400 or above; RateLimited for 429 and 418."""
        return requests.read_error(self.name, response)


def _control(method: str, streams: Sequence[Stream], first_request_id: int) -> list[bytes]:
    """Messages for all streams, ids counting up.

    Raises:
        KeyError: a channel that Binance spot does not have.
    """
    names = [each.raw_symbol.lower() + STREAM_SUFFIXES[each.channel] for each in streams]
    chunks = [names[i : i + PARAMS_PER_MESSAGE] for i in range(0, len(names), PARAMS_PER_MESSAGE)]
    return [
        msgspec.json.encode({"method": method, "params": chunk, "id": first_request_id + index})
        for index, chunk in enumerate(chunks)
    ]


BINANCE_SPOT = BinanceSpot()
