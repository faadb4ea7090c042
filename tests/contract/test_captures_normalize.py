"""Every recorded stream message becomes events without a list of instruments, or says why not."""

import pytest

from tests.contract.recorded import NEEDS_CAPTURES, Vector, vectors
from workers.exchanges import normalize
from workers.model.errors import WireError
from workers.model.events import AnyEvent, FundingRate

pytestmark = NEEDS_CAPTURES

EXCHANGE = {
    "binance_spot": "binance_spot",
    "binance_us": "binance_spot",
    "binance_usdm": "binance_derivatives",
    "okx_spot": "okx_derivatives",
    "okx_swap": "okx_spot",
    "okx_futures": "okx_spot",
    "okx_option": "okx_spot",
    "deribit": "deribit",
}
"""Whose frames these are; those of OKX are given to the wrong one of the two on purpose."""

UNCOLLECTED = {"ws:depth<levels>", "ws:24hrMiniTicker", "ws:continuous_kline", "ws:books5"}

RECORDED = [
    each
    for each in vectors("vectors/dev.jsonl", EXCHANGE)
    if each.endpoint.startswith("ws:") and each.ctx is None
]


def combo(vector: Vector) -> bool:
    """A Deribit combo's name does not say what it is made of."""
    symbol = str(vector.expect.get("symbol"))
    return "_" in symbol.partition("-")[2] or "-CSR" in symbol


def market_type(exchange: str, raw_symbol: str) -> str:
    """The market a name belongs to, for the names that were recorded."""
    last = raw_symbol.rpartition("-")[2]
    if exchange == "binance_spot":
        return "spot"
    if exchange == "binance_derivatives":
        return "future" if raw_symbol[-7:-6] == "_" else "perpetual"
    if last in ("SWAP", "PERPETUAL") or raw_symbol in ("btc_usd", "eth_usd"):
        return "perpetual" if last in ("SWAP", "PERPETUAL") else "option"
    if last in ("C", "P"):
        return "option"
    return "future" if last[-2:].isdigit() else "spot"


@pytest.mark.parametrize("vector", RECORDED, ids=lambda each: each.id)
def test_a_recorded_frame_is_read_without_a_list_of_instruments(vector):
    exchange = EXCHANGE[vector.venue]
    if exchange == "deribit" and combo(vector):
        with pytest.raises(WireError) as caught:
            normalize(exchange, vector.body)
        assert caught.value.kind == "unknown_symbol"
        return
    events = normalize(exchange, vector.body)
    if vector.endpoint in UNCOLLECTED:
        assert events == []
        return
    assert events
    for event in events:
        assert event.market_type == market_type(exchange, event.raw_symbol)
        if exchange.startswith("okx"):
            spot = event.market_type == "spot"
            assert event.exchange == ("okx_spot" if spot else "okx_derivatives")
    if vector.kind != "instrument":
        assert named(events, vector) == {
            each["symbol"] for each in vector.expect.get("messages", [vector.expect])
        }


def named(events: list[AnyEvent], vector: Vector) -> set[str]:
    """Raw symbols; an index of OKX stands for the perpetual below which it is."""
    of_index = vector.endpoint == "ws:index-tickers"
    assert not of_index or all(isinstance(each, FundingRate) for each in events)
    return {each.raw_symbol.removesuffix("-SWAP" if of_index else "") for each in events}
