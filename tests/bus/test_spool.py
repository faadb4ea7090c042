"""The spool alone: order, bounds, damage, a full disk, what a killed process leaves."""

import resource
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.bus.running import trade, trades
from workers.bus.outgoing import Outgoing
from workers.bus.segment import Segment
from workers.bus.spool import Spool
from workers.telemetry.metrics import Counters

MB = 1 << 20


OPEN: list[Spool] = []


@pytest.fixture(autouse=True)
def close_all() -> Iterator[None]:
    """Spools are left as a kill leaves them; their files are closed only after the test."""
    yield
    for each in OPEN:
        each.close()
    OPEN.clear()


def spool(
    folder: Path,
    max_bytes: int = 64 * MB,
    segment_bytes: int = 16 * MB,
    counters: Counters | None = None,
) -> Spool:
    OPEN.append(Spool(folder, max_bytes, counters or Counters(), segment_bytes))
    return OPEN[-1]


def book(number: int, size: int = 1000) -> Outgoing:
    return Outgoing("orderbook-data.test.BTC-USDT", b"x" * size, f"book:{number}", "orderbook")


def ids(given: list[Outgoing]) -> list[str]:
    return [each.message_id for each in given]


def read(source: Spool, limit: int = 10_000) -> list[Outgoing]:
    return [each.message for each in source.take(limit)]


def test_messages_come_back_in_order_over_ranks_and_files(tmp_path: Path) -> None:
    sent = [message for number in range(300) for message in (trade(number), book(number))]
    one = spool(tmp_path, segment_bytes=8_000)
    for at in range(0, len(sent), 7):
        assert one.append(sent[at : at + 7]) == []
    assert len(list(tmp_path.glob("*.spool"))) > 5
    assert len(one) == len(sent)
    assert read(one, 10) + read(one) == sent
    assert read(one) == []


def test_what_is_appended_while_it_is_read_comes_after(tmp_path: Path) -> None:
    one = spool(tmp_path)
    one.append(trades(1, 3))
    assert len(read(one, 2)) == 2
    one.append(trades(4, 5))
    assert ids(read(one)) == ids(trades(3, 5))


def test_a_file_goes_when_all_of_it_is_done(tmp_path: Path) -> None:
    one = spool(tmp_path)
    one.append(trades(1, 3))
    for each in one.take(10):
        assert list(tmp_path.glob("*.spool"))
        one.done(each.segment)
    assert (len(one), one.bytes, list(tmp_path.glob("*.spool"))) == (0, 0, [])
    one.append(trades(4, 4))
    assert ids(read(one)) == ids(trades(4, 4))


def test_the_next_process_begins_with_what_is_not_done(tmp_path: Path) -> None:
    first = spool(tmp_path, segment_bytes=600)
    for message in trades(1, 40):
        first.append([message])
    for each in first.take(25):
        first.done(each.segment)
    second = spool(tmp_path)  # the first was killed: not closed, not synced
    found = ids(read(second))
    assert found == ids(trades(1, 40))[-len(found) :]
    assert 15 <= len(found) < 40
    second.append(trades(41, 41))
    assert ids(read(second)) == ids(trades(41, 41))


@given(cut=st.integers(1, 400), flip=st.booleans())
def test_a_damaged_end_costs_the_records_in_it_and_is_told(
    tmp_path_factory: pytest.TempPathFactory, cut: int, flip: bool
) -> None:
    folder = tmp_path_factory.mktemp("spool")
    spool(folder).append(trades(1, 10))
    (path,) = folder.glob("*.spool")
    data = bytearray(path.read_bytes())
    if flip:
        data[-cut] ^= 0xFF
    else:
        del data[-cut:]
    path.write_bytes(data)
    counters = Counters()
    found = ids(read(spool(folder, counters=counters)))
    assert found == ids(trades(1, 10))[: len(found)]
    kept = Segment.found(path) if path.exists() else None
    whole = not flip and kept is not None and kept.lost_bytes == 0
    assert counters.get("spool_damaged_total") == (0 if whole else 1)
    assert len(found) < 10


def test_a_full_spool_gives_up_snapshots_first_and_trades_last(tmp_path: Path) -> None:
    counters = Counters()
    one = spool(tmp_path, 200_000, counters=counters)
    kept = []
    for number in range(400):
        kept.append(trade(number))
        one.append([book(number), kept[-1]])
    assert one.bytes <= 200_000
    left = read(one)
    assert [each for each in left if each.type == "trade"] == kept
    lost = one.losses()
    books = 400 - sum(each.type == "orderbook" for each in left)
    assert lost == {("orderbook", "orderbook-data.test.BTC-USDT"): books}
    assert counters.get("events_dropped_total", "orderbook", "spool_full") == books > 0
    for number in range(400, 2000):
        one.append([trade(number)])
    assert {kind for kind, _ in one.losses()} == {"trade"}
    assert ids(read(one))[-1] == ids([trade(1999)])[0]


@pytest.fixture
def file_limit() -> Iterator[Callable[[int], None]]:
    """Files of this process may not grow beyond so many bytes: what a quota does."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield lambda most: resource.setrlimit(resource.RLIMIT_FSIZE, (most, hard))
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_what_a_full_disk_does_not_take_is_given_back_and_nothing_is_half_written(
    tmp_path: Path, file_limit: Callable[[int], None]
) -> None:
    one = spool(tmp_path)
    one.append(trades(1, 10))
    file_limit(one.bytes + 200)  # the next batch ends in the middle of a record
    assert one.append(trades(11, 20)) == trades(11, 20)
    assert one.last_error is not None
    file_limit(1 * MB)
    assert one.append(trades(11, 20)) == []
    assert one.last_error is None
    assert ids(read(one)) == ids(trades(1, 20))
    assert ids(read(spool(tmp_path))) == ids(trades(1, 20))
