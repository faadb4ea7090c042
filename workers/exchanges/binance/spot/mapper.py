"""Binance spot frames to events; what USD-M shares is in the folder above."""

from collections.abc import Sequence

from workers.exchanges.binance.mapper import BinanceMapper, Build, Trades, kline_shape
from workers.exchanges.binance.messages import INTERVALS, BinanceAggTrade
from workers.exchanges.binance.shapes import Shape, shape
from workers.exchanges.binance.spot.messages import (
    BinanceBookTicker,
    BinanceDepthUpdate,
    BinanceTicker,
    BinanceTrade,
)
from workers.exchanges.binance.unusual import PARTIAL_DEPTH
from workers.model.events import BookDelta, Ticker
from workers.model.instrument import Instrument

UNCOLLECTED = frozenset(
    {
        PARTIAL_DEPTH,
        "24hrMiniTicker",
        "1hTicker",
        "4hTicker",
        "1dTicker",
        "avgPrice",
        "referencePrice",
        "blockTrade",  # off the book, ids of its own: not part of the trade tape
    }
)
"""Market data events that exist and that we do not collect."""

TRADE = shape("trade", "@trade", BinanceTrade, unread="M", optional="ba")
AGGREGATE = shape("aggTrade", "@aggTrade", BinanceAggTrade, unread="M")
DEPTH = shape("depthUpdate", ("@depth@100ms", "@depth"), BinanceDepthUpdate)
TICKER = shape("24hrTicker", "@ticker", BinanceTicker, unread="pPwxQOCFLn")
BOOK_TICKER = shape("bookTicker", "@bookTicker", BinanceBookTicker, optional="eET")
KLINE = kline_shape(("1s", *INTERVALS))


class SpotMapper(BinanceMapper):
    """Turns frames of Binance spot, raw or combined, into events.

    Args:
        exchange: the name events carry.
        instruments: the symbols it may meet; any other is a WireError unknown_symbol.
    """

    def __init__(self, exchange: str, instruments: Sequence[Instrument]) -> None:
        builds: list[tuple[Shape, Build]] = [
            (DEPTH, self._delta),
            (TICKER, self._ticker),
            (BOOK_TICKER, self._book_ticker),
            (KLINE, self._kline),
        ]
        trades = [
            Trades(TRADE, "t", self._single_trades),
            Trades(AGGREGATE, "afl", self._aggregates),
        ]
        super().__init__(exchange, instruments, builds, trades, UNCOLLECTED)

    def _delta(self, message: BinanceDepthUpdate, frame: bytes, received_ns: int) -> BookDelta:
        first, last = self._update_ids(message.U, message.u, frame)
        instrument = self._instrument(message.s, frame)
        return BookDelta(
            exchange=self._exchange,
            market_type=instrument.market_type,
            symbol=instrument.symbol,
            raw_symbol=message.s,
            exchange_ns=self._checks.ns(message.E, frame),
            received_ns=received_ns,
            first_update_id=first,
            last_update_id=last,
            bids=message.b,
            asks=message.a,
        )

    def _ticker(self, message: BinanceTicker, frame: bytes, received_ns: int) -> Ticker:
        bid, ask = self._checks.quotes(message.b, message.B, message.a, message.A, frame)
        day = (message.c, message.o, message.h, message.l, message.v, message.q)
        self._checks.numbers(day, (), frame)
        instrument = self._instrument(message.s, frame)
        return Ticker(
            exchange=self._exchange,
            market_type=instrument.market_type,
            symbol=instrument.symbol,
            raw_symbol=message.s,
            exchange_ns=self._checks.ns(message.E, frame),
            received_ns=received_ns,
            best_bid_price=bid[0],
            best_bid_quantity=bid[1],
            best_ask_price=ask[0],
            best_ask_quantity=ask[1],
            last_price=message.c,
            open_24h=message.o,
            high_24h=message.h,
            low_24h=message.l,
            volume_24h=message.v,
            quote_volume_24h=message.q,
        )

    def _book_ticker(self, message: BinanceBookTicker, frame: bytes, received_ns: int) -> Ticker:
        self._checks.numbers((), (message.u,), frame)
        bid, ask = self._checks.quotes(message.b, message.B, message.a, message.A, frame)
        instrument = self._instrument(message.s, frame)
        return Ticker(
            exchange=self._exchange,
            market_type=instrument.market_type,
            symbol=instrument.symbol,
            raw_symbol=message.s,
            exchange_ns=None if message.E is None else self._checks.ns(message.E, frame),
            received_ns=received_ns,
            best_bid_price=bid[0],
            best_bid_quantity=bid[1],
            best_ask_price=ask[0],
            best_ask_quantity=ask[1],
        )
