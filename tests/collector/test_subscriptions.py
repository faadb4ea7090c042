"""Answers of exchanges to what was asked, and what follows from each."""

import json

from workers.collector.connection.subscriptions import (
    ANSWER_S,
    REFUSED_AGAIN_S,
    Requests,
    Subscriptions,
)
from workers.exchanges.base import Acknowledged, Stream
from workers.exchanges.registry import EXCHANGES

OKX, DERIBIT, BINANCE = EXCHANGES["okx_spot"], EXCHANGES["deribit"], EXCHANGES["binance_spot"]
A, B, C = (Stream("orderbook", f"{each}-USDT", f"{each}-USDT") for each in ("A", "BAD", "C"))


def names(requests: Requests) -> list[list[str]]:
    """Instruments of OKX in each message."""
    return [[arg["instId"] for arg in json.loads(each)["args"]] for _, each in requests]


def yes(request_id: int, stream: Stream) -> Acknowledged:
    return Acknowledged(request_id, None, (OKX.channel_name(stream),))


def test_a_stream_refused_by_itself_leaves_its_neighbours_accepted():
    asked = Subscriptions(OKX)
    ((number, _),) = asked.subscribe([A, B, C])
    assert asked.answered(yes(number, A), 0.0) == []
    assert asked.answered(Acknowledged(number, "60018: doesn't exist"), 0.0) == []
    assert not asked.settled
    assert asked.answered(yes(number, C), 0.0) == []
    assert asked.settled
    assert asked.refused == {B: "60018: doesn't exist"}


def test_a_stream_left_out_of_the_list_is_refused():
    streams = [Stream("trade", each, each) for each in ("BTC-PERPETUAL", "NOPE", "ETH-PERPETUAL")]
    asked = Subscriptions(DERIBIT)
    ((number, _),) = asked.subscribe(streams)
    accepted = ("trades.ETH-PERPETUAL.100ms", "trades.BTC-PERPETUAL.100ms")
    assert asked.answered(Acknowledged(number, None, accepted), 0.0) == []
    assert list(asked.refused) == [streams[1]]


def test_a_request_refused_as_a_whole_is_halved_until_the_bad_stream_stands_alone():
    streams = [Stream("trade", f"S{number}", f"S{number}") for number in range(8)]
    asked, bad = Subscriptions(DERIBIT), "trades.S5.100ms"
    waiting, sent = asked.subscribe(streams), 0
    while waiting:
        number, message = waiting.pop()
        sent += 1
        channels = json.loads(message)["params"]["channels"]
        answer = Acknowledged(number, "13778: no") if bad in channels else None
        waiting += asked.answered(answer or Acknowledged(number, None, tuple(channels)), 0.0)
    assert list(asked.refused) == [streams[5]]
    assert sent <= 7
    assert asked.settled


def test_an_answer_that_proves_nothing_refuses_nothing():
    asked = Subscriptions(BINANCE)
    ((number, _),) = asked.subscribe([A, B])
    asked.answered(Acknowledged(number), 0.0)
    assert asked.settled
    assert asked.refused == {}


def test_what_was_refused_is_asked_for_apart_from_the_others_and_rarely():
    asked = Subscriptions(OKX)
    asked.remember({B: "60018"}, 0.0)
    assert names(asked.subscribe([A, B, C])) == [["A-USDT", "C-USDT"], ["BAD-USDT"]]
    assert asked.tick(REFUSED_AGAIN_S - 1) == []
    ((number, _),) = again = asked.tick(REFUSED_AGAIN_S + 1)
    assert names(again) == [["BAD-USDT"]]
    assert asked.tick(REFUSED_AGAIN_S + 2) == []
    asked.answered(yes(number, B), 0.0)
    assert asked.refused == {}


def test_a_request_half_answered_is_decided_after_a_while():
    asked = Subscriptions(OKX)
    ((number, _),) = asked.subscribe([A, B, C])
    asked.sent(number, 0.0)
    asked.answered(yes(number, A), 0.0)
    asked.answered(Acknowledged(number, "60018"), 0.0)
    assert asked.tick(ANSWER_S + 0.1) == []
    assert set(asked.refused) == {B, C}
    assert asked.settled


def test_answers_to_nobodys_question_do_nothing():
    asked = Subscriptions(OKX)
    for number in (None, 77, "abc"):
        assert asked.answered(Acknowledged(number, "60012: what?"), 0.0) == []
    assert asked.refused == {}
