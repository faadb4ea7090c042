import math

from workers.collector.connection import continuity
from workers.collector.connection.continuity import GRACE_S, Hole, TradeContinuity
from workers.exchanges.base import UnusedTradeId
from workers.model.events import Trade


def trade(trade_id: int, time_ms: int | None = None) -> Trade:
    return Trade(
        exchange="binance_spot",
        market_type="spot",
        symbol="BTC-USDT",
        raw_symbol="BTCUSDT",
        exchange_ns=None if time_ms is None else time_ms * 1_000_000,
        received_ns=0,
        trade_id=trade_id,
        price="1",
        quantity="1",
        side="buy",
    )


def following(*trade_ids: int) -> TradeContinuity:
    ids = TradeContinuity()
    for each in trade_ids:
        ids.take(trade(each), 0.0)
    return ids


def spans(holes: list[Hole]) -> list[tuple[int, int, str]]:
    return [(hole.first_id, hole.last_id, hole.cause) for hole in holes]


def test_consecutive_ids_have_no_hole():
    ids = TradeContinuity()
    assert [ids.take(trade(each), 0.0) for each in (7, 8, 9)] == ["new"] * 3
    assert ids.due(math.inf) == []


def test_a_jump_is_a_hole_with_both_ends_inclusive_once_its_grace_is_over():
    ids = following(7, 11)
    assert ids.due(GRACE_S - 0.01) == []
    assert spans(ids.due(GRACE_S)) == [(8, 10, "sequence")]
    assert ids.due(math.inf) == []


def test_a_jump_after_a_disconnect_is_the_connections():
    ids = following(7)
    ids.disconnected()
    ids.take(trade(9), 0.0)
    ids.take(trade(12), 0.0)
    assert spans(ids.due(math.inf)) == [(8, 8, "disconnect"), (10, 11, "sequence")]


def test_a_late_trade_leaves_no_claim_that_it_is_missing():
    ids = following(7, 9)
    assert ids.take(trade(8), 0.5) == "late"
    assert ids.due(math.inf) == []


def test_a_late_trade_leaves_what_is_missing_on_both_sides_of_it():
    ids = following(7, 12)
    assert ids.take(trade(10), 0.5) == "late"
    assert spans(ids.due(math.inf)) == [(8, 9, "sequence"), (11, 11, "sequence")]


def test_a_trade_later_than_the_grace_is_still_late_and_then_repeated():
    ids = following(7, 9)
    ids.due(math.inf)
    assert [ids.take(trade(8), 60.0) for _ in range(2)] == ["late", "repeated"]


def test_a_trade_that_was_here_is_repeated_and_makes_no_hole():
    ids = following(7, 8)
    assert [ids.take(trade(each), 0.0) for each in (7, 8)] == ["repeated"] * 2
    assert ids.take(trade(9), 0.0) == "new"
    assert ids.due(math.inf) == []


def test_an_id_from_before_the_first_one_is_not_taken_for_repeated():
    assert following(7, 8).take(trade(6), 0.0) == "late"


def test_an_exchange_that_counts_anew_is_followed_anew():
    ids = TradeContinuity()
    ids.take(trade(1000, time_ms=5), 0.0)
    ids.take(trade(1002, time_ms=6), 0.0)
    assert ids.take(trade(40, time_ms=7), 0.0) == "restarted"
    assert spans(ids.due(0.0)) == [(1001, 1001, "sequence")]
    ids.take(trade(42, time_ms=8), 0.0)
    assert spans(ids.due(math.inf)) == [(41, 41, "sequence")]


def test_a_repeated_trade_of_the_same_moment_is_no_new_count():
    ids = TradeContinuity()
    ids.take(trade(8, time_ms=5), 0.0)
    ids.take(trade(9, time_ms=5), 0.0)
    assert ids.take(trade(8, time_ms=5), 0.0) == "repeated"


def test_holes_without_end_are_declared_and_their_late_trades_never_taken_for_repeated():
    ids = following(*range(0, 10_000, 2))
    assert len(ids.due(0.0)) == 4999 - continuity.OPEN_HOLES
    assert len(ids.due(math.inf)) == continuity.OPEN_HOLES
    assert [ids.take(trade(each), 0.0) for each in (1, 3333, 9997)] == ["late"] * 3


def test_an_id_nobody_traded_under_is_no_hole_and_hides_none():
    ids, unused = following(7), ("binance_derivatives", "perpetual", "B-U", "BU", None, 80)
    assert ids.take(UnusedTradeId(*unused, trade_id=8), 0.0) == "new"
    assert ids.take(trade(9), 0.0) == "new"
    ids.take(UnusedTradeId(*unused, trade_id=11), 0.0)
    assert spans(ids.due(math.inf)) == [(10, 10, "sequence")]
