"""Deribit as the shared code sees it: names, limits, subscriptions; the rest is next door.

Source: docs.deribit.com, "JSON-RPC over WebSocket", "Rate limits", subscriptions, snapshot of
2026-07/09, and measurements of the live server of 2026-09-23 where the documents are silent.
"""

from collections.abc import Sequence

import msgspec

from workers.book.sequence import Sequencer, Snapshot
from workers.exchanges.base import Acknowledged, Bucket, Heartbeat, Limits, Stream
from workers.exchanges.deribit import requests
from workers.exchanges.deribit.history import HISTORY, PERIODS
from workers.exchanges.deribit.mapper import DeribitMapper
from workers.exchanges.deribit.names import RESOLUTIONS, index_of, volatility_symbol
from workers.exchanges.deribit.polling import ASKS
from workers.exchanges.deribit.sequence import DeribitSequencer
from workers.exchanges.deribit.unusual import HEARTBEAT_ID
from workers.model.errors import ExchangeError
from workers.model.http import HttpRequest, HttpResponse
from workers.model.instrument import Instrument, MarketType

CHANNELS = {
    "trade": "trades.{}.100ms",
    "orderbook": "book.{}.100ms",
    "ticker": "ticker.{}.100ms",
    "book-ticker": "quote.{}",
    "funding-rate": "perpetual.{}.100ms",
    "kline": "chart.trades.{}.1",
    **{f"kline-{ours}": f"chart.trades.{{}}.{res}" for ours, res in RESOLUTIONS.items()},
    "volatility-index": "deribit_volatility_index.{}",
    "index-price": "deribit_price_index.{}",
    "instrument": "instrument.state.{}",
    "instrument-creation": "instrument.creation.{}",
    "platform": "platform_state",
}
"""What each of our channels is called there, around the raw symbol.

Never `raw`: without a key it voids the whole call it is in (error 13778). Open interest, mark and
index price come with `ticker`. Raw symbols of `volatility-index` are `btc_usd` and `eth_usd`, of
`instrument` a kind and a currency (`future.any`); `platform` has none.
"""

PLATFORM = Stream("platform", "*", "")

STATUS_STREAMS = (
    *(
        Stream("instrument", "*", f"{kind}.any")
        for kind in ("future", "option", "spot", "future_combo", "option_combo")
    ),
    Stream("instrument-creation", "*", "any.any"),
    PLATFORM,
)
"""Streams about all instruments; one connection should carry them."""

ABOUT_ALL = frozenset(each.channel for each in STATUS_STREAMS)

PERPETUAL_ONLY = frozenset({"funding-rate", "index-price"})
"""Channels of perpetuals alone; an index price is published as that of the perpetuals on it."""

INDICES = tuple(
    Instrument(
        exchange="deribit",
        market_type="option",
        symbol=volatility_symbol(raw_symbol),
        raw_symbol=raw_symbol,
        status="trading",
        raw_status="index",
        base=raw_symbol.partition("_")[0].upper(),
        quote="USD",
    )
    for raw_symbol in ("btc_usd", "eth_usd")
)
"""The volatility indices: BTC-DVOL and ETH-DVOL."""

CHANNELS_PER_MESSAGE = 500
""""Suggest at most 500 channels per subscribe call"."""

HEARTBEAT_S = 10
"""The shortest there is: the server then asks about every 10.7 s, and wants to be answered."""

WS_PATH = "/ws/api/v2"


class Deribit:
    """Declares Deribit; one socket carries perpetuals, futures, options and spot."""

    name = "deribit"
    market_type: MarketType = "perpetual"
    channels: Sequence[str] = tuple(CHANNELS)
    heartbeat = Heartbeat(
        on_connect=(
            msgspec.json.encode(
                {
                    "jsonrpc": "2.0",
                    "id": HEARTBEAT_ID,
                    "method": "public/set_heartbeat",
                    "params": {"interval": HEARTBEAT_S},
                }
            ),
        )
    )
    asks = ASKS
    trade_history = HISTORY
    period_history = PERIODS
    books_from_stream = True
    shared_channels: frozenset[str] = ABOUT_ALL | {"index-price"}
    answers_each_stream = False
    indices: Sequence[Instrument] = INDICES
    limits = Limits(
        streams_per_connection=CHANNELS_PER_MESSAGE,  # none documented; one subscribe call's worth
        control_messages=2,  # public/subscribe: 3,000 of 30,000 credits, 10,000 a second
        control_window_s=1.0,
        connects=16,  # 32 may be open at once from one address, REST included; no rate documented
        connect_window_s=60.0,
        weight=25_000,  # 5 calls a second; without a key the numbers are unpublished
        weight_window_s=10.0,
        used_weight_header=None,
        max_age_s=None,  # no fixed lifetime
        buckets={requests.INSTRUMENTS_BUCKET: Bucket(1, 10.0)},
    )

    def stream_url(self, ws_url: str, channel: str) -> str:
        """One address for everything; `ws_url` may name a path of its own."""
        root = ws_url.rstrip("/")
        return root if "/" in root.partition("://")[2] else root + WS_PATH

    def streams(self, instruments: Sequence[Instrument], channels: Sequence[str]) -> list[Stream]:
        """What each instrument has: volatility indices that alone, perpetuals funding too.

        With `instrument` come the states and listings of all instruments; news of maintenance
        always.
        """
        found = [
            Stream(channel, each.symbol, each.raw_symbol)
            for each in instruments
            for channel in channels
            if channel not in ABOUT_ALL
            and (channel == "volatility-index") == (each in INDICES)
            and (channel not in PERPETUAL_ONLY or each.market_type == "perpetual")
        ]
        about_all = [each for each in STATUS_STREAMS if "instrument" in channels]
        return found + (about_all or [PLATFORM])

    def channel_name(self, stream: Stream) -> str:
        """The exchange's name of a stream, as it stands in answers and frames.

        Raises:
            KeyError: a channel that Deribit does not have.
        """
        raw_symbol = stream.raw_symbol
        if stream.channel == "index-price":
            base, quote = stream.symbol.split("-")[:2]
            raw_symbol = index_of(base, quote)
        return CHANNELS[stream.channel].format(raw_symbol)

    def subscribe(self, streams: Sequence[Stream], first_request_id: int) -> list[bytes]:
        """public/subscribe. The answer lists what was accepted, in any order: see `check_answer`.

        A channel that is subscribed already gives no new snapshot; unsubscribe first.
        """
        return self._control("public/subscribe", streams, first_request_id)

    def unsubscribe(self, streams: Sequence[Stream], first_request_id: int) -> list[bytes]:
        """public/unsubscribe."""
        return self._control("public/unsubscribe", streams, first_request_id)

    def check_answer(self, request: bytes, answer: Acknowledged) -> Acknowledged:
        """The answer to a subscribe message, with an error that names every channel left out.

        Bad channels vanish from the answer without an error, their neighbours are subscribed; an
        error means that none of the channels is.
        """
        if answer.error is not None or answer.accepted is None:
            return answer
        asked: list[str] = msgspec.json.decode(request)["params"].get("channels", [])
        accepted = set(answer.accepted)
        refused = [each for each in asked if each not in accepted]
        if not refused:
            return answer
        text = f"not accepted: {', '.join(refused)}"
        return Acknowledged(answer.request_id, text, answer.accepted)

    def mapper(self, instruments: Sequence[Instrument]) -> DeribitMapper:
        """A mapper that knows these instruments; indices name themselves."""
        return DeribitMapper(self.name, [each for each in instruments if each not in INDICES])

    def sequencer(self, last_id: int) -> Sequencer:
        """The order rule of the book channels."""
        return DeribitSequencer(last_id)

    def instruments_request(self) -> HttpRequest:
        """GET public/get_instruments."""
        return requests.instruments_request()

    def instruments_requests(self) -> Sequence[HttpRequest]:
        """The one reply has them all."""
        return (self.instruments_request(),)

    def read_instruments(self, body: bytes) -> list[Instrument]:
        """Instruments in the reply. Raises WireError."""
        return requests.read_instruments(self.name, body)

    def snapshot_request(self, raw_symbol: str, depth: int) -> HttpRequest:
        """GET public/get_order_book: for audits, the stream brings its own snapshot."""
        return requests.snapshot_request(raw_symbol, depth)

    def read_snapshot(
        self, body: bytes, depth: int, instrument: Instrument | None = None
    ) -> Snapshot:
        """The snapshot in the reply. Raises WireError."""
        return requests.read_snapshot(self.name, body, depth)

    def read_error(self, response: HttpResponse) -> ExchangeError:
        """The error in a reply with status 400 or above; RateLimited where a wait is due."""
        return requests.read_error(self.name, response)

    def _control(
        self, method: str, streams: Sequence[Stream], first_request_id: int
    ) -> list[bytes]:
        """Messages for all streams, ids counting up; a channel is named once."""
        names = list(dict.fromkeys(self.channel_name(each) for each in streams))
        size = CHANNELS_PER_MESSAGE
        chunks = [names[i : i + size] for i in range(0, len(names), size)]
        return [
            msgspec.json.encode(
                {
                    "jsonrpc": "2.0",
                    "id": first_request_id + index,
                    "method": method,
                    "params": {"channels": chunk},
                }
            )
            for index, chunk in enumerate(chunks)
        ]


DERIBIT = Deribit()
