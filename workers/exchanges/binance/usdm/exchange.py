"""Binance USD-M futures as the shared code sees them: names, limits, routes, subscriptions.

Source: the official SDK of 2026-07-24 and "Important WebSocket Change Notice" of 2026-03-06:
since 2026-04-23 book data comes below /public and everything else below /market. A stream asked for
on the wrong route is acknowledged and stays silent.

What follows from how it is, and is not for the mapper to solve: retail (RPI) orders are in no book,
so a trade may print inside the spread; contracts on equities and commodities are silent outside of
their sessions; a dated contract's stream stops at delivery before its status changes; liquidations
are sampled and cannot be fetched later; a rename is a new symbol with new ids.
"""

from collections.abc import Sequence

from workers.book.sequence import Sequencer, Snapshot
from workers.exchanges.base import Bucket, Heartbeat, Limits, Stream, every_stream
from workers.exchanges.binance.control import control, kline_suffixes, stream_name
from workers.exchanges.binance.rest import read_error
from workers.exchanges.binance.usdm import requests
from workers.exchanges.binance.usdm.history import HISTORY, PERIODS
from workers.exchanges.binance.usdm.mapper import UsdmMapper
from workers.exchanges.binance.usdm.polling import ASKS
from workers.exchanges.binance.usdm.sequence import UsdmSequencer
from workers.model.errors import ExchangeError
from workers.model.http import HttpRequest, HttpResponse
from workers.model.instrument import Instrument, MarketType

PUBLIC_SUFFIXES = {
    "trade": "@trade",
    "orderbook": "@depth@100ms",
    "book-ticker": "@bookTicker",
}
"""Channels below /public. `@trade` is in no document; it delivers there and nowhere else."""

MARKET_SUFFIXES = {
    "aggregate-trade": "@aggTrade",
    "ticker": "@ticker",
    "funding-rate": "@markPrice@1s",
    "liquidation": "@forceOrder",
    "instrument": "!contractInfo",
    **kline_suffixes(),
}
"""Channels below /market. Liquidations and instrument changes may be silent for hours."""

STREAM_SUFFIXES = PUBLIC_SUFFIXES | MARKET_SUFFIXES


class MixedRoutes(ValueError):
    """Channels of both routes were to go on one connection; half of them would stay silent."""


class BinanceDerivatives:
    """Declares Binance USD-M futures: perpetuals and dated ones, quantities in the base asset."""

    name = "binance_derivatives"
    market_type: MarketType = "perpetual"  # of most; each instrument has its own
    channels: Sequence[str] = tuple(STREAM_SUFFIXES)
    limits = Limits(
        streams_per_connection=200,  # 1024 documented, 200 in older pages and what is known to work
        control_messages=10,  # "10 incoming messages per second": JSON, PING and PONG
        control_window_s=1.0,
        connects=300,  # not stated for futures; the number of spot
        connect_window_s=300.0,
        weight=2400,  # rateLimits REQUEST_WEIGHT; shared with COIN-M since 2026-06-30
        weight_window_s=60.0,
        used_weight_header="x-mbx-used-weight-1m",
        max_age_s=86_400.0,  # "a single connection is only valid for 24 hours"
        buckets={
            requests.FUTURES_DATA: Bucket(1000, 300.0),  # "1000 requests/5min" for /futures/data
            requests.FUNDING: Bucket(500, 300.0),  # "500/5min/IP" with fundingInfo
        },
    )
    heartbeat = Heartbeat(after_s=180.0)  # pings every 3 min, pong within 10 min
    asks = ASKS
    trade_history = HISTORY
    period_history = PERIODS
    books_from_stream = False
    shared_channels: frozenset[str] = frozenset({"instrument"})
    answers_each_stream = False
    indices: Sequence[Instrument] = ()

    def streams(self, instruments: Sequence[Instrument], channels: Sequence[str]) -> list[Stream]:
        """Every instrument has every channel."""
        return every_stream(instruments, channels)

    def channel_name(self, stream: Stream) -> str:
        """`btcusdt@trade`. Raises KeyError for a channel that Binance does not have here."""
        return stream_name(stream, STREAM_SUFFIXES)

    def stream_url(self, ws_url: str, channel: str) -> str:
        """An empty combined connection on the channel's route.

        Raises:
            KeyError: a channel that Binance USD-M does not have.
        """
        return f"{ws_url.rstrip('/')}/{_route(channel)}/stream"

    def subscribe(self, streams: Sequence[Stream], first_request_id: int) -> list[bytes]:
        """SUBSCRIBE messages. The answer proves nothing: unknown streams are accepted too.

        Raises:
            MixedRoutes: the streams belong on two connections.
        """
        return self._control("SUBSCRIBE", streams, first_request_id)

    def unsubscribe(self, streams: Sequence[Stream], first_request_id: int) -> list[bytes]:
        """UNSUBSCRIBE messages; raises as `subscribe` does."""
        return self._control("UNSUBSCRIBE", streams, first_request_id)

    def mapper(self, instruments: Sequence[Instrument]) -> UsdmMapper:
        """A mapper that knows these instruments."""
        return UsdmMapper(self.name, instruments)

    def sequencer(self, last_id: int) -> Sequencer:
        """The order rule of the depth stream."""
        return UsdmSequencer(last_id)

    def instruments_request(self) -> HttpRequest:
        """GET /fapi/v1/exchangeInfo."""
        return requests.instruments_request()

    def instruments_requests(self) -> Sequence[HttpRequest]:
        """The one reply has them all."""
        return (self.instruments_request(),)

    def read_instruments(self, body: bytes) -> list[Instrument]:
        """Instruments in the reply. Raises WireError."""
        return requests.read_instruments(self.name, body)

    def snapshot_request(self, raw_symbol: str, depth: int) -> HttpRequest:
        """GET /fapi/v1/depth."""
        return requests.snapshot_request(raw_symbol, depth)

    def read_snapshot(
        self, body: bytes, depth: int, instrument: Instrument | None = None
    ) -> Snapshot:
        """The snapshot in the reply. Raises WireError."""
        return requests.read_snapshot(self.name, body, depth)

    def read_error(self, response: HttpResponse) -> ExchangeError:
        """The error in a reply with status 400 or above; RateLimited for 429 and 418."""
        return read_error(self.name, response)

    def _control(
        self, method: str, streams: Sequence[Stream], first_request_id: int
    ) -> list[bytes]:
        routes = {_route(each.channel): each.channel for each in streams}
        if len(routes) > 1:
            one, other = routes.values()
            raise MixedRoutes(
                f"{self.name}: {one} and {other} have different addresses; on one connection one "
                "of them would be acknowledged and silent"
            )
        return control(method, streams, STREAM_SUFFIXES, first_request_id)


def _route(channel: str) -> str:
    if channel in PUBLIC_SUFFIXES:
        return "public"
    if channel in MARKET_SUFFIXES:
        return "market"
    raise KeyError(channel)


BINANCE_DERIVATIVES = BinanceDerivatives()
