from config.settings import ErrorSettings
from workers.collector.books.suspicion import Suspicion

SETTINGS = ErrorSettings(max_sequence=3, max_checksum=2, reset_after=100.0)


def test_a_book_that_breaks_often_speaks_against_its_connection_once():
    suspicion = Suspicion(SETTINGS)
    for now_s in (0.0, 50.0):
        suspicion.failed("BTC-USDT", "sequence", now_s)
        assert suspicion.verdict() is None
    suspicion.failed("BTC-USDT", "sequence", 99.0)
    assert suspicion.verdict() == "sequence"
    assert suspicion.verdict() is None


def test_failures_long_ago_or_of_others_do_not_count():
    suspicion = Suspicion(SETTINGS)
    for now_s in (0.0, 60.0, 120.0, 180.0, 240.0):
        suspicion.failed("BTC-USDT", "sequence", now_s)
        suspicion.failed(f"S{now_s}", "sequence", now_s)
    assert suspicion.verdict() is None
    assert suspicion.failures == {"sequence": 10, "checksum": 0}


def test_wrong_content_has_its_own_limit_and_what_we_did_ourselves_has_none():
    suspicion = Suspicion(SETTINGS)
    for cause in ("disconnect", "command", "restart", "stale") * 5:
        suspicion.failed("BTC-USDT", cause, 1.0)
    assert suspicion.verdict() is None
    suspicion.failed("BTC-USDT", "crossed", 1.0)
    suspicion.failed("BTC-USDT", "audit", 2.0)
    assert suspicion.verdict() == "checksum"
