"""Each exchange disturbed: cut, mute, corrupt, halted, without a symbol. Healed, and counted."""

from collections.abc import Callable

import pytest

from tests.collector.conftest import Running
from tests.collector.dialects import ALL, DERIBIT, OKX_DERIVATIVES, OKX_SPOT, SPOT, Dialect
from tests.waiting import wait_until
from workers.collector.connection import subscriptions, watch

Run = Callable[..., Running]
each_dialect = pytest.mark.parametrize("dialect", ALL, ids=lambda each: each.exchange)


def gaps(running: Running, symbol: str, data_type: str) -> list[dict[str, object]]:
    return [each for each in running.of("gap", symbol) if each["data_type"] == data_type]


def wait_gap(running: Running, symbol: str, data_type: str) -> dict[str, object]:
    return wait_until(lambda: gaps(running, symbol, data_type), 30, f"{data_type} gap")[0]


def untold(running: Running, symbol: str) -> set[int]:
    """Trades that neither came nor are said to be missing, or both."""
    got = {each["trade_id"] for each in running.of("trade", symbol) if not each["aggregate"]}
    claimed = [(each["first_id"], each["last_id"]) for each in gaps(running, symbol, "trade")]
    told = {number for first, last in claimed for number in range(first, last + 1)}
    return (set(range(min(got), max(got) + 1)) - got) ^ told


@each_dialect
def test_damage_is_healed_where_it_is_and_counted(run_collector: Run, dialect: Dialect):
    running = run_collector(dialect=dialect)
    broken, *others = dialect.symbols
    running.wait_synced(30)
    for fault, cause in (("gap", "sequence"), ("crossed", "crossed")):
        running.exchange.fault(fault, symbol=dialect.raw[broken], stream=dialect.books)
        wait_until(lambda c=cause: running.count("gaps_total", "orderbook-delta", c), 30, fault)
        wait_until(lambda: running.synced(broken), 30, f"{broken} again")
        running.assert_book_is_true(broken)

    def causes() -> set[object]:
        return {each["cause"] for each in gaps(running, broken, "orderbook-delta")}

    wait_until(lambda: causes() == {"sequence", "crossed"}, 20, "both gaps")
    assert [running.books()[each]["gaps"] for each in others] == [0] * len(others)

    wait_until(lambda: running.of("trade", broken), 30, "a trade")
    running.exchange.fault("broken_json", symbol=dialect.raw[broken], stream=dialect.trades)
    wait_until(lambda: running.subscriber.of("dead-letter."), 30, "a dead letter")
    assert running.count("wire_errors_total", "broken_json") == 1
    assert wait_gap(running, broken, "trade")["cause"] == "sequence"
    assert running.service.counters.total("reconnects_total") == 0

    running.exchange.fault("1006")
    wait_until(lambda: running.count("reconnects_total", "disconnect"), 30, "the cut")
    behind = len(running.of("trade", broken))
    wait_until(lambda: len(running.of("trade", broken)) > behind, 30, "trades behind it")
    running.wait_synced(30)
    running.exchange.post("/sim/pause")
    for each in dialect.symbols:
        running.assert_book_is_true(each)
        wait_until(lambda name=each: untold(running, name) == set(), 20, f"{each}: all holes told")


@each_dialect
def test_a_mute_book_is_asked_for_again_while_others_flow(
    run_collector: Run, monkeypatch: pytest.MonkeyPatch, dialect: Dialect
):
    monkeypatch.setattr(watch, "SILENT_AFTER_S", 1.0)
    monkeypatch.setattr(watch, "SILENT_AFTER_INTERVALS", 2.0)
    running = run_collector("--rate", "1500", dialect=dialect)
    mute = dialect.symbols[0]
    running.wait_synced(30)
    wait_until(lambda: len(running.of("orderbook-delta", mute)) > 40, 30, "a pace")
    running.exchange.fault("stall", symbol=dialect.raw[mute], stream=dialect.books, duration_s=4)
    wait_until(lambda: running.books()[mute]["state"] == "STALE", 20, "the silence noticed")
    wait_until(lambda: running.service.counters.total("resubscribes_total") >= 2, 20, "two asks")
    wait_until(lambda: running.synced(mute), 30, f"{mute} again")
    for each in dialect.symbols:
        running.assert_book_is_true(each)


@pytest.mark.parametrize("dialect", [OKX_SPOT, DERIBIT], ids=lambda each: each.exchange)
def test_a_delisted_symbol_is_refused_alone_and_asked_for_rarely(
    run_collector: Run, monkeypatch: pytest.MonkeyPatch, dialect: Dialect
):
    monkeypatch.setattr(subscriptions, "REFUSED_AGAIN_S", 2.0)
    running = run_collector(dialect=dialect)
    gone, *others = dialect.symbols
    running.wait_synced(30)
    running.exchange.fault("delist", symbol=dialect.raw[gone])
    running.exchange.fault("1006")

    def refused() -> bool:
        return bool(running.service.status()["streams"]["ticker"][gone]["refused"])

    wait_until(refused, 30, "the refusal")
    wait_until(lambda: running.synced(*others), 30, "the others")
    for each in others:
        running.assert_book_is_true(each)
    assert running.count("subscriptions_refused_total", "ticker") >= 1
    assert running.service.counters.total("resubscribes_total") == 0
    running.exchange.clear_faults()
    wait_until(lambda: not refused(), 30, "listed again")


@pytest.mark.parametrize(
    "dialect", [OKX_SPOT, OKX_DERIVATIVES, DERIBIT], ids=lambda each: each.exchange
)
def test_a_halted_symbol_has_no_book_until_it_is_traded_again(run_collector: Run, dialect: Dialect):
    running = run_collector(dialect=dialect)
    halted, *others = dialect.symbols
    running.wait_synced(30)
    running.exchange.fault("halt", symbol=dialect.raw[halted])
    wait_until(lambda: running.books()[halted]["halted"], 30, "the halt")
    assert running.books()[halted]["bid_count"] == 0
    assert running.synced(*others)
    running.exchange.clear_faults()
    wait_until(lambda: running.synced(halted), 30, "traded again")
    running.assert_book_is_true(halted)
    changes = running.of("instrument", halted)
    assert [each["status"] for each in changes] == ["trading", "halted", "trading"]


def test_books_that_break_again_and_again_cost_the_session_its_trust(run_collector: Run):
    running = run_collector(STABILITY__ERRORS__RESYNC_DELAY="100ms")
    symbol = SPOT.symbols[0]
    running.wait_synced()
    for broken in range(1, 4):
        running.exchange.fault("gap", symbol=symbol)
        wait_until(lambda n=broken: running.books()[symbol]["gaps"] == n, 30, f"gap {broken}")
        wait_until(lambda: running.synced(symbol), 30, f"{symbol} again")
    wait_until(lambda: running.count("handovers_total", "sequence") == 1, 30, "another session")
    running.assert_book_is_true(symbol)


def test_deribit_is_left_alone_for_as_long_as_it_asks(run_collector: Run):
    running = run_collector("--switch", "subscribe_credits=1000", dialect=DERIBIT)
    wait_until(lambda: running.count("reconnects_total", "limited"), 30, "the refusal")

    def waits_s() -> float:
        (connection,) = running.service.status()["connections"]
        return float(connection["retry_in_s"] or 0.0) if connection["state"] == "waiting" else 0.0

    wait_until(lambda: waits_s() > 6, 20, "a pause of ten seconds")
