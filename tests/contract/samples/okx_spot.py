"""OKX spot, from the API v5 guide, snapshot of 2026-07-28."""

from tests.contract.sample import Sample, Top
from tests.exchanges import okx_frames as frames
from workers.exchanges.okx.exchange import OKX_SPOT


def about(frame: bytes, inst_id: str, **facts: str) -> bytes:
    """A documented frame of a swap, about another instrument and in its units."""
    found = frame.replace(b"BTC-USDT-SWAP", inst_id.encode()).replace(b'"SWAP"', b'"SPOT"')
    return frames.row(found, **facts) if facts else found


SAMPLE = Sample(
    exchange=OKX_SPOT,
    instruments=(frames.reply(frames.SPOT_ROW),),
    symbol="BTC-USDT",
    frames={
        "trade": frames.TRADES_ALL,
        "aggregate-trade": about(frames.TRADES, "BTC-USDT"),
        "orderbook": frames.UPDATE,
        "ticker": about(frames.TICKERS, "BTC-USDT"),
        "book-ticker": about(frames.BBO, "BTC-USDT"),
        "kline": about(frames.CANDLE, "BTC-USDT"),
        "kline-5m": about(frames.CANDLE, "BTC-USDT").replace(b"candle1m", b"candle5m"),
        "instrument": frames.row(frames.INSTRUMENTS, **frames.SPOT_ROW).replace(
            b'"instType":"SWAP"', b'"instType":"SPOT"'
        ),
    },
    trade=("42219.9", "0.12060306"),
    book=frames.SNAPSHOT,
    updates=(
        frames.row(frames.UPDATE, prevSeqId=123456, seqId=123459),
        frames.KEEP_ALIVE,
        frames.RESET,
    ),
    top=Top(3, ("8476.97", "256"), ("8477", "7")),
)
