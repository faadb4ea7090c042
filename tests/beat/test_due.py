import pickle
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from celery import Celery
from celery.beat import ScheduleEntry
from freezegun import freeze_time

from beat.coding import decode, encode
from beat.crontab import Crontab
from beat.due import Aligned

MIDNIGHT = datetime(2026, 11, 22, tzinfo=UTC)
BERLIN = "Europe/Berlin"


def sent(schedule: Any, start: datetime, length: timedelta, look: timedelta) -> list[str]:
    """When Celery's beat sends an entry of this schedule, looked at every so often."""
    app = Celery("test", set_as_current=False)
    running = ScheduleEntry(name="entry", task="task", schedule=schedule, app=app)
    times = []
    with freeze_time(start) as clock:
        running.last_run_at = start
        for _ in range(length // look):
            clock.tick(look)
            if running.is_due()[0]:
                times.append(datetime.now(UTC).strftime("%d %H:%M:%S"))
                running = next(running)
    return times


def seconds(schedule: Any, length_s: int) -> list[str]:
    return sent(schedule, MIDNIGHT, timedelta(seconds=length_s), timedelta(seconds=1))


def quarters(schedule: Any, start: datetime, hours: int) -> list[str]:
    found = sent(schedule, start, timedelta(hours=hours), timedelta(minutes=15))
    return [each.removesuffix(":00") for each in found]


def test_an_interval_is_due_at_its_own_place_in_every_multiple() -> None:
    assert seconds(Aligned(60.0, 20.0), 150) == ["22 00:00:20", "22 00:01:20", "22 00:02:20"]


def test_due_times_missed_while_away_are_one_run() -> None:
    aligned = Aligned(60.0, 20.0)
    with freeze_time(MIDNIGHT + timedelta(hours=3, seconds=25)):
        assert aligned.is_due(MIDNIGHT) == (True, 55.0)


def test_a_restart_keeps_the_beat() -> None:
    aligned = Aligned(300.0)
    with freeze_time(MIDNIGHT + timedelta(seconds=290)):
        assert aligned.is_due(aligned.now()) == (False, 10.0)


@pytest.mark.parametrize("interval_s", [0.1, 1 / 3, 0.7, 59.9, 86_400.0])
def test_the_next_due_time_is_always_later(interval_s: float) -> None:
    aligned, moment = Aligned(interval_s, interval_s / 3), MIDNIGHT
    for _ in range(500):
        following = aligned.next_after(moment)
        passed_s = (following - moment).total_seconds()
        assert 0 < passed_s <= interval_s + 2e-6
        moment = following


@pytest.mark.parametrize("interval_s", [0.0, -1.0, float("inf")])
def test_an_interval_must_be_positive(interval_s: float) -> None:
    with pytest.raises(ValueError, match="choose more than 0"):
        Aligned(interval_s)


def test_a_time_the_clock_leaves_out_is_due_as_much_later() -> None:
    """On 29 March 2026 Berlin's clocks go from 02:00 to 03:00, which is 01:00 UTC."""
    start = datetime(2026, 3, 28, 12, tzinfo=UTC)
    assert quarters(Crontab("30 2 * * *", BERLIN), start, 48) == ["29 01:30", "30 00:30"]


def test_a_time_the_clock_shows_twice_is_due_once() -> None:
    """On 25 October 2026 Berlin's clocks go from 03:00 back to 02:00."""
    start = datetime(2026, 10, 24, 12, tzinfo=UTC)
    assert quarters(Crontab("30 2 * * *", BERLIN), start, 48) == ["25 00:30", "26 01:30"]


@pytest.mark.parametrize(("month", "day"), [(3, 28), (10, 24)])
def test_every_hour_is_every_hour_whatever_the_clock_does(month: int, day: int) -> None:
    times = quarters(Crontab("0 * * * *", BERLIN), datetime(2026, month, day, 22, tzinfo=UTC), 6)
    assert [each[3:] for each in times] == ["23:00", "00:00", "01:00", "02:00", "03:00", "04:00"]


def test_office_hours_follow_the_clock_of_the_timezone() -> None:
    start = datetime(2026, 3, 27, 0, tzinfo=UTC)  # a Friday; the clock changes on Sunday
    times = quarters(Crontab("0 9 * * mon-fri", BERLIN), start, 96)
    assert times == ["27 08:00", "30 07:00"]


def test_a_leap_day_is_found() -> None:
    leap = Crontab("0 0 29 2 *").next_after(MIDNIGHT)
    assert leap == datetime(2028, 2, 29, tzinfo=UTC)


@pytest.mark.parametrize(
    ("expression", "timezone", "words"),
    [
        ("0 0 * *", "UTC", "has 4 fields; write five"),
        ("61 * * * *", "UTC", "the minute '61' is wrong"),
        ("* * * * someday", "UTC", "the day of week 'someday' is wrong"),
        ("0 0 30 2 *", "UTC", "is never due"),
        ("0 0 * * *", "Europe/Berlinn", "IANA name such as Europe/Berlin"),
    ],
)
def test_a_wrong_crontab_says_which_part_is_wrong(
    expression: str, timezone: str, words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        Crontab(expression, timezone)


@pytest.mark.parametrize("schedule", [Aligned(60.0, 20.0), Crontab("*/5 8-17 * * mon", BERLIN)])
def test_a_schedule_survives_redis_and_beats_own_file(schedule: Any) -> None:
    schedule.app = object()  # beat does that; it must not reach what is kept
    for kept in (
        decode(encode({"schedule": schedule}))["schedule"],
        pickle.loads(pickle.dumps(schedule)),
    ):
        assert kept == schedule
        assert hash(kept) == hash(schedule)
        assert kept.app is None
