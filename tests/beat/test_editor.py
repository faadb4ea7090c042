"""What a person may do to the schedule, with a real Redis."""

import pytest

from beat.due import Aligned
from beat.edits import Edit
from beat.keys import Keys
from beat.stored import ScheduleError, ScheduleStore
from tests.beat.conftest import Beats

BTC = "poll-klines.binance_spot.BTC-USDT"
ETH = "poll-klines.binance_spot.ETH-USDT"


def test_a_dry_run_tells_the_same_and_changes_nothing(beats: Beats) -> None:
    editor = beats.editor()
    tried = editor.set("poll-klines", Edit(every_s=30.0), dry_run=True)
    assert tried.revision is None
    assert {line.entry.origin for line in editor.lines("poll-klines")} == {"default"}
    done = editor.set("poll-klines", Edit(every_s=30.0))
    assert (done.before, done.after, done.edits) == (tried.before, tried.after, tried.edits)
    assert done.revision is not None
    assert {line.entry.origin for line in editor.lines("poll-klines")} == {"edited"}


def test_a_groups_new_value_replaces_those_of_single_entries(beats: Beats) -> None:
    editor = beats.editor()
    editor.set(BTC, Edit(every_s=5.0, queue="mine"))
    editor.set("poll-klines", Edit(every_s=30.0))
    entry = editor.lines(BTC)[0].entry
    assert isinstance(entry.schedule, Aligned)
    assert (entry.schedule.interval_s, entry.queue) == (30.0, "mine")


def test_a_crontab_and_an_interval_take_each_others_place(beats: Beats) -> None:
    editor = beats.editor()
    editor.set(BTC, Edit(crontab="0 3 * * *", timezone="Asia/Tokyo"))
    editor.set(BTC, Edit(every_s=5.0))
    assert editor.lines(BTC)[0].entry.schedule == Aligned(5.0, 0.0)
    editor.set(BTC, Edit(crontab="0 3 * * *"))
    line = editor.lines(BTC)[0]
    assert line.next_at is not None
    assert (line.next_at.hour, line.next_at.minute) == (3, 0)


def test_one_entry_goes_on_while_its_group_rests(beats: Beats) -> None:
    editor = beats.editor()
    editor.switch("poll-klines", enabled=False)
    assert [line.next_at for line in editor.lines("poll-klines")] == [None, None, None]
    editor.switch(BTC, enabled=True)
    assert [line.entry.enabled for line in editor.lines("poll-klines")] == [True, False, False]
    editor.switch("poll-klines", enabled=True)
    assert {line.entry.origin for line in editor.lines("poll-klines")} == {"default"}


def test_reset_goes_back_and_keeps_what_was_added(beats: Beats) -> None:
    editor = beats.editor()
    editor.add("mine", Edit(task="polling.tickers", every_s=5.0))
    editor.set("poll-klines", Edit(every_s=30.0))
    editor.set(BTC, Edit(queue="mine"))
    editor.reset(BTC)
    assert editor.lines(BTC)[0].entry.queue == "polling"
    with pytest.raises(ScheduleError, match="the edit is of poll-klines, reset that"):
        editor.reset(BTC)
    editor.reset(None)
    entries, _ = editor.entries()
    assert {entry.origin for entry in entries.values()} == {"default", "added"}


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("poll-kline", "nearest: poll-klines"),
        ("poll-klines.binance_spot.BTC-USD", f"nearest: {BTC}"),
        ("nothing at all", "known: audit-books, check-memory"),
    ],
)
def test_a_wrong_name_is_answered_with_the_nearest(beats: Beats, name: str, words: str) -> None:
    with pytest.raises(ScheduleError, match=words):
        beats.editor().set(name, Edit(every_s=30.0))


@pytest.mark.parametrize("name", ["poll_klines", "POLL-KLINES", "polling.klines"])
def test_a_name_may_be_spelt_in_other_ways(beats: Beats, name: str) -> None:
    assert len(beats.editor().lines(name)) == 3


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (Edit(every_s=0.5), "choose at least 1 s"),
        (Edit(expires_s=0.0), "choose more than 0"),
        (Edit(timezone="UTC"), "a timezone belongs to a crontab"),
        (Edit(crontab="0 25 * * *"), "the hour '25' is wrong"),
    ],
)
def test_a_wrong_value_is_refused(beats: Beats, edit: Edit, words: str) -> None:
    with pytest.raises(ScheduleError, match=words):
        beats.editor().set("poll-klines", edit)


@pytest.mark.parametrize("name", [BTC, "poll-klines", "poll-klines.binance_spot", "a b", "a..b"])
def test_an_added_entry_needs_a_name_of_its_own(beats: Beats, name: str) -> None:
    with pytest.raises(ScheduleError, match=r"is there already|cannot be a name"):
        beats.editor().add(name, Edit(task="polling.tickers", every_s=5.0))


def test_entries_of_the_settings_are_not_removed(beats: Beats) -> None:
    with pytest.raises(ScheduleError, match="marketprism schedule disable poll-klines"):
        beats.editor().remove("poll-klines")


def test_of_two_who_change_at_once_one_is_told(beats: Beats) -> None:
    store = ScheduleStore(beats.redis, Keys.of(beats.settings))
    base = store.edits()
    beats.editor().set("poll-klines", Edit(every_s=30.0))
    with pytest.raises(ScheduleError, match="somebody else changed the schedule"):
        store.change(base, {"poll-klines": Edit(every_s=60.0)})


def test_an_edit_of_what_is_no_longer_collected_is_named(beats: Beats) -> None:
    beats.editor().set(ETH, Edit(every_s=30.0))
    less = beats.load({"MARKETPRISM_EXCHANGES__BINANCE_SPOT__SYMBOLS": "BTC-USDT"})
    editor = beats.editor(less)
    assert editor.idle_edits() == [ETH]
    editor.reset(ETH)
    assert editor.idle_edits() == []


def test_a_rhythm_beyond_the_exchanges_budget_is_noted(beats: Beats) -> None:
    symbols = ",".join(f"C{number}-USDT" for number in range(100))
    many = beats.load({"MARKETPRISM_EXCHANGES__BINANCE_SPOT__SYMBOLS": symbols})
    notes = beats.editor(many).set("poll-orderbook-snapshot", Edit(every_s=10.0)).notes
    assert notes[0] == "100 entries, together 10 a second"
    assert "binance_spot gets polling.orderbook_snapshot 10 times a second" in notes[1]


def test_stacks_do_not_share_a_schedule(beats: Beats) -> None:
    other = beats.load({"MARKETPRISM_CLICKHOUSE__DATABASE": "marketprism_demo"})
    beats.editor(other).set("poll-klines", Edit(every_s=30.0))
    assert {line.entry.origin for line in beats.editor().lines("poll-klines")} == {"default"}
    beat = beats.start()
    beats.settle(beat)
    assert beats.editor(other).lines(BTC)[0].runs == 0
