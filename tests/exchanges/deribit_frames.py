"""Messages as Deribit documents them (docs.deribit.com, snapshot of 2026-07/09) or was measured."""

import json

from workers.exchanges.deribit.exchange import DERIBIT
from workers.exchanges.deribit.names import instrument_named
from workers.model.instrument import Instrument

RECEIVED_NS = 1_790_133_900_000_000_000

INSTRUMENTS = (
    b'{"jsonrpc":"2.0","result":['
    b'{"price_index":"btc_usd","kind":"future","instrument_name":"BTC-PERPETUAL","state":"open",'
    b'"is_active":true,"instrument_type":"reversed","future_type":"reversed",'
    b'"underlying_type":"crypto","base_currency":"BTC","quote_currency":"USD",'
    b'"counter_currency":"USD","settlement_currency":"BTC","settlement_period":"perpetual",'
    b'"contract_size":10.0,"min_trade_amount":10.0,"tick_size":0.5,"tick_size_steps":[],'
    b'"creation_timestamp":1534167754000,"expiration_timestamp":32503708800000,'
    b'"instrument_id":124972,"max_leverage":50,"maker_commission":0.0,"taker_commission":0.0005},'
    b'{"price_index":"eth_usd","kind":"future","instrument_name":"ETH-PERPETUAL","state":"open",'
    b'"base_currency":"ETH","quote_currency":"USD","counter_currency":"USD",'
    b'"settlement_currency":"ETH","settlement_period":"perpetual","contract_size":1.0,'
    b'"min_trade_amount":1.0,"tick_size":0.05,"expiration_timestamp":32503708800000},'
    b'{"price_index":"sol_usdc","kind":"future","instrument_name":"SOL_USDC-PERPETUAL",'
    b'"state":"open","base_currency":"SOL","quote_currency":"USDC","counter_currency":"USDC",'
    b'"settlement_currency":"USDC","settlement_period":"perpetual","contract_size":0.1,'
    b'"min_trade_amount":0.1,"tick_size":1.0e-2,"expiration_timestamp":32503708800000},'
    b'{"price_index":"btc_usd","kind":"future","instrument_name":"BTC-5JUN26","state":"halted",'
    b'"base_currency":"BTC","quote_currency":"USD","counter_currency":"USD",'
    b'"settlement_currency":"BTC","settlement_period":"week","contract_size":10.0,'
    b'"min_trade_amount":10.0,"tick_size":2.5,"expiration_timestamp":1780646400000},'
    b'{"price_index":"btc_usd","kind":"option","instrument_name":"BTC-27MAR26-100000-C",'
    b'"state":"open","base_currency":"BTC","quote_currency":"BTC","counter_currency":"USD",'
    b'"settlement_currency":"BTC","settlement_period":"month","contract_size":1.0,'
    b'"min_trade_amount":0.1,"tick_size":0.0001,"strike":100000.0,"option_type":"call",'
    b'"expiration_timestamp":1774598400000},'
    b'{"price_index":"xrp_usdc","kind":"option","instrument_name":"XRP_USDC-30JUN26-0d625-P",'
    b'"state":"open","base_currency":"XRP","quote_currency":"USDC","counter_currency":"USDC",'
    b'"settlement_currency":"USDC","settlement_period":"month","contract_size":1000.0,'
    b'"min_trade_amount":1000.0,"tick_size":0.0001,"strike":0.625,"option_type":"put",'
    b'"expiration_timestamp":1782806400000},'
    b'{"price_index":"btc_usdc","kind":"spot","instrument_name":"BTC_USDC","state":"open",'
    b'"base_currency":"BTC","quote_currency":"USDC","counter_currency":"USDC",'
    b'"contract_size":0.0001,"min_trade_amount":0.0001,"tick_size":1.0,'
    b'"expiration_timestamp":32503708800000},'
    b'{"kind":"future_combo","instrument_name":"BTC-FS-25DEC26_PERP","state":"open",'
    b'"base_currency":"BTC","quote_currency":"USD","counter_currency":"USD",'
    b'"settlement_currency":"BTC","contract_size":10.0,"min_trade_amount":10.0,"tick_size":0.5}'
    b'],"usIn":1790133840888348,"usOut":1790133840889867,"usDiff":1519,"testnet":false}'
)

SNAPSHOT = (
    b'{"jsonrpc":"2.0","method":"subscription","params":{"channel":"book.ETH-PERPETUAL.100ms",'
    b'"data":{"timestamp":1790133840638,"type":"snapshot","change_id":136069961946,'
    b'"instrument_name":"ETH-PERPETUAL","bids":[["new",2772.5,2772.5],["new",2772.0,7207.2]],'
    b'"asks":[["new",2773.0,53],["new",2773.05,4.2e3]]}}}'
)
CHANGE = (
    b'{"jsonrpc":"2.0","method":"subscription","params":{"channel":"book.ETH-PERPETUAL.100ms",'
    b'"data":{"timestamp":1790133840738,"type":"change","prev_change_id":136069961946,'
    b'"change_id":136069962101,"instrument_name":"ETH-PERPETUAL",'
    b'"bids":[["change",2772.5,2500.0],["delete",2772.0,0.0],["new",2772.55,30.0]],"asks":[]}}}'
)
LINEAR_SNAPSHOT = (
    b'{"jsonrpc":"2.0","method":"subscription","params":{"channel":"book.SOL_USDC-PERPETUAL.100ms",'
    b'"data":{"timestamp":1790133840638,"type":"snapshot","change_id":7,'
    b'"instrument_name":"SOL_USDC-PERPETUAL","bids":[["new",1.5e2,2.5e1]],'
    b'"asks":[["new",150.01,0.1],["new",151.00,6.55e-6]]}}}'
)
TOP_BOOK = (
    b'{"jsonrpc":"2.0","method":"subscription","params":{"channel":'
    b'"book.SOL_USDC-PERPETUAL.none.10.100ms","data":{"timestamp":1769246173071,'
    b'"change_id":136725664747,"instrument_name":"SOL_USDC-PERPETUAL",'
    b'"bids":[[150.0,2.5]],"asks":[[150.5,9.1],[151.0,1.0e1]]}}}'
)
TRADES = (
    b'{"jsonrpc":"2.0","method":"subscription","params":{"channel":"trades.BTC-PERPETUAL.100ms",'
    b'"data":[{"timestamp":1786740206308,"price":62500.0,"direction":"buy",'
    b'"instrument_name":"BTC-PERPETUAL","index_price":62860.11,"trade_id":"416203311",'
    b'"trade_seq":296244199,"amount":250.0,"mark_price":62863.68,"tick_direction":0,'
    b'"starbase_match_id":214121762240081920,"contracts":25.0,'
    b'"starbase_timestamp":1786740206308878197},{"timestamp":1786740206309,"price":64000.0,'
    b'"direction":"sell","instrument_name":"BTC-PERPETUAL","index_price":62860.12,'
    b'"trade_id":"416203312","trade_seq":296244200,"amount":1.0e3,"mark_price":62863.7,'
    b'"tick_direction":1,"starbase_match_id":214121762240081921,"contracts":100.0,'
    b'"starbase_timestamp":1786740206309878197}]}}'
)
TICKER = (
    b'{"jsonrpc":"2.0","method":"subscription","params":{"channel":"ticker.BTC-PERPETUAL.100ms",'
    b'"data":{"timestamp":1765541474086,"state":"open","stats":{"high":93612.0,"low":89277.5,'
    b'"price_change":2.3275,"volume":11897.27640428,"volume_usd":1092371540.0,'
    b'"volume_notional":1092371540.0},"index_price":92263.55,"instrument_name":"BTC-PERPETUAL",'
    b'"last_price":92283.5,"settlement_price":92464.66,"min_price":90897.5,"max_price":93666.5,'
    b'"open_interest":1000000000.0,"mark_price":80000.0,'
    b'"interest_value":0.0028213400122472977,"best_ask_price":100000.0,"best_bid_price":80000.0,'
    b'"best_ask_amount":250000.0,"best_bid_amount":120000.0,"estimated_delivery_price":92263.55,'
    b'"current_funding":-1.742e-5,"funding_8h":1.742e-5}}}'
)
OPTION_TICKER = (
    b'{"jsonrpc":"2.0","method":"subscription","params":{"channel":'
    b'"ticker.BTC-27MAR26-100000-C.100ms","data":{"underlying_price":95000.5,'
    b'"underlying_index":"BTC-27MAR26","timestamp":1765541474086,"stats":{"volume":16.7,'
    b'"price_change":-18.1818,"low":0.009,"high":0.011,"volume_usd":15000.0},"state":"open",'
    b'"settlement_price":0.01,"open_interest":1767.5,"min_price":0.0001,"max_price":0.038,'
    b'"mark_price":0.0084,"mark_iv":67.7,"last_price":null,"interest_rate":0.0,'
    b'"instrument_name":"BTC-27MAR26-100000-C","index_price":92263.55,"greeks":{"vega":20.05335,'
    b'"theta":-5.65962,"rho":4.91491,"gamma":0.00001,"delta":0.05785},'
    b'"estimated_delivery_price":92263.55,"bid_iv":0.0,"best_bid_price":0.0,"best_bid_amount":0.0,'
    b'"best_ask_price":null,"best_ask_amount":0.0,"ask_iv":68.65}}}'
)
QUOTE = (
    b'{"jsonrpc":"2.0","method":"subscription","params":{"channel":"quote.BTC-PERPETUAL",'
    b'"data":{"timestamp":1765541767174,"instrument_name":"BTC-PERPETUAL",'
    b'"best_bid_price":80000.0,"best_bid_amount":120000.0,"best_ask_price":100000.0,'
    b'"best_ask_amount":250000.0}}}'
)
PERPETUAL = (
    b'{"jsonrpc":"2.0","method":"subscription","params":{"channel":'
    b'"perpetual.BTC-PERPETUAL.100ms","data":{"interest":1.423e-4,"index_price":86744.11,'
    b'"timestamp":1790133840887}}}'
)
CHART = (
    b'{"jsonrpc":"2.0","method":"subscription","params":{"channel":"chart.trades.BTC-PERPETUAL.1",'
    b'"data":{"tick":1767200040000,"open":87490.0,"high":87500.0,"low":87465.0,"close":87474.0,'
    b'"volume":0.95978896,"cost":83970.0}}}'
)
VOLATILITY = (
    b'{"jsonrpc":"2.0","method":"subscription","params":{"channel":'
    b'"deribit_volatility_index.btc_usd","data":{"timestamp":1619777946007,"volatility":129.36,'
    b'"index_name":"btc_usd"}}}'
)
INDEX_PRICE = (
    b'{"jsonrpc":"2.0","method":"subscription","params":{"channel":"deribit_price_index.btc_usd",'
    b'"data":{"timestamp":1619777946007,"price":86744.11,"index_name":"btc_usd"}}}'
)
STATE = (
    b'{"jsonrpc":"2.0","method":"subscription","params":{"channel":"instrument.state.future.any",'
    b'"data":{"timestamp":1768291200000,"state":"settlement","instrument_name":"BTC-5JUN26"}}}'
)
LOCKED = (
    b'{"jsonrpc":"2.0","method":"subscription","params":{"channel":"platform_state",'
    b'"data":{"price_index":"sol_usdc","locked":true,"reasons":[]}}}'
)
MAINTENANCE = (
    b'{"jsonrpc":"2.0","method":"subscription","params":{"channel":"platform_state",'
    b'"data":{"maintenance":true}}}'
)
TEST_REQUEST = b'{"params":{"type":"test_request"},"method":"heartbeat","jsonrpc":"2.0"}'
HEARTBEAT = b'{"jsonrpc":"2.0","method":"heartbeat","params":{"type":"heartbeat"}}'

DATA = {
    "snapshot": SNAPSHOT,
    "change": CHANGE,
    "linear-snapshot": LINEAR_SNAPSHOT,
    "top-book": TOP_BOOK,
    "trades": TRADES,
    "ticker": TICKER,
    "option-ticker": OPTION_TICKER,
    "quote": QUOTE,
    "perpetual": PERPETUAL,
    "chart": CHART,
    "volatility": VOLATILITY,
    "index-price": INDEX_PRICE,
    "state": STATE,
    "locked": LOCKED,
    "maintenance": MAINTENANCE,
}


def listed() -> list[Instrument]:
    return DERIBIT.read_instruments(INSTRUMENTS)


def named(raw_symbol: str) -> Instrument:
    found = instrument_named("deribit", raw_symbol)
    assert found is not None
    return found


def mapper():
    return DERIBIT.mapper(listed())


def notification(channel: str, data: object) -> bytes:
    message = {
        "jsonrpc": "2.0",
        "method": "subscription",
        "params": {"channel": channel, "data": data},
    }
    return json.dumps(message, separators=(",", ":")).encode()


def changed(frame: bytes, **fields: object) -> bytes:
    """The frame with other values in its data, or in its only row; "gone" removes a field."""
    message = json.loads(frame)
    data = message["params"]["data"]
    rows = data if isinstance(data, list) else [data]
    for row in rows:
        row |= fields
        for name, value in fields.items():
            if value == "gone":
                del row[name]
    return json.dumps(message, separators=(",", ":")).encode()
