"""Live books against the exchange's own: equal while they are right, found and healed when not."""

from collections.abc import Callable

import pytest

from tests.collector.conftest import Running
from tests.collector.dialects import ALL, SPOT, Dialect
from tests.waiting import wait_until
from workers.model.errors import MarketPrismError
from workers.model.names import UnknownName

Run = Callable[..., Running]
each_dialect = pytest.mark.parametrize("dialect", ALL, ids=lambda each: each.exchange)
AUDIT_S = 90.0


def audit(running: Running, symbols: list[str] | None = None) -> dict:
    return running.call(lambda service: service.audit_books(symbols), AUDIT_S)


@each_dialect
def test_a_corrupted_book_is_found_said_and_healed_and_a_right_one_is_equal(
    run_collector: Run, dialect: Dialect
):
    running = run_collector(dialect=dialect)
    running.wait_synced(30)
    symbol = dialect.symbols[0]

    def equal() -> dict | None:
        found = audit(running)
        assert found["different"] == 0, found
        return found if found["equal"] == len(dialect.symbols) else None

    report = wait_until(equal, 60, "every book equal to the exchange's")
    assert (report["unready"], report["left"]) == (0, 0)
    assert report["books"][symbol]["levels_compared"] >= 600
    assert not running.subscriber.of("gap-data.")

    def found() -> bool:
        # Again and again: the market may put a level right before it is compared, and one that
        # crosses the book needs no audit to be found.
        running.exchange.fault("corrupt", symbol=dialect.raw[symbol])
        audit(running, [symbol])
        return "audit" in {each["cause"] for each in running.of("gap", symbol)}

    wait_until(found, 60, "the corruption")
    running.exchange.clear_faults()
    wait_until(lambda: audit(running, [symbol])["equal"] == 1, 60, "the book healed")
    running.assert_book_is_true(symbol)
    said = running.of("book-audit", symbol)
    wrong = [each for each in said if each["result"] == "different"]
    assert wrong
    assert all(each["levels_different"] >= 1 and " there" in each["detail"] for each in wrong)
    assert running.count("book_audits_total", "different") >= len(wrong)
    assert {each["method"] for each in said} == {report["method"]}


def test_an_audit_without_a_reply_decides_nothing_and_harms_nothing(
    run_collector: Run, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("workers.collector.books.audit.REFERENCE_S", 1.0)
    running = run_collector()
    running.wait_synced()
    running.exchange.fault("http", path="/api/v3/depth", status=503, duration_s=600)
    report = audit(running, ["BTC-USDT"])
    assert (report["unmatched"], report["books"]["BTC-USDT"]["levels_compared"]) == (1, 0)
    assert "gave no book" in report["books"]["BTC-USDT"]["detail"]
    assert running.synced()
    assert not running.subscriber.of("gap-data.")


def test_a_book_that_is_not_there_cannot_be_audited(run_collector: Run):
    running = run_collector()
    running.wait_synced()
    with pytest.raises(UnknownName, match="no symbol of binance_spot is called 'NO-SUCH'"):
        audit(running, ["NO-SUCH"])
    running.exchange.fault("stale_snapshot", symbol="SOLUSDT", duration_s=600)
    running.call(lambda service: service.resync_book("SOL-USDT"))
    report = audit(running, ["SOL-USDT", "BTC-USDT"])
    assert (report["unready"], report["equal"] + report["unmatched"]) == (1, 1)
    assert "SOL-USDT" not in report["books"]


def test_a_collector_that_does_not_run_makes_no_audit(run_collector: Run):
    running = run_collector(dialect=SPOT)
    running.wait_synced()
    running.host.stop(15)
    with pytest.raises(MarketPrismError):
        audit(running)
