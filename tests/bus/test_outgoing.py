import threading

from hypothesis import given
from hypothesis import strategies as st

from workers.bus.outgoing import OVERHEAD_BYTES, SHED_ORDER, Outgoing, OutgoingQueue, size_of
from workers.telemetry.metrics import Counters

TYPES = [name for row in SHED_ORDER for name in row]


def message(event_type: str, number: int, size: int = 100) -> Outgoing:
    return Outgoing(f"{event_type}-data.x.{number}", b"x" * size, str(number), event_type)


def queue_for(messages: int) -> OutgoingQueue:
    """Room for this many messages of 100 bytes."""
    return OutgoingQueue(messages * (100 + OVERHEAD_BYTES), Counters())


@given(st.lists(st.sampled_from(TYPES), max_size=60), st.integers(1, 9))
def test_messages_of_all_types_leave_in_the_order_they_came(types: list[str], step: int) -> None:
    queue = queue_for(100)
    queue.put([message(event_type, number) for number, event_type in enumerate(types)])
    taken: list[Outgoing] = []
    while len(queue):
        taken += queue.take(step)
    assert [int(each.message_id) for each in taken] == list(range(len(types)))
    assert queue.waiting_bytes == 0


@given(st.lists(st.sampled_from(TYPES), max_size=60), st.integers(1, 20))
def test_every_message_is_kept_or_counted_as_lost(types: list[str], room: int) -> None:
    queue = queue_for(room)
    for number, event_type in enumerate(types):
        queue.put([message(event_type, number)])
    kept = queue.take(1000)
    lost = queue.losses()
    assert len(kept) + sum(lost.values()) == len(types)
    assert queue._counters.total("events_dropped_total") == sum(lost.values())
    assert len(kept) == min(room, len(types))


def test_an_overflow_sheds_snapshots_then_tickers_then_deltas_then_trades_then_facts() -> None:
    order = ["gap", "trade", "orderbook-delta", "ticker", "orderbook"]
    queue = queue_for(len(order))
    queue.put([message(event_type, number) for number, event_type in enumerate(order)])
    shed = []
    for number in range(len(order)):
        queue.put([message("dead-letter", 100 + number)])
        shed += [event_type for event_type, _ in queue.losses()]
    assert shed == ["orderbook", "ticker", "orderbook-delta", "trade", "gap"]


def test_within_a_type_the_oldest_is_shed() -> None:
    queue = queue_for(3)
    queue.put([message("trade", number) for number in range(5)])
    assert [each.message_id for each in queue.take(10)] == ["2", "3", "4"]


def test_a_message_larger_than_the_queue_is_lost_and_counted() -> None:
    queue = queue_for(1)
    queue.put([message("trade", 1, size=5000)])
    assert queue.take(1) == []
    assert queue.losses() == {("trade", "trade-data.x.1"): 1}


def test_losses_are_reported_once() -> None:
    queue = queue_for(1)
    queue.put([message("ticker", 1), message("ticker", 1), message("trade", 2)])
    assert queue.losses() == {("ticker", "ticker-data.x.1"): 2}
    assert queue.losses() == {}


def test_the_estimate_of_a_message_covers_its_payload() -> None:
    assert size_of(message("trade", 1, size=1000)) > 1000


def test_threads_that_put_at_once_lose_nothing() -> None:
    queue = queue_for(40_000)
    threads = [
        threading.Thread(
            target=lambda: [queue.put([message("trade", n)]) for n in range(1000)] and None
        )
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(queue.take(100_000)) == 8000
    assert queue.waiting_bytes == 0
