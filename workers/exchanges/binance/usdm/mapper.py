"""Binance USD-M frames to events; what spot shares is in the folder above.

A raw `depthUpdate` is taken for a change of the book, which is what we subscribe to: the partial
depth streams send the same name and fields, and only the wrapper's stream name tells them apart.
"""

import re
from collections.abc import Sequence
from typing import Any

from workers.exchanges.base import UnusedTradeId
from workers.exchanges.binance.checks import NEWEST_ID
from workers.exchanges.binance.mapper import (
    OTHER_SYMBOL,
    BinanceMapper,
    Build,
    Item,
    Trades,
    kline_shape,
)
from workers.exchanges.binance.messages import INTERVALS, BinanceAggTrade
from workers.exchanges.binance.shapes import Shape, shape
from workers.exchanges.binance.unusual import PARTIAL_DEPTH, Row
from workers.exchanges.binance.usdm.messages import (
    BinanceContractInfo,
    BinanceForcedOrder,
    BinanceForceOrder,
    BinanceMarkPrice,
    BinanceUsdmBookTicker,
    BinanceUsdmDepthUpdate,
    BinanceUsdmTicker,
    BinanceUsdmTrade,
)
from workers.exchanges.binance.usdm.names import expiry_ns, status
from workers.model.events import (
    BookDelta,
    FundingRate,
    InstrumentChange,
    Liquidation,
    OffBook,
    Ticker,
    Trade,
)
from workers.model.instrument import Instrument

RPI_DEPTH = "rpiDepth"
"""Our word for `<symbol>@rpiDepth@500ms`, a book of its own with retail orders in it."""

UNCOLLECTED = frozenset(
    {
        PARTIAL_DEPTH,
        RPI_DEPTH,
        "24hrMiniTicker",
        "continuous_kline",
        "compositeIndex",
        "assetIndexUpdate",
        "EquityUpdate",  # tradingSession, by region
        "CommodityUpdate",
        "KR_EquityUpdate",
        "HK_EquityUpdate",
    }
)
"""Market data events that exist and that we do not collect."""

USD_M, COIN_M = 1, 2
COIN_M_ROW = "COIN-M row"
"""All-symbol streams bring COIN-M since 2026-06-30, in contracts; counted as ignored."""

NO_TRADE = "trade with X=NA"

CHANGES = re.compile(r"[^@]*@depth(@\d+ms)?")

OFF_BOOK: dict[str, OffBook] = {"INSURANCE_FUND": "insurance_fund", "ADL": "adl"}

NEW = ("st", "ps")
TRADE = shape("trade", "@trade", BinanceUsdmTrade, optional=NEW)
AGGREGATE = shape("aggTrade", "@aggTrade", BinanceAggTrade, optional=(*NEW, "nq"))
SPEEDS = ("@depth@100ms", "@depth@500ms", "@depth", "@depth@0ms")
DEPTH = shape("depthUpdate", SPEEDS, BinanceUsdmDepthUpdate, unread="T", optional=NEW)
TICKER = shape("24hrTicker", "@ticker", BinanceUsdmTicker, unread="pPwQOCFLn", optional=NEW)
BOOK_TICKER = shape("bookTicker", "@bookTicker", BinanceUsdmBookTicker, unread="T", optional=NEW)
KLINE = kline_shape(INTERVALS)
MARK_PRICE = shape(
    "markPriceUpdate",
    ("@markPrice@1s", "@markPrice"),
    BinanceMarkPrice,
    optional=(*NEW, "P", "ap"),
)
FORCE_ORDER = shape(
    "forceOrder",
    "@forceOrder",
    BinanceForceOrder,
    optional=NEW,
    nested={"o": (BinanceForcedOrder, "ofl")},
)
CONTRACT_INFO = shape("contractInfo", (), BinanceContractInfo, optional=(*NEW, "ct", "ot", "bks"))


class UsdmMapper(BinanceMapper):
    """Turns frames of Binance USD-M, raw or combined, one symbol's or all symbols', into events.

    Args:
        exchange: the name events carry.
        instruments: the symbols it may meet; any other is a WireError unknown_symbol, or a counted
            nothing where it came with those of all symbols.
    """

    def __init__(self, exchange: str, instruments: Sequence[Instrument]) -> None:
        builds: list[tuple[Shape, Build]] = [
            (DEPTH, self._delta),
            (TICKER, self._ticker),
            (BOOK_TICKER, self._book_ticker),
            (KLINE, self._kline),
            (MARK_PRICE, self._mark_price),
            (FORCE_ORDER, self._liquidation),
            (CONTRACT_INFO, self._contract),
        ]
        trades = [
            Trades(TRADE, "t", self._single_trades, only={"st": USD_M, "X": "MARKET"}),
            Trades(AGGREGATE, "afl", self._aggregates, only={"st": USD_M}),
        ]
        super().__init__(exchange, instruments, builds, trades, UNCOLLECTED)

    def _event(self, row: Row) -> str:
        if row.event == "depthUpdate" and row.stream and not CHANGES.fullmatch(row.stream):
            return RPI_DEPTH if "@rpiDepth" in row.stream else PARTIAL_DEPTH
        return row.event

    def _coin_m(self, st: int) -> bool:
        if st != COIN_M:
            return False
        self.ignored[COIN_M_ROW] += 1
        return True

    def _careful(self, trades: Trades, message: Any, frame: bytes, received_ns: int) -> Item | None:
        if self._coin_m(message.st):
            return None
        item = super()._careful(trades, message, frame, received_ns)
        if isinstance(item, Trade) and not item.aggregate:
            if message.X == "NA" or not (message.p.strip("0.") or message.q.strip("0.")):
                return self._no_trade(message, received_ns)
            item.off_book = OFF_BOOK.get(message.X)
        return item

    def _no_trade(self, message: BinanceUsdmTrade, received_ns: int) -> UnusedTradeId:
        instrument = self._instruments[message.s]
        self.ignored[NO_TRADE] += 1
        return UnusedTradeId(
            exchange=self._exchange,
            market_type=instrument.market_type,
            symbol=instrument.symbol,
            raw_symbol=message.s,
            exchange_ns=message.T * 1_000_000,
            received_ns=received_ns,
            trade_id=message.t,
        )

    def _delta(
        self, message: BinanceUsdmDepthUpdate, frame: bytes, received_ns: int
    ) -> BookDelta | None:
        if self._coin_m(message.st):
            return None
        first, last = self._update_ids(message.U, message.u, frame)
        if not 0 <= message.pu < NEWEST_ID:
            raise self._checks.refused("absurd_number", f"update id pu {message.pu}", frame)
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
            prev_update_id=message.pu,
            bids=message.b,
            asks=message.a,
        )

    def _ticker(self, message: BinanceUsdmTicker, frame: bytes, received_ns: int) -> Ticker | None:
        if self._coin_m(message.st):
            return None
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
            last_price=message.c,
            open_24h=message.o,
            high_24h=message.h,
            low_24h=message.l,
            volume_24h=message.v,
            quote_volume_24h=message.q,
        )

    def _book_ticker(
        self, message: BinanceUsdmBookTicker, frame: bytes, received_ns: int
    ) -> Ticker | None:
        if self._coin_m(message.st):
            return None
        self._checks.numbers((), (message.u,), frame)
        bid, ask = self._checks.quotes(message.b, message.B, message.a, message.A, frame)
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
        )

    def _mark_price(
        self, message: BinanceMarkPrice, frame: bytes, received_ns: int
    ) -> FundingRate | None:
        """The rate is the one predicted for the payment at T; settled ones come over REST."""
        if self._coin_m(message.st):
            return None
        instrument, checks = self._instrument(message.s, frame), self._checks
        return FundingRate(
            exchange=self._exchange,
            market_type=instrument.market_type,
            symbol=instrument.symbol,
            raw_symbol=message.s,
            exchange_ns=checks.ns(message.E, frame),
            received_ns=received_ns,
            funding_rate=checks.signed(message.r, frame),
            funding_time_ns=checks.ns_or_none(message.T, frame),
            mark_price=checks.price(message.p, frame),
            index_price=checks.price(message.i, frame),
        )

    def _liquidation(
        self, message: BinanceForceOrder, frame: bytes, received_ns: int
    ) -> Liquidation | None:
        if self._coin_m(message.st):
            return None
        order, checks = message.o, self._checks
        checks.numbers((order.q, order.z), (), frame)
        instrument = self._instrument(order.s, frame)
        return Liquidation(
            exchange=self._exchange,
            market_type=instrument.market_type,
            symbol=instrument.symbol,
            raw_symbol=order.s,
            exchange_ns=checks.ns(order.T, frame),
            received_ns=received_ns,
            side="sell" if order.S == "SELL" else "buy",
            price=checks.price(order.p, frame),
            average_price=checks.price(order.ap, frame),
            quantity=order.q,
            filled_quantity=order.z,
            status=order.X[:40],
            sampled=True,
        )

    def _contract(
        self, message: BinanceContractInfo, frame: bytes, received_ns: int
    ) -> InstrumentChange | None:
        """A symbol nobody here knows is counted: its name is in exchangeInfo, not in this."""
        if self._coin_m(message.st):
            return None
        instrument = self._instruments.get(message.s)
        if instrument is None:
            self.ignored[OTHER_SYMBOL] += 1
            return None
        self._checks.ns(message.dt, frame)
        return InstrumentChange(
            exchange=self._exchange,
            market_type=instrument.market_type,
            symbol=instrument.symbol,
            raw_symbol=message.s,
            exchange_ns=self._checks.ns(message.E, frame),
            received_ns=received_ns,
            status=status(message.cs),
            raw_status=message.cs[:40],
            base=instrument.base,
            quote=instrument.quote,
            settle=instrument.settle,
            tick_size=instrument.tick_size,
            lot_size=instrument.lot_size,
            contract_size=instrument.contract_size,
            expiry_ns=expiry_ns(message.dt),
        )
