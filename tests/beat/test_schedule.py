import pytest

from beat.due import Aligned
from beat.entries import Entry, every
from beat.schedule import schedule
from config import Settings, load, queues
from config.polls import POLLS
from tests.beat.spot import SPOT


@pytest.fixture
def spot() -> dict[str, Entry]:
    return schedule(load(env=SPOT))


@pytest.fixture
def everything() -> dict[str, Entry]:
    return schedule(load(env={}))


def offsets_s(entries: dict[str, Entry], prefix: str) -> list[tuple[float, float]]:
    """Interval and offset of a group's entries."""
    found = [each.schedule for name, each in entries.items() if name.startswith(prefix)]
    return [(each.interval_s, each.offset_s) for each in found if isinstance(each, Aligned)]


def test_each_symbols_snapshot_has_its_own_place_in_the_interval(spot: dict[str, Entry]) -> None:
    assert offsets_s(spot, "poll-orderbook-snapshot.binance_spot.") == [
        (60.0, 0.0),
        (60.0, 20.0),
        (60.0, 40.0),
    ]


def test_every_poll_of_every_exchange_that_has_it_is_scheduled(
    everything: dict[str, Entry],
) -> None:
    found = {(each.task, each.kwargs.get("exchange")) for each in everything.values()}
    wanted = {(task.name, exchange) for task in POLLS.values() for exchange in task.exchanges}
    assert wanted <= found
    assert everything["poll-volatility-index.deribit.BTC"].kwargs == {
        "exchange": "deribit",
        "currency": "BTC",
    }


def test_commands_go_to_the_collectors_queue_and_polls_to_the_general_one(
    everything: dict[str, Entry],
) -> None:
    commands = {queues.CLEAN_IDLE_BOOKS, queues.CHECK_MEMORY, queues.AUDIT_BOOKS}
    seen = set()
    for entry in everything.values():
        command = entry.task in commands
        exchange = str(entry.kwargs.get("exchange"))
        assert entry.queue == (queues.collector(exchange) if command else queues.DEFAULT_QUEUE)
        seen.add(entry.task)
    assert seen == commands | set(POLLS) | {
        queues.UPDATE_LEDGER,
        queues.FILL_GAPS,
        queues.DAILY_REPORT,
    }


def test_upkeep_follows_its_settings(spot: dict[str, Entry]) -> None:
    assert offsets_s(spot, "clean-idle-books") == [(300.0, 0.0)]
    assert offsets_s(spot, "check-memory") == [(60.0, 0.0)]


def test_many_symbols_stretch_the_default_interval_and_are_spread_over_it() -> None:
    symbols = ",".join(f"C{number}-USDT" for number in range(500))
    many = SPOT | {"MARKETPRISM_EXCHANGES__BINANCE_SPOT__SYMBOLS": symbols}
    places = offsets_s(schedule(load(env=many)), "poll-orderbook-snapshot.")
    assert len(places) == 500
    interval_s = 500 * POLLS[queues.ORDERBOOK_SNAPSHOT].pace_s["binance_spot"]
    assert interval_s > 60.0
    assert {interval for interval, _ in places} == {interval_s}
    seconds = [int(offset) for _, offset in places]
    assert max(seconds.count(each) for each in seconds) <= 1 + 500 / interval_s


def test_a_written_interval_is_taken_as_it_is() -> None:
    symbols = ",".join(f"C{number}-USDT" for number in range(500))
    many = SPOT | {
        "MARKETPRISM_EXCHANGES__BINANCE_SPOT__SYMBOLS": symbols,
        "MARKETPRISM_SCHEDULE__ORDERBOOK_SNAPSHOT": "60s",
    }
    places = offsets_s(schedule(load(env=many)), "poll-orderbook-snapshot.")
    assert {interval for interval, _ in places} == {60.0}


@pytest.mark.parametrize("off", ["off", "0", "0s"])
def test_a_poll_is_left_out_when_it_is_off(off: str) -> None:
    entries = schedule(load(env={"MARKETPRISM_SCHEDULE__ORDERBOOK_SNAPSHOT": off}))
    assert offsets_s(entries, "poll-orderbook-snapshot") == []
    assert offsets_s(entries, "poll-klines") != []


def test_every_entry_expires_no_later_than_its_next_send(everything: dict[str, Entry]) -> None:
    settings: Settings = load(env={})
    for name, entry in everything.items():
        assert isinstance(entry.schedule, Aligned)
        assert 0 < entry.lifetime_s <= entry.schedule.interval_s, name
        assert entry.options["expires"] <= settings.celery.task_expires, name


def test_a_disabled_exchange_is_not_scheduled() -> None:
    disabled = SPOT | {"MARKETPRISM_EXCHANGES__BINANCE_SPOT__ENABLED": "false"}
    assert schedule(load(env=disabled)) == {}


def test_expiry_cannot_be_left_out() -> None:
    with pytest.raises(TypeError, match="expires_s"):
        every(60, "task", name="a", kwargs={}, queue="polling")  # type: ignore[call-arg]
