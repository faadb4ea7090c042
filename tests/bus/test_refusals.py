import pytest

from workers.bus.outgoing import Outgoing
from workers.bus.refusals import ATTEMPTS, DOWN_AFTER, Flight, Parking, read_refusal

FULL = (
    b'{"error":{"code":503,"err_code":10077,"description":"maximum bytes exceeded"},'
    b'"stream":"TRADES","seq":0}'
)
TOO_BIG = (
    b'{"error":{"code":400,"err_code":10054,"description":"message size exceeds maximum allowed"},'
    b'"stream":"TRADES","seq":0}'
)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b'{"stream":"TRADES","seq":12}', id="stored"),
        pytest.param(b'{"stream":"TRADES","seq":12,"duplicate":true}', id="stored-before"),
        pytest.param(b'{"stream":"TRADES", "domain":"hub", "seq":12}', id="stored-in-a-domain"),
    ],
)
def test_a_reply_with_a_sequence_is_no_refusal(data: bytes) -> None:
    assert read_refusal(data, None) is None


@pytest.mark.parametrize(
    ("data", "headers", "reason", "temporary"),
    [
        pytest.param(b"", {"Status": "503"}, "no_stream", True, id="no-stream-has-the-subject"),
        pytest.param(FULL, None, "stream_full", True, id="stream-full"),
        pytest.param(TOO_BIG, None, "refused", False, id="message-too-big-for-the-stream"),
        pytest.param(b"hello", None, "refused", True, id="somebody-else-answers"),
        pytest.param(b"", None, "refused", True, id="nothing-said"),
    ],
)
def test_a_refusal_says_why_and_whether_it_may_pass(
    data: bytes, headers: dict[str, str] | None, reason: str, temporary: bool
) -> None:
    refusal = read_refusal(data, headers)
    assert refusal is not None
    assert (refusal.reason, refusal.temporary) == (reason, temporary)


def flight(number: int = 1) -> Flight:
    return Flight(Outgoing("trade-data.x.y", b"{}", str(number), "trade"))


def test_a_message_is_given_up_after_its_attempts_while_others_are_taken() -> None:
    parking, message, now_s = Parking(10), flight(), 0.0
    for _ in range(ATTEMPTS):
        parking.taken()
        assert parking.refused(message, now_s) == []
        now_s += 6.0
        assert parking.due(now_s) == [message]
    parking.taken()
    assert parking.refused(message, now_s) == [message]


def test_nothing_is_given_up_while_everything_is_refused() -> None:
    parking, flights, now_s = Parking(10), [flight(number) for number in range(200)], 0.0
    for _ in range(50):
        for each in flights:
            assert parking.refused(each, now_s) == [] or not parking.down
        flights = parking.take_all()
        now_s += 1.0
    assert parking.down


def test_while_everything_is_refused_probes_become_rarer() -> None:
    parking = Parking(1000)
    for number in range(DOWN_AFTER):
        parking.refused(flight(number), 0.0)
    assert parking.down
    probes = [now_s for now_s in range(60) if parking.probe(float(now_s))]
    assert 8 <= len(probes) <= 20
    assert not parking.due(1000.0)


def test_one_message_taken_ends_the_outage() -> None:
    parking = Parking(1000)
    for number in range(DOWN_AFTER):
        parking.refused(flight(number), 0.0)
    parking.taken()
    assert not parking.down
    assert len(parking.due(1000.0)) == DOWN_AFTER


def test_too_many_parked_messages_push_out_the_oldest() -> None:
    parking = Parking(3)
    given_up = [each for number in range(5) for each in parking.refused(flight(number), 0.0)]
    assert [each.message.message_id for each in given_up] == ["0", "1"]
