"""Whether published updates follow each other, by whatever the exchange chains them with."""

from workers.collector.books.chain import Break, DeltaChain
from workers.model.events import BookDelta


def delta(first: int, last: int, before: int | None = None) -> BookDelta:
    return BookDelta(
        exchange="binance_derivatives",
        market_type="perpetual",
        symbol="BTC-USDT-PERP",
        raw_symbol="BTCUSDT",
        exchange_ns=1,
        received_ns=2,
        first_update_id=first,
        last_update_id=last,
        prev_update_id=before,
        bids=[],
        asks=[],
    )


def said(*deltas: BookDelta) -> list[Break | None]:
    chain = DeltaChain()
    return [chain.follow(each) for each in deltas]


def test_ids_that_jump_are_missing_updates():
    assert said(delta(1, 5), delta(6, 9), delta(12, 13)) == [None, None, Break("sequence", 10, 11)]


def test_ids_that_are_shared_by_all_symbols_jump_though_nothing_is_missing():
    assert said(delta(1, 5), delta(20, 29, before=5), delta(44, 60, before=29)) == [None] * 3


def test_an_update_that_names_another_before_it_shows_what_is_missing():
    assert said(delta(1, 5), delta(44, 60, before=29)) == [None, Break("sequence", 6, 29)]


def test_an_exchange_that_goes_on_with_smaller_numbers_misses_nothing():
    assert said(delta(1, 15), delta(3, 3, before=15), delta(4, 8, before=3)) == [None] * 3


def test_what_comes_behind_another_connection_with_old_ids_cannot_be_told():
    chain = DeltaChain()
    chain.follow(delta(1, 15))
    chain.disconnected()
    assert chain.follow(delta(2, 9)) == Break("disconnect", None, None)
