from typing import Any

import pytest

from beat.crontab import Crontab
from beat.due import Aligned
from beat.edits import Edit, applied, matches
from beat.entries import Entry, every

NAMES = ("poll-klines.deribit.A", "poll-klines.deribit.B", "poll-klines.okx_spot.A", "poll-kl.x.A")


def an_entry(name: str, place: int) -> Entry:
    exchange, symbol = name.split(".")[1:]
    return every(
        60.0,
        "polling.klines",
        name=name,
        kwargs={"exchange": exchange, "symbol": symbol},
        queue="polling",
        expires_s=45.0,
        phase=place / len(NAMES),
    )


DEFAULTS = {name: an_entry(name, place) for place, name in enumerate(NAMES)}


def edited(**edits: Edit) -> dict[str, Entry]:
    """The schedule after edits; `__` stands for a dot and `_` for a dash."""
    named = {
        name.replace("__", ".").replace("poll_", "poll-"): each for name, each in edits.items()
    }
    entries, problems = applied(DEFAULTS, named, 60.0)
    assert problems == {}
    return entries


def test_without_edits_everything_is_a_default() -> None:
    assert edited() == DEFAULTS
    assert {each.origin for each in DEFAULTS.values()} == {"default"}


def test_a_group_means_all_its_entries_and_keeps_them_spread() -> None:
    entries = edited(poll_klines=Edit(every_s=30.0))
    schedules = [entries[name].schedule for name in NAMES]
    assert schedules == [
        Aligned(30.0, 0.0),
        Aligned(30.0, 7.5),
        Aligned(30.0, 15.0),
        Aligned(60.0, 45.0),
    ]
    assert [entries[name].origin for name in NAMES] == ["edited", "edited", "edited", "default"]
    assert entries[NAMES[0]].lifetime_s == 30.0


def test_the_longer_name_wins() -> None:
    entries = edited(
        poll_klines__deribit__A=Edit(every_s=10.0),
        poll_klines=Edit(every_s=30.0, queue="slow"),
        poll_klines__deribit=Edit(enabled=False),
    )
    first, second, third, _ = (entries[name] for name in NAMES)
    assert (first.schedule, first.queue, first.origin) == (Aligned(10.0, 0.0), "slow", "disabled")
    assert (second.enabled, third.enabled) == (False, True)


def test_arguments_are_added_changed_and_taken_away() -> None:
    entries = edited(poll_klines__okx_spot=Edit(kwargs={"interval": "5m", "symbol": None}))
    assert entries[NAMES[2]].kwargs == {"exchange": "okx_spot", "interval": "5m"}


def test_a_crontab_takes_the_place_of_an_interval() -> None:
    entries = edited(poll_klines=Edit(crontab="0 3 * * *", timezone="Asia/Tokyo", expires_s=600.0))
    entry = entries[NAMES[0]]
    assert (entry.schedule, entry.lifetime_s) == (Crontab("0 3 * * *", "Asia/Tokyo"), 600.0)


def test_a_person_adds_an_entry_of_their_own() -> None:
    mine = Edit(task="polling.tickers", every_s=5.0, kwargs={"exchange": "deribit"})
    entry = edited(mine=mine)["mine"]
    assert (entry.origin, entry.task, entry.kwargs) == ("added", "polling.tickers", mine.kwargs)
    assert (entry.queue, entry.lifetime_s) == (None, 5.0)
    stopped = applied(DEFAULTS, {"mine": Edit(task="t", every_s=5.0, enabled=False)}, 1.0)
    assert stopped[0]["mine"].origin == "disabled"


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (Edit(crontab="0 25 * * *"), "the hour '25' is wrong"),
        (Edit(every_s=0.0), "choose more than 0"),
        (Edit(task="polling.tickers"), "neither an interval nor a crontab"),
    ],
)
def test_a_stored_edit_that_cannot_be_applied_is_named_and_left_out(edit: Edit, words: str) -> None:
    name = "mine" if edit.task else "poll-klines"
    entries, problems = applied(DEFAULTS, {name: edit}, 60.0)
    assert words in problems[name]
    assert entries == DEFAULTS


@pytest.mark.parametrize(
    ("target", "name", "meant"),
    [
        ("poll-klines", NAMES[0], True),
        ("poll-klines.deribit", NAMES[0], True),
        (NAMES[0], NAMES[0], True),
        ("poll-kl", NAMES[0], False),
        ("poll-klines.der", NAMES[0], False),
    ],
)
def test_a_name_means_whole_parts(target: str, name: str, meant: Any) -> None:
    assert matches(target, name) is meant
