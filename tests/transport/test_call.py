import threading
from collections.abc import Callable, Iterator

import pytest

from tests.transport.rest import Door, Rest
from tests.waiting import wait_until
from workers.model.errors import ExchangeBusy, ExchangeError, RateLimited, ServiceClosed, WireError
from workers.model.http import HttpRequest, HttpResponse
from workers.telemetry.metrics import Counters
from workers.transport.breaker import Breaker, EndpointResting
from workers.transport.budget import BudgetExhausted, WeightBudget
from workers.transport.call import CallPolicy
from workers.transport.failures import CallFailed
from workers.transport.http import HttpClient

RATIO = HttpRequest("/futures/data/ratio", {"symbol": "BTCUSDT"}, weight=1)
OTHER = HttpRequest("/fapi/v1/premiumIndex", weight=1)
EXCHANGE = "binance_derivatives"


def refused(response: HttpResponse) -> ExchangeError:
    text = response.body.decode()
    if response.status in (429, 418):
        asked_s = float(response.headers.get("retry-after", 60))
        return RateLimited(EXCHANGE, response.status, text, asked_s)
    return ExchangeError(EXCHANGE, response.status, text)


def body_of(response: HttpResponse) -> bytes:
    return response.body


@pytest.fixture
def counters() -> Counters:
    return Counters()


@pytest.fixture
def budget() -> WeightBudget:
    return WeightBudget(1000, 3600)


@pytest.fixture
def client(rest: Rest, budget: WeightBudget) -> Iterator[HttpClient]:
    made = HttpClient(rest.url, exchange=EXCHANGE, timeout_s=10, budget=budget, read_error=refused)
    yield made
    made.close()


@pytest.fixture
def policy(counters: Counters) -> CallPolicy:
    return CallPolicy(EXCHANGE, counters, first_wait_s=0.001, failures=100)


@pytest.fixture
def ask(policy: CallPolicy, client: HttpClient) -> Callable[..., bytes]:
    def ask(read: Callable[[HttpResponse], bytes] = body_of, deadline_s: float = 20.0) -> bytes:
        return policy.call(client, RATIO, read, deadline_s=deadline_s)

    return ask


@pytest.fixture
def count(counters: Counters) -> Callable[[str], int]:
    return lambda outcome: counters.get("rest_outcomes_total", EXCHANGE, RATIO.path, outcome)


def answering(rest: Rest, *answers: Callable[[Door], None]) -> None:
    """These answers in turn, the last one for ever."""
    left = list(answers)
    rest.answer = lambda door: (left.pop(0) if len(left) > 1 else left[0])(door)


def hang_up(door: Door) -> None:
    door.close_connection = True
    door.connection.shutdown(2)


def good(door: Door) -> None:
    door.say(200, b"[1]")


@pytest.mark.parametrize(
    ("bad", "outcome"),
    [
        pytest.param(hang_up, "network", id="connection-cut"),
        pytest.param(lambda door: door.say(503, b"busy"), "server_error", id="5xx"),
        pytest.param(lambda door: door.say(502, b"<html>"), "maintenance", id="5xx-page"),
        pytest.param(lambda door: door.say(200, b" <html>soon"), "maintenance", id="page"),
        pytest.param(lambda door: door.say(200, b""), "empty", id="empty"),
        pytest.param(
            lambda door: door.say(429, b"slow", {"Retry-After": "0"}), "rate_limited", id="429"
        ),
    ],
)
def test_what_may_pass_is_asked_again_and_each_attempt_is_counted(rest, ask, count, bad, outcome):
    answering(rest, bad, good)
    assert ask() == b"[1]"
    assert (count(outcome), count("ok"), len(rest.requests)) == (1, 1, 2)


def test_a_reply_that_is_cut_is_asked_for_again(rest, ask, count):
    answering(rest, lambda door: door.say(200, b"[1"), good)

    def read(response: HttpResponse) -> bytes:
        if not response.body.endswith(b"]"):
            raise WireError(EXCHANGE, "broken_json", "ends early", response.body)
        return response.body

    assert ask(read) == b"[1]"
    assert (count("malformed"), count("ok")) == (1, 1)


@pytest.mark.parametrize(
    ("status", "outcome"),
    [(400, "refused"), (403, "refused"), (418, "banned"), (301, "redirected")],
)
def test_what_cannot_pass_is_asked_once(rest, ask, count, status, outcome):
    answering(rest, lambda door: door.say(status, b"no"), good)
    with pytest.raises((ExchangeError, CallFailed)):
        ask()
    assert (count(outcome), len(rest.requests)) == (1, 1)


@pytest.mark.parametrize(
    ("kind", "outcome"), [("missing_field", "unexpected"), ("unknown_symbol", "other_symbol")]
)
def test_data_that_is_wrong_is_asked_for_once(rest, ask, count, kind, outcome):
    answering(rest, good)

    def read(response: HttpResponse) -> bytes:
        raise WireError(EXCHANGE, kind, "not what was asked", response.body)

    with pytest.raises(WireError):
        ask(read)
    assert (count(outcome), len(rest.requests)) == (1, 1)


def test_attempts_end_and_the_last_failure_is_raised(rest, ask, count):
    answering(rest, lambda door: door.say(500, b"again"))
    with pytest.raises(ExchangeError, match="500: again"):
        ask()
    assert count("server_error") == len(rest.requests) == 4


def test_an_exchange_that_says_it_is_busy_is_asked_again(rest, ask, count):
    answering(rest, good)
    busy: list[ExchangeError] = [ExchangeBusy("okx_spot", 50001, "Service temporarily unavailable")]

    def read(response: HttpResponse) -> bytes:
        if busy:
            raise busy.pop()
        return response.body

    assert ask(read) == b"[1]"
    assert (count("server_error"), count("ok")) == (1, 1)


def test_a_limit_named_in_a_good_reply_is_waited_for(rest, ask, count):
    answering(rest, good)
    refusals = [RateLimited("okx_spot", 50011, "Too Many Requests", 0.2)]

    def read(response: HttpResponse) -> bytes:
        if refusals:
            raise refusals.pop()
        return response.body

    assert ask(read) == b"[1]"
    assert (count("rate_limited"), count("ok")) == (1, 1)


def test_a_limit_named_in_a_good_reply_pauses_the_budget(rest, ask, budget):
    answering(rest, good)

    def read(response: HttpResponse) -> bytes:
        raise RateLimited("okx_spot", 50011, "Too Many Requests", 300)

    with pytest.raises(RateLimited):
        ask(read)
    assert budget.delay_s(1) == pytest.approx(300, abs=30)


def test_a_limit_beyond_the_deadline_is_raised_at_once(rest, ask, count):
    answering(rest, lambda door: door.say(429, b"slow", {"Retry-After": "50"}))
    with pytest.raises(RateLimited):
        ask(deadline_s=20)
    assert (count("rate_limited"), len(rest.requests)) == (1, 1)


def test_a_call_without_budget_is_not_sent_and_counts_against_nobody(rest, ask, count, budget):
    budget.acquire(800, 0)
    with pytest.raises(BudgetExhausted):
        ask()
    assert (count("no_budget"), rest.requests) == (1, [])


def test_closing_ends_the_wait_between_attempts(rest, client, counters):
    policy = CallPolicy(EXCHANGE, counters, first_wait_s=3600, longest_wait_s=3600)
    answering(rest, lambda door: door.say(500, b"again"))
    raised: list[BaseException] = []

    def ask() -> None:
        try:
            policy.call(client, RATIO, body_of, deadline_s=7200)
        except ServiceClosed as error:
            raised.append(error)

    waiting = threading.Thread(target=ask, daemon=True)
    waiting.start()
    wait_until(lambda: len(rest.requests) == 1, what="first attempt")
    policy.close()
    waiting.join(10)
    assert len(raised) == 1
    assert len(rest.requests) == 1


def test_an_endpoint_that_fails_is_left_alone_then_probed_then_used_again(
    rest, client, counters, count
):
    policy = CallPolicy(EXCHANGE, counters, attempts=1, failures=3, rest_s=0.3)
    answering(rest, lambda door: door.say(500, b"down"))

    def ask(request: HttpRequest = RATIO) -> bytes:
        return policy.call(client, request, body_of, deadline_s=20)

    for _ in range(3):
        with pytest.raises(ExchangeError):
            ask()
    assert policy.breaker_states() == {RATIO.path: "open"}
    with pytest.raises(EndpointResting, match=r"failed 3 times in a row; probed again in 0\.\d s"):
        ask()
    assert (count("breaker_open"), len(rest.requests)) == (1, 3)

    def probed() -> bool:
        try:
            ask()
        except EndpointResting:
            return False
        except ExchangeError:
            return True
        raise AssertionError("the endpoint answered")

    wait_until(probed, what="probe of a broken endpoint")
    assert len(rest.requests) == 4
    assert policy.breaker_states() == {RATIO.path: "open"}
    rest.answer = good
    assert ask(OTHER) == b"[1]"
    wait_until(lambda: not _rests(ask), what="probe of a mended endpoint")
    assert policy.breaker_states() == {OTHER.path: "closed", RATIO.path: "closed"}


def _rests(ask: Callable[[], bytes]) -> bool:
    try:
        ask()
    except EndpointResting:
        return True
    return False


def test_one_probe_at_a_time_and_one_that_was_not_sent_proves_nothing():
    breaker = Breaker("GET /x", failures=1, rest_s=0.001)
    breaker.admit()
    breaker.failed()
    wait_until(lambda: _admitted(breaker), what="probe")
    assert breaker.state == "half-open"
    with pytest.raises(EndpointResting, match="a probe is under way"):
        breaker.admit()
    breaker.not_sent()
    assert breaker.state == "open"
    wait_until(lambda: _admitted(breaker), what="probe")
    breaker.succeeded()
    assert breaker.state == "closed"


def test_a_call_without_budget_is_no_probe(rest, client, counters, budget):
    policy = CallPolicy(EXCHANGE, counters, attempts=1, failures=1, rest_s=0.001)
    answering(rest, lambda door: door.say(500, b"down"))
    with pytest.raises(ExchangeError):
        policy.call(client, RATIO, body_of, deadline_s=20)
    budget.acquire(799, 0)

    def tried() -> bool:
        try:
            policy.call(client, RATIO, body_of, deadline_s=20)
        except EndpointResting:
            return False
        except BudgetExhausted:
            return True
        raise AssertionError("there was budget")

    wait_until(tried, what="a probe without budget")
    assert policy.breaker_states() == {RATIO.path: "open"}


def _admitted(breaker: Breaker) -> bool:
    try:
        breaker.admit()
    except EndpointResting:
        return False
    return True


def test_calls_to_one_endpoint_run_side_by_side(start, counters):
    rest = start()
    both = threading.Barrier(2, timeout=20)

    def answer(door: Door) -> None:
        both.wait()
        good(door)

    rest.answer = answer
    policy = CallPolicy(EXCHANGE, counters, attempts=1)
    results: list[bytes] = []

    def ask() -> None:
        client = HttpClient(
            rest.url,
            exchange=EXCHANGE,
            timeout_s=20,
            budget=WeightBudget(1000, 3600),
            read_error=refused,
        )
        results.append(policy.call(client, RATIO, body_of, deadline_s=20))
        client.close()

    threads = [threading.Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert results == [b"[1]", b"[1]"]
