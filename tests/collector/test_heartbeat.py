from config.settings import HeartbeatSettings
from workers.collector.connection.heartbeat import Heartbeat, interval_s

SETTINGS = HeartbeatSettings()  # pings after 20 s, 60 s at most, 3 failures


def look(beat: Heartbeat, *silences_s: float) -> list[str]:
    return [beat.look(each) for each in silences_s]


def test_each_interval_of_silence_sends_one_ping_until_the_timeout():
    beat = Heartbeat(20.0, SETTINGS)
    said = look(beat, 19.0, 20.5, 21.0, 39.0, 40.5, 41.0, 60.0, 60.5)
    assert said == ["well", "ping", "well", "well", "ping", "well", "well", "dead"]


def test_pings_unanswered_in_a_row_end_the_connection_before_the_timeout():
    beat = Heartbeat(5.0, SETTINGS)
    assert look(beat, 5.5, 10.5, 15.5, 20.5) == ["ping", "ping", "ping", "dead"]


def test_an_answer_starts_the_count_again():
    beat = Heartbeat(5.0, SETTINGS)
    assert look(beat, 5.5, 10.5, 15.5, 0.1, 5.5, 10.5) == [*["ping"] * 3, "well", "ping", "ping"]


def test_the_interval_is_the_exchanges_or_its_familys_or_a_share_of_the_timeout():
    names = ("binance_spot", "binance_derivatives", "okx_spot", "deribit", "sixth")
    assert [interval_s(SETTINGS, name) for name in names] == [20.0, 180.0, 25.0, 10.0, 20.0]


def test_the_exchanges_own_rule_is_the_most():
    assert interval_s(SETTINGS, "binance_derivatives", 25.0) == 25.0
    assert interval_s(SETTINGS, "binance_spot", 180.0) == 20.0
