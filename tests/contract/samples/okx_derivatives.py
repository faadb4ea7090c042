"""OKX swaps, from the API v5 guide, snapshot of 2026-07-28; a contract is 0.01 BTC."""

from tests.contract.sample import Sample, Top
from tests.exchanges import okx_frames as frames
from workers.exchanges.okx.exchange import OKX_DERIVATIVES


def book(action: str, before: int, last: int, bids: list[list[str]], asks: list[list[str]]):
    found = frames.row(frames.SWAP_UPDATE, prevSeqId=before, seqId=last, bids=bids, asks=asks)
    return found.replace(b'"update"', b'"%s"' % action.encode())


SAMPLE = Sample(
    exchange=OKX_DERIVATIVES,
    instruments=(
        frames.reply(frames.SWAP_ROW, frames.INVERSE_ROW),
        frames.reply(frames.FUTURE_ROW),
    ),
    symbol="BTC-USDT-PERP",
    frames={
        "trade": frames.TRADES.replace(b'"trades"', b'"trades-all"').replace(b',"count":"10"', b""),
        "aggregate-trade": frames.TRADES,
        "orderbook": frames.SWAP_UPDATE,
        "ticker": frames.TICKERS,
        "book-ticker": frames.BBO,
        "kline": frames.CANDLE,
        "kline-1h": frames.CANDLE.replace(b"candle1m", b"candle1H"),
        "funding-rate": frames.FUNDING,
        "mark-price": frames.MARK,
        "index-price": frames.INDEX,
        "open-interest": frames.OPEN_INTEREST,
        "liquidation": frames.LIQUIDATIONS,
        "instrument": frames.INSTRUMENTS,
    },
    trade=("63913.4", "0.3495"),
    book=book("snapshot", -1, 40, [["100.5", "3", "0", "1"]], [["100.6", "200", "0", "2"]]),
    updates=(
        book("update", 40, 57, [["100.5", "0", "0", "0"], ["100.4", "12.5", "0", "4"]], []),
        book("update", 57, 58, [], [["100.7", "1", "0", "1"]]),
    ),
    top=Top(58, ("100.4", "0.125"), ("100.6", "2.00")),
    others={
        "funding-rate": "BTC-USD-PERP",
        "liquidation": "BTC-USD-PERP",
        "instrument": "SPCX-USDT-PERP",
    },
)
