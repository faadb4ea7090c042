"""OKX as the shared code sees it: two exchanges that speak one language; the rest is next door.

Source: OKX API v5 guide, "Overview", "WebSocket" and "Connect", snapshot of 2026-07-28.

What follows from how OKX is, and is not for the mapper to solve: before trading begins a book may
stand crossed, so books of instruments that are not `trading` are not to be kept; after a rename an
old subscription goes on under the new id, which is an unknown symbol here until it is subscribed
anew; `books` leaves out the orders of the retail program that `tickers` and trades contain, so
their best prices may differ; a candle's last message may never say that it is closed.
"""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from workers.book.sequence import Sequencer, Snapshot
from workers.exchanges.base import Heartbeat, Limits, Stream, every_stream
from workers.exchanges.okx import requests
from workers.exchanges.okx.contracts import Contract
from workers.exchanges.okx.history import HISTORY, PERIODS
from workers.exchanges.okx.mapper import OkxMapper
from workers.exchanges.okx.polling import ASKS
from workers.exchanges.okx.rows import BARS
from workers.exchanges.okx.sequence import OkxSequencer
from workers.exchanges.okx.symbols import INST_TYPES, index_of, market_type
from workers.exchanges.okx.unusual import stream_name
from workers.model.errors import ExchangeError
from workers.model.http import HttpRequest, HttpResponse
from workers.model.instrument import Instrument, MarketType

SPOT_CHANNELS = {
    "trade": "trades-all",
    "aggregate-trade": "trades",
    "orderbook": "books",
    "ticker": "tickers",
    "book-ticker": "bbo-tbt",
    "kline": "candle1m",
    "instrument": "instruments",
}
"""What each of our channels is called there; `kline-5m` and the like are made from BARS."""

DERIVATIVES_CHANNELS = SPOT_CHANNELS | {
    "funding-rate": "funding-rate",
    "mark-price": "mark-price",
    "index-price": "index-tickers",
    "open-interest": "open-interest",
    "liquidation": "liquidation-orders",
}

FOR_ALL = frozenset({"instruments", "liquidation-orders"})
"""Subscribed once for all instruments of a kind; an instrument is refused (60018)."""

SHARED = FOR_ALL | {"index-tickers"}
"""One subscription serves several instruments."""

PERPETUAL_ONLY = frozenset({"funding-rate"})
"""Channels that dated futures do not have."""

ARGS_PER_MESSAGE = 300
""""The total length of args cannot exceed 64 KB"; 300 stay below 30 KB."""

Arg = dict[str, str]


class Okx:
    """Declares one of the exchanges of OKX.

    Args:
        name: our name of it.
        market_type: of most of its instruments; each has its own.
        channels: what each of our channels is called there.
        inst_types: the kinds of instruments it lists, the first is what it is asked for.
    """

    books_from_stream = True
    answers_each_stream = True
    indices: Sequence[Instrument] = ()
    heartbeat = Heartbeat(message=b"ping", after_s=25.0)  # text; cut after 30 s without a push
    limits = Limits(
        streams_per_connection=100,  # "fewer than 30 order book channels": four or five a symbol
        control_messages=480,  # "480 times per hour" for each connection, all args in one count
        control_window_s=3600.0,
        connects=3,  # "3 requests per second (based on IP)"
        connect_window_s=1.0,
        weight=100,  # there is none: each endpoint has its own limit, the highest is 100 in 2 s
        weight_window_s=2.0,
        used_weight_header=None,
        max_age_s=None,  # none is documented; 64008 announces an end 60 s ahead
        buckets=requests.BUCKETS,
        counted_as="okx",  # limits are of the address; spot and swaps ask the same endpoints
        pauses_bucket_alone=True,  # each endpoint has a limit of its own
    )

    def __init__(
        self,
        name: str,
        market_type: MarketType,
        channels: Mapping[str, str],
        inst_types: tuple[str, ...],
    ) -> None:
        self.name, self.market_type = name, market_type
        candles = (f"kline-{interval}" for interval in BARS if interval != "1m")
        self.channels: Sequence[str] = (*channels, *candles)
        self._channels, self._inst_types = channels, inst_types
        self.asks = ASKS.get(name, {})
        self.trade_history = HISTORY
        self.period_history = PERIODS
        self.shared_channels = frozenset(each for each in channels if channels[each] in SHARED)

    def streams(self, instruments: Sequence[Instrument], channels: Sequence[str]) -> list[Stream]:
        """Every channel of every instrument, but no funding rates of dated futures."""
        perpetuals = {each.symbol for each in instruments if each.market_type == "perpetual"}
        return [
            each
            for each in every_stream(instruments, channels)
            if each.channel not in PERPETUAL_ONLY or each.symbol in perpetuals
        ]

    def stream_url(self, ws_url: str, channel: str) -> str:
        """`.../ws/v5/business` for single trades and candles, `.../ws/v5/public` for the others.

        A channel on the wrong one is an error: 60018, 64001, 64002.
        """
        root = ws_url.rstrip("/").removesuffix("/public").removesuffix("/business")
        theirs = self._theirs(channel)
        business = theirs == "trades-all" or theirs.startswith("candle")
        return f"{root}/{'business' if business else 'public'}"

    def channel_name(self, stream: Stream) -> str:
        """What a stream is called in `Acknowledged.accepted`, `books:BTC-USDT`.

        Raises:
            KeyError: a channel that this exchange does not have.
        """
        return stream_name(self._arg(stream))

    def subscribe(self, streams: Sequence[Stream], first_request_id: int) -> list[bytes]:
        """Subscribe messages. Streams that share a subscription are sent once.

        An answer comes for each channel under the message's id, `accepted` names it; a bad one is
        refused with 60018 while its neighbours are served. Data may come before the answer.
        """
        return _control("subscribe", map(self._arg, streams), first_request_id)

    def unsubscribe(self, streams: Sequence[Stream], first_request_id: int) -> list[bytes]:
        """Unsubscribe messages. Shared subscriptions stay: others may need them."""
        own = (each for each in streams if self._theirs(each.channel) not in SHARED)
        return _control("unsubscribe", map(self._arg, own), first_request_id)

    def mapper(self, instruments: Sequence[Instrument]) -> OkxMapper:
        """A mapper that knows these instruments."""
        return OkxMapper(self.name, instruments)

    def guessing_mapper(self, instruments: Sequence[Instrument] = ()) -> OkxMapper:
        """A mapper for any frame: takes what it does not know from instrument ids.

        Without its contract size, a derivative's quantities stay the exchange's own numbers.
        """
        return OkxMapper(self.name, instruments, guessing=True)

    def sequencer(self, last_id: int) -> Sequencer:
        """The order rule of the channel `books`."""
        return OkxSequencer(last_id)

    def instruments_request(self) -> HttpRequest:
        """GET /api/v5/public/instruments, the first kind: SPOT or SWAP."""
        return requests.instruments_request(self._inst_types[0])

    def instruments_requests(self) -> list[HttpRequest]:
        """The same for every kind that is listed without asking for a family."""
        return [requests.instruments_request(each) for each in self._inst_types]

    def read_instruments(self, body: bytes) -> list[Instrument]:
        """Instruments in the reply. Raises WireError or ExchangeError."""
        return requests.read_instruments(self.name, body)

    def snapshot_request(self, raw_symbol: str, depth: int) -> HttpRequest:
        """GET /api/v5/market/books, for audits: books come from the stream."""
        return requests.snapshot_request(raw_symbol, depth)

    def read_snapshot(
        self, body: bytes, depth: int, instrument: Instrument | None = None
    ) -> Snapshot:
        """The snapshot in the reply. Raises WireError or ExchangeError.

        Raises:
            ValueError: derivatives without an instrument, which the reply does not name: their
                contracts cannot become base units.
        """
        if instrument is None and self.market_type != "spot":
            raise ValueError(f"{self.name}: a snapshot is in contracts, name its instrument")
        contract = None if instrument is None else Contract(instrument)
        return requests.read_snapshot(self.name, body, depth, contract)

    def read_error(self, response: HttpResponse) -> ExchangeError:
        """The error in a reply with status 400 or above; RateLimited for 429, 50011 and 50013."""
        return requests.read_error(self.name, response)

    def _theirs(self, channel: str) -> str:
        """Their name of a channel.

        Raises:
            KeyError: a channel that this exchange does not have.
        """
        if channel.startswith("kline-"):
            return f"candle{BARS[channel.removeprefix('kline-')]}"
        return self._channels[channel]

    def _arg(self, stream: Stream) -> Arg:
        channel = self._theirs(stream.channel)
        if channel in FOR_ALL:
            return {"channel": channel, "instType": INST_TYPES[market_type(stream.raw_symbol)]}
        if channel == "index-tickers":
            return {"channel": channel, "instId": index_of(stream.raw_symbol)}
        return {"channel": channel, "instId": stream.raw_symbol}


def _control(operation: str, args: Iterable[Arg], first_request_id: int) -> list[bytes]:
    """Messages for all args, each once; ids count up."""
    unique = list({tuple(arg.items()): arg for arg in args}.values())
    chunks = [unique[i : i + ARGS_PER_MESSAGE] for i in range(0, len(unique), ARGS_PER_MESSAGE)]
    return [
        msgspec.json.encode({"id": str(first_request_id + i), "op": operation, "args": chunk})
        for i, chunk in enumerate(chunks)
    ]


OKX_SPOT = Okx("okx_spot", "spot", SPOT_CHANNELS, ("SPOT",))
OKX_DERIVATIVES = Okx("okx_derivatives", "perpetual", DERIVATIVES_CHANNELS, ("SWAP", "FUTURES"))
