from workers.collector.continuity import Hole, TradeContinuity
from workers.exchanges.base import UnusedTradeId
from workers.model.events import Trade


def trade(trade_id: int, received_ns: int = 0) -> Trade:
    return Trade(
        exchange="binance_spot",
        market_type="spot",
        symbol="BTC-USDT",
        raw_symbol="BTCUSDT",
        exchange_ns=None,
        received_ns=received_ns,
        trade_id=trade_id,
        price="1",
        quantity="1",
        side="buy",
    )


def test_consecutive_ids_have_no_hole():
    ids = TradeContinuity()
    assert [ids.take(trade(each)) for each in (7, 8, 9)] == [None, None, None]


def test_a_jump_is_a_hole_with_both_ends_inclusive():
    ids = TradeContinuity()
    ids.take(trade(7, received_ns=70))
    assert ids.take(trade(11)) == Hole(8, 10, 70, "sequence")


def test_a_jump_after_a_disconnect_is_the_connections():
    ids = TradeContinuity()
    ids.take(trade(7, received_ns=70))
    ids.disconnected()
    assert ids.take(trade(9)) == Hole(8, 8, 70, "disconnect")
    assert ids.take(trade(12)) == Hole(10, 11, 0, "sequence")


def test_a_repeated_or_older_id_is_counted_and_no_hole():
    ids = TradeContinuity()
    ids.take(trade(7))
    ids.take(trade(8))
    assert ids.take(trade(7)) is None
    assert ids.take(trade(8)) is None
    assert ids.repeated == 2
    assert ids.take(trade(9)) is None


def test_an_id_nobody_traded_under_is_no_hole_and_hides_none():
    ids, unused = TradeContinuity(), ("binance_derivatives", "perpetual", "B-U", "BU", None, 80)
    ids.take(trade(7, received_ns=70))
    assert ids.take(UnusedTradeId(*unused, trade_id=8)) is None
    assert ids.take(trade(9)) is None
    assert ids.take(UnusedTradeId(*unused, trade_id=11)) == Hole(10, 10, 0, "sequence")
