"""Dead letters looked at, retried and dropped, between real servers and a real writer."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest

from config.settings import Settings
from tests.cli.conftest import Run, run_process
from tests.store.events import sample
from tests.waiting import wait_until
from tests.writer.running import publish, writing
from workers.bus.kept import KeptMessages
from workers.bus.outgoing import Outgoing
from workers.bus.streams import ensure_streams, load_streams
from workers.bus.subscription import Delivery
from workers.model.instrument import Instrument
from workers.runtime.letters import STREAM, Letter, read_letter
from workers.runtime.retry import Outcome, Retry
from workers.store.migrate import migrate
from workers.store.queries import query
from workers.writer import dead_letters
from workers.writer.routes import routes

SUBJECT = "trade-data.binance_spot.BTC-USDT"
BTC = Instrument(
    exchange="binance_spot",
    market_type="spot",
    symbol="BTC-USDT",
    raw_symbol="BTCUSDT",
    status="trading",
    raw_status="TRADING",
    base="BTC",
    quote="USDT",
)
FRAME = (
    '{"stream":"btcusdt@trade","data":{"e":"trade","E":1672515782136,"s":"BTCUSDT","t":12345,'
    '"p":"0.001","q":"100","T":1672515782136,"m":true,"M":true}}'
)


@pytest.fixture
def env(settings: Settings, settings_env: dict[str, str]) -> Iterator[dict[str, str]]:
    """Streams and tables exist."""
    asyncio.run(ensure_streams(settings.nats.servers, settings.nats.streams_file))
    migrate(settings.clickhouse)
    return settings_env


def row(number: int, **changes: Any) -> Outgoing:
    """A dead letter of the writer about one trade."""
    payload = json.dumps(sample("trades", trade_id=number, **changes)).encode()
    delivery = Delivery(payload, SUBJECT, b"reply", 1_000_000 + number, 1, number, 0)
    letter = dead_letters.envelope("TRADES", "trades", delivery, f"reason {number}")
    return Outgoing(
        dead_letters.subject("trades"),
        letter,
        dead_letters.message_id("TRADES", delivery),
        "dead-letter",
    )


def frame(text: str, kind: str = "unknown_symbol", exchange: str = "binance_spot") -> Outgoing:
    """A dead letter of a collector."""
    told = {"exchange": exchange, "kind": kind, "detail": "why", "frame": text, "received_ns": 7}
    subject, payload = f"dead-letter.{exchange}.{kind}", json.dumps(told).encode()
    return Outgoing(subject, payload, f"{subject}:{text[:60]}", "dead-letter")


def letters(settings: Settings) -> list[Letter]:
    async def read() -> list[Letter]:
        async with KeptMessages(settings.nats.servers, STREAM) as kept:
            return [read_letter(each) async for each in kept.each()]

    return asyncio.run(read())


def stored(settings: Settings) -> list[int]:
    found = query(settings.clickhouse, "SELECT trade_id FROM trades ORDER BY trade_id").rows
    return [trade_id for (trade_id,) in found]


def test_without_any_the_list_says_so_even_before_the_stream_exists(
    run: Run, settings_env: dict[str, str]
) -> None:
    assert run("deadletters", "list", env=settings_env).stdout == "no dead letters\n"
    assert json.loads(run("deadletters", "list", "--json", env=settings_env).stdout) == []
    assert run("deadletters", "retry", "--all", env=settings_env).stdout == "no dead letters\n"


def test_groups_are_counted_and_one_letter_is_shown_whole(
    run: Run, env: dict[str, str], settings: Settings
) -> None:
    publish(settings, [row(1), row(2), frame("{broken", "broken_json")])
    rows, frames = sorted(
        json.loads(run("deadletters", "list", "--json", env=env).stdout),
        key=lambda each: each["group"],
        reverse=True,
    )
    assert (rows["group"], rows["count"], rows["reason"]) == ("writer.trades", 2, "reason 2")
    assert (frames["group"], frames["reason"]) == ("binance_spot.broken_json", "broken_json: why")
    assert rows["oldest_number"] < rows["newest_number"]
    assert "writer.trades" in run("deadletters", "list", env=env).stdout
    shown = json.loads(
        run("deadletters", "show", str(rows["oldest_number"]), "--json", env=env).stdout
    )
    assert json.loads(shown["content"])["trade_id"] == 1
    assert shown["facts"]["subject"] == SUBJECT
    text = run("deadletters", "show", str(frames["newest_number"]), env=env).stdout
    assert "{broken" in text
    unknown = run("deadletters", "list", "writer.tradse", env=env)
    assert unknown.exit_code == 1
    assert "nearest: writer.trades" in unknown.stderr


def test_a_row_that_can_be_stored_now_is_and_is_a_dead_letter_no_more(
    run: Run, env: dict[str, str], settings: Settings
) -> None:
    # the first of them is still remembered by JetStream under its own id
    original = json.dumps(sample("trades", trade_id=1, side="hold")).encode()
    publish(
        settings, [Outgoing(SUBJECT, original, "trade:binance_spot:BTC-USDT:1", "trade"), row(1)]
    )
    publish(settings, [row(2), row(3, side="hold")])
    with writing(settings) as writer:
        wait_until(lambda: writer.stream()["refused"] == 1, what="a row refused by ClickHouse")
        told = run_process("deadletters", "retry", "writer", "--json", env=env)
        outcomes = json.loads(told.stdout)
        assert told.returncode == 1
        assert sorted(each["state"] for each in outcomes) == [
            "refused",
            "refused",
            "stored",
            "stored",
        ]
        assert all("side" in each["detail"] for each in outcomes if each["state"] == "refused")
        assert stored(settings) == [1, 2]
        left = letters(settings)
        assert sorted(json.loads(each.content)["trade_id"] for each in left) == [1, 3]
        assert {json.loads(each.content)["side"] for each in left} == {"hold"}
        again = run("deadletters", "retry", "--all", env=env)
        assert "2 of 2 stay dead letters" in again.stderr
    assert [each.sequence for each in letters(settings)] == [each.sequence for each in left]


def test_without_a_writer_the_letter_stays_and_says_why(
    run: Run, env: dict[str, str], settings: Settings
) -> None:
    publish(settings, [row(1)])
    told = run("deadletters", "retry", "--all", "--wait", "0.2", env=env)
    assert told.exit_code == 1
    assert "is the writer running?" in told.stdout
    assert len(letters(settings)) == 1
    with writing(settings):
        told = run("deadletters", "retry", "--all", env=env)
        assert told.exit_code == 0, told.stdout
    assert stored(settings) == [1]
    assert letters(settings) == []


def test_a_frame_goes_through_its_mapper_again(env: dict[str, str], settings: Settings) -> None:
    cut = frame(FRAME.replace("trade", "x" * 600)[:1024], "missing_field")
    publish(settings, [frame(FRAME), frame("{broken", "broken_json"), cut])

    async def retry() -> list[Outcome]:
        file = settings.nats.streams_file
        async with KeptMessages(settings.nats.servers, STREAM) as kept:
            found = [read_letter(each) async for each in kept.each()]
            return await Retry(kept, routes(load_streams(file), file), lambda name: [BTC]).run(
                found
            )

    with writing(settings):
        through, broken, truncated = asyncio.run(retry())
    assert (through.state, through.events) == ("stored", 1)
    assert broken.state == "impossible"
    assert broken.detail.startswith("still broken_json")
    assert "only its first" in truncated.detail
    rows = query(settings.clickhouse, "SELECT symbol, trade_id, received_ns, source FROM trades")
    assert rows.rows == [("BTC-USDT", 12345, 7, "replay")]
    assert [each.kind for each in letters(settings)] == ["frame", "frame"]


def test_a_frame_whose_instruments_cannot_be_had_stays(
    run: Run, env: dict[str, str], settings: Settings
) -> None:
    publish(settings, [frame(FRAME, exchange="nowhere")])
    told = run("deadletters", "retry", "--all", "--json", env=env)
    (outcome,) = json.loads(told.stdout)
    assert (told.exit_code, outcome["state"], outcome["removed"]) == (1, "impossible", False)
    assert "nowhere" in outcome["detail"]


def test_drop_asks_and_removes_only_what_is_named(
    run: Run, env: dict[str, str], settings: Settings
) -> None:
    publish(settings, [row(1), row(2), frame("{broken", "broken_json")])
    assert run("deadletters", "drop", "writer", env=env).exit_code == 1  # nobody says yes
    assert "2 to drop" in run("deadletters", "drop", "writer", "--dry-run", env=env).stdout
    assert "say which" in run("deadletters", "drop", env=env).stderr
    assert run("deadletters", "drop", "writer", "--json", env=env).exit_code == 1
    assert len(letters(settings)) == 3
    assert run("deadletters", "drop", "writer", "--yes", env=env).stdout == "2 dropped\n"
    assert [each.source for each in letters(settings)] == ["binance_spot"]
    assert "no dead letter 99" in run("deadletters", "drop", "99", "--yes", env=env).stderr
