import pickle
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from celery import Celery
from celery.beat import ScheduleEntry
from freezegun import freeze_time

from beat.entries import Aligned, every
from beat.schedule import schedule
from config import Settings, load, queues
from config.exchanges import EXCHANGES_AVAILABLE

SYMBOLS = ["BTC-USDT", "ETH-USDT", "SOL-USDT"]
ALONE = {
    f"MARKETPRISM_EXCHANGES__{name.upper()}__ENABLED": "false"
    for name in EXCHANGES_AVAILABLE
    if name != "binance_spot"
}
"""binance_spot alone is enabled."""


@pytest.fixture
def settings() -> Settings:
    return load(env=ALONE)


def due_times(entry: Any, start: datetime, seconds: int) -> list[float]:
    """When Celery's beat sends an entry, in seconds after `start`, looked at every second."""
    app = Celery("test", set_as_current=False)
    running = ScheduleEntry(
        name="entry", task=entry["task"], schedule=entry["schedule"], last_run_at=start, app=app
    )
    sent = []
    with freeze_time(start) as clock:
        for second in range(1, seconds + 1):
            clock.tick(timedelta(seconds=1))
            if running.is_due()[0]:
                sent.append(float(second))
                running = next(running)
    return sent


MIDNIGHT = datetime(2026, 11, 22, tzinfo=UTC)


def test_each_symbols_snapshot_has_its_own_place_in_the_interval(settings: Settings) -> None:
    entries = schedule(settings)
    times = {
        symbol: due_times(entries[f"snapshot binance_spot {symbol}"], MIDNIGHT, 150)
        for symbol in SYMBOLS
    }
    assert times == {
        "BTC-USDT": [60.0, 120.0],
        "ETH-USDT": [20.0, 80.0, 140.0],
        "SOL-USDT": [40.0, 100.0],
    }


def test_cleanup_and_memory_check_follow_their_settings(settings: Settings) -> None:
    entries = schedule(settings)
    assert due_times(entries["clean idle books binance_spot"], MIDNIGHT, 700) == [300.0, 600.0]
    assert due_times(entries["check memory binance_spot"], MIDNIGHT, 150) == [60.0, 120.0]


def test_other_intervals_move_everything() -> None:
    settings = load(
        env={
            **ALONE,
            "MARKETPRISM_SCHEDULE__ORDERBOOK_SNAPSHOT": "6s",
            "MARKETPRISM_STABILITY__MEMORY__CLEANUP_INTERVAL": "10s",
            "MARKETPRISM_STABILITY__MEMORY__CHECK_INTERVAL": "5s",
        }
    )
    entries = schedule(settings)
    assert due_times(entries["snapshot binance_spot ETH-USDT"], MIDNIGHT, 12) == [2.0, 8.0]
    assert due_times(entries["clean idle books binance_spot"], MIDNIGHT, 20) == [10.0, 20.0]
    assert due_times(entries["check memory binance_spot"], MIDNIGHT, 10) == [5.0, 10.0]


def test_every_entry_expires_no_later_than_its_next_send(settings: Settings) -> None:
    for name, entry in schedule(settings).items():
        expires = entry["options"]["expires"]
        assert 0 < expires <= entry["schedule"].interval_s, name
        assert expires <= settings.celery.task_expires, name


def test_commands_go_to_the_collectors_queue_and_polls_to_the_general_one(
    settings: Settings,
) -> None:
    where = {(entry["task"], entry["options"]["queue"]) for entry in schedule(settings).values()}
    assert where == {
        (queues.ORDERBOOK_SNAPSHOT, queues.DEFAULT_QUEUE),
        (queues.CLEAN_IDLE_BOOKS, "collector.binance_spot"),
        (queues.CHECK_MEMORY, "collector.binance_spot"),
    }


def test_a_disabled_exchange_is_not_scheduled() -> None:
    assert (
        schedule(load(env=ALONE | {"MARKETPRISM_EXCHANGES__BINANCE_SPOT__ENABLED": "false"})) == {}
    )


def test_expiry_cannot_be_left_out() -> None:
    with pytest.raises(TypeError, match="expires_s"):
        every(60, "task", kwargs={}, queue="polling")  # type: ignore[call-arg]


def test_beats_missed_while_away_are_one_beat() -> None:
    aligned = Aligned(60.0, 20.0)
    with freeze_time(MIDNIGHT + timedelta(hours=3, seconds=25)):
        assert aligned.is_due(MIDNIGHT) == (True, 55.0)


def test_a_restart_keeps_the_beat() -> None:
    aligned = Aligned(300.0)
    with freeze_time(MIDNIGHT + timedelta(seconds=290)):
        assert aligned.is_due(aligned.now()) == (False, 10.0)


@pytest.mark.parametrize("interval_s", [0.0, -1.0])
def test_an_interval_must_be_positive(interval_s: float) -> None:
    with pytest.raises(ValueError, match="choose more than 0"):
        Aligned(interval_s)


def test_beat_can_keep_entries_in_its_schedule_file(tmp_path: Path) -> None:
    aligned = Aligned(60.0, 20.0)
    aligned.app = object()  # beat does that; it must not reach the file
    kept = pickle.loads(pickle.dumps(aligned))
    assert kept == aligned
    assert kept.app is None
    assert kept != Aligned(60.0, 21.0)
