import pytest

from workers.collector.connection.watch import RARE, StreamWatch
from workers.exchanges.base import Stream

BOOK = Stream("orderbook", "BTC-USDT", "BTCUSDT")
TRADES = Stream("trade", "BTC-USDT", "BTCUSDT")


def busy(stream: Stream, interval_s: float, count: int = 200) -> tuple[StreamWatch, float]:
    watch = StreamWatch(stream, 0.0)
    now_s = 0.0
    for _ in range(count):
        now_s += interval_s
        watch.seen(now_s)
    return watch, now_s


@pytest.mark.parametrize(("stream", "limit_s"), [(BOOK, 15.0), (TRADES, 60.0)])
def test_a_stream_without_first_data_is_silent_after_its_channels_limit(stream, limit_s):
    watch = StreamWatch(stream, 100.0)
    assert not watch.silent(100.0 + limit_s - 0.1)
    assert watch.silent(100.0 + limit_s + 0.1)


def test_a_busy_stream_is_noticed_silent_within_15_seconds():
    watch, now_s = busy(BOOK, 0.1)
    assert not watch.silent(now_s + 9.0)
    assert watch.silent(now_s + 15.0)


def test_a_slow_stream_is_given_twenty_of_its_intervals():
    watch, now_s = busy(BOOK, 5.0)
    assert not watch.silent(now_s + 95.0)
    assert watch.silent(now_s + 105.0)


def test_asking_in_vain_doubles_the_patience_behind_a_quick_second_time():
    watch, now_s = busy(BOOK, 0.1)
    limits = []
    for _ in range(7):
        limits.append(watch.limit_s())
        watch.asked_again(now_s)
    assert limits == [10.0, 10.0, 20.0, 40.0, 80.0, 160.0, 300.0]


def test_data_ends_the_attempts():
    watch, now_s = busy(BOOK, 0.1)
    watch.asked_again(now_s + 20.0)
    watch.seen(now_s + 21.0)
    assert watch.attempts == 0
    assert not watch.silent(now_s + 22.0)


@pytest.mark.parametrize("channel", sorted(RARE))
def test_silence_of_rare_events_means_nothing(channel: str):
    watch = StreamWatch(Stream(channel, "BTC-USDT", "BTCUSDT"), 0.0)
    watch.seen(1.0)
    watch.seen(1.1)
    assert not watch.silent(1e6)


@pytest.mark.parametrize("name", ["refused", "off"])
def test_what_is_not_subscribed_is_not_silent(name: str):
    watch, now_s = busy(BOOK, 0.1)
    setattr(watch, name, "because")
    assert not watch.silent(now_s + 1e6)
