"""What a faulty exchange makes of a poll: a named error, a counter, and nothing published."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest

from tests.runtime.polling import SYMBOLS, polls, simulated
from tests.simulated import SimulatedExchange
from workers.local.ports import free_port
from workers.local.servers import RedisServer
from workers.model.events import LongShortRatio
from workers.runtime import poll_errors
from workers.telemetry.metrics import Counters

TASK = "polling.tickers"
PATHS = {
    "binance_spot": "/api/v3/ticker/24hr",
    "binance_derivatives": "/fapi/v1/ticker/24hr",
    "okx_spot": "/api/v5/market/ticker",
    "okx_derivatives": "/api/v5/market/ticker",
    "deribit": "/api/v2/public/ticker",
}
"""Where one ticker is."""


class Faulty(NamedTuple):
    exchange: str
    server: SimulatedExchange

    @property
    def path(self) -> str:
        return PATHS[self.exchange]

    @property
    def symbol(self) -> str:
        return SYMBOLS[self.exchange][0]

    @property
    def address(self) -> dict[str, str]:
        return {self.exchange: self.server.rest_url}

    def fault(self, kind: str, **facts: object) -> None:
        """Until it is taken back."""
        self.server.at(self.exchange).fault(kind, **{"path": self.path, "duration_s": 60, **facts})


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatedExchange]:
    with simulated(tmp_path_factory.mktemp("faulty")) as running:
        yield running


@pytest.fixture(params=PATHS)
def faulty(
    request: pytest.FixtureRequest, server: SimulatedExchange, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Faulty]:
    # Some name 2 or 10 s after a 429: beyond the deadline, so it is not waited for.
    monkeypatch.setattr("workers.runtime.poller.DEADLINE_S", 8.0)
    yield Faulty(request.param, server)
    server.at(request.param).clear_faults()


def ask(faulty: Faulty, redis_server: RedisServer, **more: Any) -> tuple[str, Counters]:
    """The failed poll's text, once it is sure that nothing was published."""
    run, taken, counters = polls(faulty.address, redis_server.port, **more)
    with pytest.raises(poll_errors.PollFailed) as failed:
        run.run(TASK, (faulty.exchange, faulty.symbol), {})
    assert not taken.events
    # A result backend builds it again from its text.
    assert str(type(failed.value)(*failed.value.args)) == str(failed.value)
    return f"{type(failed.value).__name__}: {failed.value}", counters


@pytest.mark.parametrize(
    ("fault", "error", "outcome"),
    [
        ({"kind": "429", "retry_after_s": 60}, "PollRateLimited", "rate_limited"),
        ({"kind": "http", "status": 500, "body": "{}"}, "PollUnavailable", "server_error"),
        ({"kind": "maintenance"}, "PollUnavailable", "maintenance"),
        ({"kind": "http", "status": 200, "body": "<html>"}, "PollUnavailable", "maintenance"),
        ({"kind": "empty"}, "PollEmpty", "empty"),
        ({"kind": "broken_json"}, "PollMalformed", "malformed"),
        ({"kind": "http", "status": 200, "body": '{"a":1}'}, "PollMalformed", "unexpected"),
        ({"kind": "http", "status": 404, "body": "{}"}, "PollRefused", "refused"),
        ({"kind": "other_symbol"}, "PollMisdirected", "other_symbol"),
    ],
    ids=lambda value: None if isinstance(value, dict) else str(value),
)
def test_a_fault_has_a_name_and_a_counter(
    faulty: Faulty, redis_server: RedisServer, fault: dict[str, Any], error: str, outcome: str
) -> None:
    faulty.fault(**fault)
    text, counters = ask(faulty, redis_server)
    about = f"{TASK} {faulty.exchange} {faulty.symbol}"
    assert text.startswith(f"{error}: {about}: {outcome}: "), text
    assert faulty.path in text
    assert counters.get("polls_total", faulty.exchange, TASK, outcome) == 1
    assert counters.get("rest_outcomes_total", faulty.exchange, faulty.path, outcome)


def test_an_answer_that_does_not_come_is_waited_for_no_longer_than_allowed(
    faulty: Faulty, redis_server: RedisServer
) -> None:
    faulty.fault("hang")
    text, _ = ask(faulty, redis_server, rest_timeout=0.2)
    assert text.startswith("PollTimedOut: ")


def test_what_may_pass_is_tried_again(faulty: Faulty, redis_server: RedisServer) -> None:
    faulty.fault("http", status=500, body="{}", count=2)
    run, taken, counters = polls(faulty.address, redis_server.port)
    result = run.run(TASK, (faulty.exchange, faulty.symbol), {})
    assert (result["events"], len(taken.events)) == (1, 1)
    failed = counters.get("rest_outcomes_total", faulty.exchange, faulty.path, "server_error")
    assert failed == 2
    assert counters.get("polls_total", faulty.exchange, TASK, "ok") == 1


@pytest.mark.parametrize("faulty", ["okx_derivatives"], indirect=True)
def test_what_one_question_is_refused_the_others_still_answer(
    faulty: Faulty, redis_server: RedisServer
) -> None:
    name = "polling.long_short_ratio"
    path = "/api/v5/rubik/stat/contracts/long-short-account-ratio-contract-top-trader"
    faulty.fault("http", path=path, status=403, body='{"code":"50030"}')
    run, taken, _ = polls(faulty.address, redis_server.port)
    with pytest.raises(poll_errors.PollRefused, match=r"50030.*3 of 4 questions were answered"):
        run.run(name, (faulty.exchange, "BTC-USDT-PERP"), {})
    kinds = {each.kind for each in taken.events if isinstance(each, LongShortRatio)}
    assert kinds == {"all_accounts", "top_positions", "taker_volume"}


@pytest.mark.parametrize("faulty", ["binance_spot", "binance_derivatives"], indirect=True)
def test_a_ban_stops_every_question_of_this_address(
    faulty: Faulty, redis_server: RedisServer
) -> None:
    faulty.fault("418", retry_after_s=120)
    run, _, counters = polls(faulty.address, redis_server.port)
    with pytest.raises(poll_errors.PollBanned, match=r"banned.*before the ban is over"):
        run.run(TASK, (faulty.exchange, faulty.symbol), {})
    with pytest.raises(poll_errors.PollNotSent, match=r"no_budget.*not made"):
        run.run("polling.klines", (faulty.exchange, faulty.symbol), {})
    assert counters.get("polls_total", faulty.exchange, "polling.klines", "no_budget") == 1


def test_an_exchange_that_is_not_there_is_unreachable(redis_server: RedisServer) -> None:
    run, _, _ = polls({"okx_spot": f"http://127.0.0.1:{free_port()}"}, redis_server.port)
    with pytest.raises(poll_errors.PollUnreachable, match=r"polling.tickers okx_spot: network: "):
        run.run(TASK, ("okx_spot",), {})
