"""One beat: what it sends, and what it does when the schedule or Redis changes under it."""

from datetime import timedelta
from pathlib import Path

import pytest

from beat.edits import Edit
from beat.keys import Keys
from tests.beat.conftest import Beats
from workers.local.ports import free_port
from workers.local.servers import RedisServer

SNAPSHOTS = "poll-orderbook-snapshot"


def test_every_entry_is_sent_once_in_its_interval(beats: Beats) -> None:
    beat = beats.start()
    beats.settle(beat)
    sent = beats.run(beat, seconds=300)
    assert sent.count("polling.orderbook_snapshot ETH-USDT") == 5
    assert sent.count("polling.klines ETH-USDT") == 1
    assert sent.count("collector.check_memory") == 5


def test_an_entry_is_sent_at_its_place_with_its_queue_and_expiry(beats: Beats) -> None:
    beat = beats.start()
    beats.settle(beat)
    beats.run(beat, seconds=60)
    moment, name, message = next(each for each in beats.sent if each[2].get("symbol") == "ETH-USDT")
    assert (name, moment.second) == ("polling.orderbook_snapshot", 20)
    assert (message["queue"], message["expires"]) == ("polling", 60.0)


def test_a_first_start_runs_every_interval_at_once_but_not_in_one_second(beats: Beats) -> None:
    symbols = ",".join(f"C{number}-USDT" for number in range(100))
    settings = beats.load({"MARKETPRISM_EXCHANGES__BINANCE_SPOT__SYMBOLS": symbols})
    beats.run(beats.start(settings), seconds=15)
    assert len(beats.sent) > 200
    assert beats.most_in_one_second() <= 41  # a full bucket and a second of 20


def test_500_symbols_do_not_fire_in_one_second(beats: Beats) -> None:
    symbols = ",".join(f"C{number}-USDT" for number in range(500))
    settings = beats.load({"MARKETPRISM_EXCHANGES__BINANCE_SPOT__SYMBOLS": symbols})
    beat = beats.start(settings)
    beats.run(beat, seconds=120)
    beats.editor(settings).set(SNAPSHOTS, Edit(every_s=60.0))
    beats.run(beat, seconds=40)
    beats.sent.clear()
    sent = beats.run(beat, seconds=60)
    assert sum(each.startswith("polling.orderbook_snapshot") for each in sent) == 500
    assert beats.most_in_one_second() <= 20


def test_a_restart_sends_nothing_twice(beats: Beats) -> None:
    beat = beats.start()
    beats.settle(beat)
    first = beats.run(beat, seconds=30.5)
    beat.close()
    sent = first + beats.run(beats.start(), seconds=29.5)
    snapshots = [each for each in sent if each.startswith("polling.orderbook_snapshot")]
    assert sorted(each.split()[1] for each in snapshots) == ["BTC-USDT", "ETH-USDT", "SOL-USDT"]
    assert sent.count("collector.check_memory") == 1


def test_an_outage_of_beat_is_one_run_each_and_spread(beats: Beats) -> None:
    beat = beats.start()
    beats.settle(beat)
    beat.close()
    beats.clock.tick(timedelta(hours=3))
    sent = beats.run(beats.start(), seconds=5)
    assert sorted(set(sent)) == sorted(sent)
    assert sent.count("polling.klines SOL-USDT") == 1


def test_an_edit_is_followed_at_the_next_look_and_survives_a_restart(beats: Beats) -> None:
    beat = beats.start()
    beats.settle(beat)
    beats.editor().set("poll-klines", Edit(every_s=5.0))
    sent = beats.run(beat, seconds=10)
    assert sent.count("polling.klines BTC-USDT") in (2, 3)
    beat.close()
    sent = beats.run(beats.start(), seconds=10)
    assert sent.count("polling.klines BTC-USDT") == 2


def test_a_disabled_entry_rests_and_goes_on(beats: Beats) -> None:
    beat = beats.start()
    beats.settle(beat)
    beats.editor().switch("check-memory", enabled=False)
    assert "collector.check_memory" not in beats.run(beat, seconds=120)
    beats.editor().switch("check-memory", enabled=True)
    assert beats.run(beat, seconds=60).count("collector.check_memory") in (1, 2)


def test_an_added_entry_is_sent_and_a_removed_one_no_more(beats: Beats) -> None:
    beat = beats.start()
    beats.settle(beat)
    mine = Edit(task="polling.tickers", every_s=2.0, kwargs={"exchange": "binance_spot"}, queue="q")
    beats.editor().add("mine", mine)
    beats.run(beat, seconds=10)
    assert sum(message["queue"] == "q" for _, _, message in beats.sent) in (4, 5)
    beats.editor().remove("mine")
    beats.run(beat, seconds=1)
    beats.sent.clear()
    beats.run(beat, seconds=10)
    assert all(message["queue"] != "q" for _, _, message in beats.sent)


def test_a_redis_that_forgot_everything_gets_the_schedule_and_the_edits_back(beats: Beats) -> None:
    beat = beats.start()
    beats.settle(beat)
    beats.editor().set("poll-klines", Edit(every_s=30.0))
    beats.run(beat, seconds=60)
    before = len(beats.sent)
    beats.redis.flushall()
    sent = beats.run(beat, seconds=30)
    assert sent.count("polling.klines BTC-USDT") == 1
    assert beats.editor().lines("poll-klines")[0].entry.origin == "edited"
    slots = [(name, str(message), int(moment.timestamp())) for moment, name, message in beats.sent]
    assert len(slots) == len(set(slots)) > before


def test_a_redis_that_lost_its_last_second_sends_nothing_twice(beats: Beats) -> None:
    beat = beats.start()
    beats.settle(beat)
    key = Keys.of(beats.settings).entry + f"{SNAPSHOTS}.binance_spot.BTC-USDT"
    before = beats.redis.hget(key, "meta")
    assert beats.run(beat, seconds=1).count("polling.orderbook_snapshot BTC-USDT") == 1
    beats.redis.hset(key, "meta", before)
    beats.redis.zadd(f"{Keys.of(beats.settings).entry}:schedule", {key: 0})
    assert beats.run(beat, seconds=58).count("polling.orderbook_snapshot BTC-USDT") == 0
    assert beats.run(beat, seconds=2).count("polling.orderbook_snapshot BTC-USDT") == 1


def test_redis_away_ends_no_beat(beats: Beats, tmp_path: Path) -> None:
    server = RedisServer(tmp_path, free_port())
    server.start()
    try:
        own = Beats(server.port, beats.clock)
        beat = own.start()
        own.settle(beat)
        server.stop()
        assert own.run(beat, seconds=2, step_s=1) == []
        server.start()
        assert len(own.run(beat, seconds=60)) >= 3
        own.redis.close()
    finally:
        server.stop()


def test_settings_that_change_are_followed_while_beat_runs(
    beats: Beats, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "mine.yaml"
    text = Path(__file__).parents[2].joinpath("config/marketprism.yaml").read_text()
    file.write_text(text)
    monkeypatch.setenv("MARKETPRISM_CONFIG", str(file))
    beat = beats.start()
    beats.settle(beat)
    assert "polling.klines BNB-USDT" not in beats.run(beat, seconds=30)
    file.write_text(text.replace("[BTC-USDT, ETH-USDT, SOL-USDT]", "[BNB-USDT]"))
    assert beats.run(beat, seconds=60).count("polling.orderbook_snapshot BNB-USDT") >= 1
    file.write_text("exchanges: {binance_spot: {symbols: [broken")
    assert beats.run(beat, seconds=60).count("polling.orderbook_snapshot BNB-USDT") >= 1
