from config.settings import ErrorSettings
from workers.collector.books.resync import ResyncPolicy

SETTINGS = ErrorSettings(resync_delay="5s", resync_attempts=3, reset_after="300s")


def test_the_first_resync_is_immediate_and_a_repeated_one_waits_the_settings_delay():
    policy = ResyncPolicy(SETTINGS)
    delays = [policy.delay_s("sequence", now_s) for now_s in (0.0, 1.0, 2.0, 3.0)]
    assert delays == [0.0, 5.0, 5.0, 5.0]


def test_after_the_settings_attempts_the_delay_doubles_up_to_reset_after():
    policy = ResyncPolicy(SETTINGS)
    delays = [policy.delay_s("sequence", float(now_s)) for now_s in range(12)]
    assert delays[4:] == [10.0, 20.0, 40.0, 80.0, 160.0, 300.0, 300.0, 300.0]


def test_a_book_that_held_for_reset_after_is_healthy_again():
    policy = ResyncPolicy(SETTINGS)
    policy.delay_s("sequence", 0.0)
    assert policy.delay_s("sequence", 10.0) == 5.0
    assert policy.delay_s("sequence", 311.0) == 0.0


def test_a_snapshot_older_than_the_buffer_is_asked_for_again_soon_with_growing_delay():
    policy = ResyncPolicy(SETTINGS)
    delays = [policy.delay_s("stale_snapshot", 0.0) for _ in range(7)]
    assert delays == [0.25, 0.5, 1.0, 2.0, 4.0, 5.0, 5.0]
    policy.delay_s("start", 1.0)
    assert policy.delay_s("stale_snapshot", 2.0) == 0.25


def test_a_reconnect_or_a_command_never_waits():
    policy = ResyncPolicy(SETTINGS)
    for _ in range(5):
        assert policy.delay_s("disconnect", 0.0) == policy.delay_s("command", 0.0) == 0.0


def test_no_number_of_failures_ends_in_an_error():
    policy = ResyncPolicy(SETTINGS)
    assert [policy.delay_s("stale_snapshot", 0.0) for _ in range(3000)][-1] == 5.0
    assert [policy.delay_s("sequence", 0.0) for _ in range(3000)][-1] == 300.0
