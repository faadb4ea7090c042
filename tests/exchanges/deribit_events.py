"""What the documented frames of deribit_frames.py must become."""

from tests.exchanges.deribit_frames import (
    RECEIVED_NS,
)
from workers.book.sequence import Snapshot
from workers.exchanges.base import BookReset, ShutdownNotice
from workers.model.events import (
    BookDelta,
    FundingRate,
    InstrumentChange,
    Kline,
    OpenInterest,
    Ticker,
    Trade,
    VolatilityIndex,
)


def common(raw_symbol: str, symbol: str, exchange_ms: int | None, market: str = "perpetual"):
    return {
        "exchange": "deribit",
        "market_type": market,
        "symbol": symbol,
        "raw_symbol": raw_symbol,
        "exchange_ns": None if exchange_ms is None else exchange_ms * 1_000_000,
        "received_ns": RECEIVED_NS,
    }


BTC = ("BTC-PERPETUAL", "BTC-USD-PERP")
ETH = ("ETH-PERPETUAL", "ETH-USD-PERP")
OPTION = ("BTC-27MAR26-100000-C", "BTC-USD-260327-100000-C")
BEST = {
    "best_bid_price": "80000.0",
    "best_bid_quantity": "1.5",
    "best_ask_price": "100000.0",
    "best_ask_quantity": "2.5",
}
FUTURE_FACTS = {
    "base": "BTC",
    "quote": "USD",
    "settle": "BTC",
    "tick_size": "2.5",
    "lot_size": "10.0",
    "contract_size": "10.0",
    "expiry_ns": 1780646400000 * 1_000_000,
}

EXPECTED = {
    "snapshot": [
        BookReset(
            "ETH-USD-PERP",
            Snapshot(
                136069961946,
                [("2772.5", "1"), ("2772.0", "2.6")],
                [("2773.0", "0.019112874143526866"), ("2773.05", "1.514577811435062476")],
                True,
                True,
            ),
            1790133840638_000_000,
            RECEIVED_NS,
        )
    ],
    "change": [
        BookDelta(
            **common(*ETH, 1790133840738),
            first_update_id=136069961947,
            last_update_id=136069962101,
            prev_update_id=136069961946,
            bids=[
                ("2772.5", "0.901713255184851217"),
                ("2772.0", "0"),
                ("2772.55", "0.010820363924906674"),
            ],
            asks=[],
        )
    ],
    "linear-snapshot": [
        BookReset(
            "SOL-USDC-PERP",
            Snapshot(
                7,
                [("150", "25")],
                [("150.01", "0.1"), ("151.00", "0.00000655")],
                True,
                True,
            ),
            1790133840638_000_000,
            RECEIVED_NS,
        )
    ],
    "top-book": [
        BookReset(
            "SOL-USDC-PERP",
            Snapshot(
                136725664747,
                [("150.0", "2.5")],
                [("150.5", "9.1"), ("151.0", "10")],
                True,
                True,
            ),
            1769246173071_000_000,
            RECEIVED_NS,
        )
    ],
    "trades": [
        Trade(
            **common(*BTC, 1786740206308),
            trade_id=296244199,
            price="62500.0",
            quantity="0.004",
            side="buy",
            raw_quantity="250.0",
            exchange_trade_id="416203311",
        ),
        Trade(
            **common(*BTC, 1786740206309),
            trade_id=296244200,
            price="64000.0",
            quantity="0.015625",
            side="sell",
            raw_quantity="1000",
            exchange_trade_id="416203312",
        ),
    ],
    "ticker": [
        Ticker(
            **common(*BTC, 1765541474086),
            **BEST,
            last_price="92283.5",
            high_24h="93612.0",
            low_24h="89277.5",
            volume_24h="11897.27640428",
            quote_volume_24h="1092371540.0",
        ),
        FundingRate(
            **common(*BTC, 1765541474086),
            funding_rate="-0.00001742",
            mark_price="80000.0",
            index_price="92263.55",
        ),
        OpenInterest(
            **common(*BTC, 1765541474086),
            open_interest="12500",
            open_interest_value="1000000000.0",
            raw_open_interest="1000000000.0",
        ),
    ],
    "option-ticker": [
        Ticker(
            **common(*OPTION, 1765541474086, "option"),
            high_24h="0.011",
            low_24h="0.009",
            volume_24h="16.7",
        ),
        OpenInterest(**common(*OPTION, 1765541474086, "option"), open_interest="1767.5"),
    ],
    "quote": [Ticker(**common(*BTC, 1765541767174), **BEST)],
    "perpetual": [
        FundingRate(**common(*BTC, 1790133840887), funding_rate="0.0001423", index_price="86744.11")
    ],
    "chart": [
        Kline(
            **common(*BTC, None),
            interval="1m",
            open_time_ns=1767200040000_000_000,
            open="87490.0",
            high="87500.0",
            low="87465.0",
            close="87474.0",
            volume="0.95978896",
            quote_volume="83970.0",
            closed=None,
        )
    ],
    "volatility": [
        VolatilityIndex(
            **common("btc_usd", "BTC-DVOL", 1619777946007, "option"),
            close="129.36",
        )
    ],
    "index-price": [FundingRate(**common(*BTC, 1619777946007), index_price="86744.11")],
    "state": [
        InstrumentChange(
            **common("BTC-5JUN26", "BTC-USD-260605", 1768291200000, "future"),
            status="halted",
            raw_status="settlement",
            **FUTURE_FACTS,
        )
    ],
    "locked": [
        InstrumentChange(
            **common("SOL_USDC-PERPETUAL", "SOL-USDC-PERP", None),
            status="halted",
            raw_status="locked",
            base="SOL",
            quote="USDC",
            settle="USDC",
            tick_size="0.010",
            lot_size="0.1",
            contract_size="0.1",
        )
    ],
    "maintenance": [ShutdownNotice("platform_state: maintenance")],
}
