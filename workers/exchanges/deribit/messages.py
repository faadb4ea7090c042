"""What Deribit sends: wire structs with their payload as documented, field names theirs.

Source: docs.deribit.com, api-reference and subscriptions, snapshot of 2026-07/09. Everything is
JSON-RPC 2.0. Numbers are JSON numbers, also `6.55e-6` and `1.0e3`; msgspec makes the Decimal from
their text, so nothing is rounded. Times are milliseconds. Ids may be larger than 2^53.

Structs of the stream refuse fields they do not name: such a frame is read again with care and the
field is counted. Fields typed Unread are known and not used.
"""

from decimal import Decimal
from typing import Generic, Literal, TypeVar

import msgspec

UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What msgspec raises for bytes that are no such JSON: malformed, not UTF-8, nested too deep."""

Unread = msgspec.Raw
NOTHING = msgspec.Raw(b"")

Data = TypeVar("Data")


class DeribitParams(msgspec.Struct, Generic[Data], forbid_unknown_fields=True):
    """`params` of a notification."""

    channel: str
    data: Data
    label: Unread = NOTHING


class DeribitNotification(msgspec.Struct, Generic[Data], forbid_unknown_fields=True):
    """{"jsonrpc":"2.0","method":"subscription","params":{"channel":"quote.BTC-PERPETUAL",...}}."""

    params: DeribitParams[Data]
    method: Unread = NOTHING
    jsonrpc: Unread = NOTHING
    usIn: Unread = NOTHING
    usOut: Unread = NOTHING
    usDiff: Unread = NOTHING
    testnet: Unread = NOTHING


Change = tuple[str, Decimal, Decimal]
"""["new", 2772.65, 2700]: action `new`, `change` or `delete`, price, absolute amount."""


class DeribitBook(msgspec.Struct, forbid_unknown_fields=True):
    """`book.{instrument}.{interval}`: everything once, then changes.

    {"timestamp":1790133840738,"type":"change","prev_change_id":136069961946,
     "change_id":136069962101,"instrument_name":"ETH-PERPETUAL",
     "bids":[["change",2772.65,2500.0],["delete",2772.6,0.0]],"asks":[]}
    A snapshot has no prev_change_id (null and 0 were seen too). change_id counts for many
    instruments together. timestamp: of the change, not of the sending. In 2019 snapshots and
    changes had no type.
    """

    timestamp: int
    change_id: int
    instrument_name: str
    bids: list[Change]
    asks: list[Change]
    type: Literal["snapshot", "change"] | None = None
    prev_change_id: int | None = None


class DeribitTopBook(msgspec.Struct, forbid_unknown_fields=True):
    """`book.{instrument}.{group}.{depth}.{interval}`: the best levels, whole each time.

    {"timestamp":1769246173071,"change_id":136725664747,"instrument_name":"BTC-PERPETUAL",
     "bids":[[89532.5,254900.0]],"asks":[[89533.0,91570.0]]}
    """

    timestamp: int
    change_id: int
    instrument_name: str
    bids: list[tuple[Decimal, Decimal]]
    asks: list[tuple[Decimal, Decimal]]


class DeribitTrade(msgspec.Struct, forbid_unknown_fields=True):
    """One row of `trades.{instrument}.{interval}` and of get_last_trades_*.

    {"timestamp":1786740206308,"price":62863.5,"direction":"buy","instrument_name":"BTC-PERPETUAL",
     "index_price":62860.11,"trade_id":"416203311","trade_seq":296244199,"amount":250.0,
     "mark_price":62863.68,"tick_direction":0,"starbase_match_id":214121762240081920,
     "contracts":25.0,"starbase_timestamp":1786740206308878197}
    direction: the taker's. trade_seq: contiguous per instrument, from 1. trade_id: with a prefix
    except for BTC. liquidation: `M`, `T`, `MT`, never on the live stream since 2023-10-03, in REST
    replies an hour later. block_trade_id, block_rfq_id, combo_id: printed away from the book.
    """

    timestamp: int
    price: Decimal
    direction: Literal["buy", "sell"]
    instrument_name: str
    trade_id: str
    trade_seq: int
    amount: Decimal
    liquidation: str | None = None
    block_trade_id: str | None = None
    block_rfq_id: int | str | None = None
    combo_id: str | None = None
    index_price: Unread = NOTHING
    mark_price: Unread = NOTHING
    tick_direction: Unread = NOTHING
    contracts: Unread = NOTHING
    iv: Unread = NOTHING
    starbase_match_id: Unread = NOTHING
    starbase_timestamp: Unread = NOTHING
    block_trade_leg_count: Unread = NOTHING
    combo_trade_id: Unread = NOTHING
    legs: Unread = NOTHING


class DeribitStats(msgspec.Struct, forbid_unknown_fields=True):
    """`stats` of a ticker: 24 h. volume is in base units, price_change in percent."""

    high: Decimal | None = None
    low: Decimal | None = None
    volume: Decimal | None = None
    volume_notional: Decimal | None = None
    volume_usd: Decimal | None = None
    price_change: Unread = NOTHING


class DeribitTicker(msgspec.Struct, forbid_unknown_fields=True):
    """`ticker.{instrument}.{interval}`, incremental_ticker's snapshot and public/ticker.

    {"timestamp":1765541474086,"state":"open","stats":{"high":93612.0,"low":89277.5,
     "price_change":2.3275,"volume":11897.27640428,"volume_usd":1092371540.0,
     "volume_notional":1092371540.0},"index_price":92263.55,"instrument_name":"BTC-PERPETUAL",
     "last_price":92283.5,"open_interest":1132329370.0,"mark_price":92281.78,
     "best_ask_price":92284.0,"best_bid_price":92283.5,"best_ask_amount":186520.0,
     "best_bid_amount":117660.0,"current_funding":0.0,"funding_8h":1.742e-5, ...}
    current_funding: the rate of now, for 8 h; funding_8h: paid over the last 8 h. An empty side has
    price null or 0 and amount 0. Options have volatilities and greeks instead of funding.
    """

    timestamp: int
    instrument_name: str
    stats: DeribitStats
    best_bid_price: Decimal | None = None
    best_bid_amount: Decimal | None = None
    best_ask_price: Decimal | None = None
    best_ask_amount: Decimal | None = None
    last_price: Decimal | None = None
    mark_price: Decimal | None = None
    index_price: Decimal | None = None
    open_interest: Decimal | None = None
    current_funding: Decimal | None = None
    type: str | None = None
    state: Unread = NOTHING
    settlement_price: Unread = NOTHING
    delivery_price: Unread = NOTHING
    min_price: Unread = NOTHING
    max_price: Unread = NOTHING
    interest_value: Unread = NOTHING
    estimated_delivery_price: Unread = NOTHING
    funding_8h: Unread = NOTHING
    underlying_price: Unread = NOTHING
    underlying_index: Unread = NOTHING
    mark_iv: Unread = NOTHING
    bid_iv: Unread = NOTHING
    ask_iv: Unread = NOTHING
    interest_rate: Unread = NOTHING
    greeks: Unread = NOTHING
    implied_bid: Unread = NOTHING
    implied_ask: Unread = NOTHING
    combo_state: Unread = NOTHING


class DeribitQuote(msgspec.Struct, forbid_unknown_fields=True):
    """`quote.{instrument}`: best bid and ask when they change.

    {"timestamp":1765541767174,"instrument_name":"BTC-PERPETUAL","best_bid_price":92288.0,
     "best_bid_amount":133440.0,"best_ask_price":92288.5,"best_ask_amount":99470.0}
    """

    timestamp: int
    instrument_name: str
    best_bid_price: Decimal | None = None
    best_bid_amount: Decimal | None = None
    best_ask_price: Decimal | None = None
    best_ask_amount: Decimal | None = None


class DeribitPerpetual(msgspec.Struct, forbid_unknown_fields=True):
    """`perpetual.{instrument}.{interval}`; interest: the funding rate of now, for 8 h.

    {"interest":1.423e-4,"index_price":86744.11,"timestamp":1790133840887}
    """

    timestamp: int
    interest: Decimal
    index_price: Decimal | None = None


class DeribitCandle(msgspec.Struct, forbid_unknown_fields=True):
    """`chart.trades.{instrument}.{resolution}`; nothing says that a candle is closed.

    {"tick":1767200040000,"open":87490.0,"high":87500.0,"low":87465.0,"close":87474.0,
     "volume":0.95978896,"cost":83970.0}
    tick: when it opened. volume: base units; cost: quote units, of an option the premium.
    """

    tick: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal
    cost: Decimal


class DeribitVolatility(msgspec.Struct, forbid_unknown_fields=True):
    """`deribit_volatility_index.{index}`: percent a year.

    {"timestamp":1619777946007,"volatility":129.36,"index_name":"btc_usd"}
    """

    timestamp: int
    volatility: Decimal
    index_name: str
    estimated_delivery: Unread = NOTHING


class DeribitIndexPrice(msgspec.Struct, forbid_unknown_fields=True):
    """`deribit_price_index.{index}`: {"timestamp":..,"price":86744.11,"index_name":"btc_usd"}."""

    timestamp: int
    price: Decimal
    index_name: str


class DeribitState(msgspec.Struct, forbid_unknown_fields=True):
    """`instrument.state.{kind}.{currency}`.

    {"timestamp":1768291200000,"state":"open","instrument_name":"BTC-27MAR26"}
    """

    timestamp: int
    state: str
    instrument_name: str


class DeribitPlatform(msgspec.Struct, forbid_unknown_fields=True):
    """`platform_state`: {"price_index":"sol_usdc","locked":true} or {"maintenance":true}.

    Chatty: hundreds a minute that say `locked: false`.
    """

    price_index: str | None = None
    locked: bool | None = None
    maintenance: bool | None = None
    reasons: Unread = NOTHING


class DeribitInstrument(msgspec.Struct):
    """A row of get_instruments; instrument.creation brings the same object.

    {"price_index":"btc_usd","kind":"future","instrument_name":"BTC-PERPETUAL","state":"open",
     "is_active":true,"instrument_type":"reversed","base_currency":"BTC","quote_currency":"USD",
     "counter_currency":"USD","settlement_currency":"BTC","settlement_period":"perpetual",
     "contract_size":10.0,"min_trade_amount":10.0,"tick_size":0.5,
     "expiration_timestamp":32503708800000, ...}
    kind: future, option, spot, future_combo, option_combo. counter_currency is the quote;
    quote_currency of an inverse option is the coin its premium is paid in. state is there since
    2026-01-13. A perpetual expires in the year 3000.
    """

    instrument_name: str
    kind: str
    base_currency: str
    quote_currency: str
    tick_size: Decimal
    min_trade_amount: Decimal
    contract_size: Decimal
    counter_currency: str | None = None
    settlement_currency: str | None = None
    settlement_period: str | None = None
    expiration_timestamp: int | None = None
    strike: Decimal | None = None
    option_type: str | None = None
    state: str | None = None
    is_active: bool = True
