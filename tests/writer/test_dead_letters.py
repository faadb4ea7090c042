import base64
import json

from workers.bus.subscription import Delivery
from workers.writer.dead_letters import LARGEST_BYTES, envelope, message_id, subject


def delivery(data: bytes, sequence: int = 7) -> Delivery:
    return Delivery(data, "trade-data.x.BTC-USDT", b"reply", sequence, 1, 99, 0)


def test_a_dead_letter_carries_the_message_as_it_was_and_the_reason() -> None:
    letter = json.loads(envelope("TRADES", "trades", delivery('{"é": "x"}'.encode()), "side: bad"))
    assert letter == {
        "type": "dead-letter",
        "source": "writer",
        "table": "trades",
        "stream": "TRADES",
        "sequence": 7,
        "subject": "trade-data.x.BTC-USDT",
        "taken_ns": 99,
        "reason": "side: bad",
        "truncated": False,
        "payload": '{"é": "x"}',
    }


def test_bytes_that_are_no_text_are_kept_as_base64() -> None:
    letter = json.loads(envelope("TRADES", "trades", delivery(b"\xff\x00"), "r"))
    assert base64.b64decode(letter["payload_base64"]) == b"\xff\x00"


def test_the_largest_message_still_fits_into_a_megabyte() -> None:
    for data in (b"x" * (1 << 20), b"\xff" * (1 << 20), b"\x01" * (1 << 20)):
        letter = envelope("TRADES", "trades", delivery(data), "r")
        assert 100_000 < len(letter) <= LARGEST_BYTES < 1 << 20
        assert json.loads(letter)["truncated"]


def test_the_same_message_refused_twice_has_one_id() -> None:
    one, other = delivery(b"x"), delivery(b"x", sequence=8)
    assert message_id("TRADES", one) == message_id("TRADES", one) != message_id("TRADES", other)


def test_dead_letters_of_a_table_have_their_subject() -> None:
    assert subject("trades") == "dead-letter.writer.trades"
