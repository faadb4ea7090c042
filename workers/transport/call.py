"""How REST calls of one exchange are made: deadline, retries by kind of failure, circuit breaker.

| outcome | what follows |
|---|---|
| `ok` | the events |
| `timeout` `network` `proxy` `server_error` `maintenance` `empty` `malformed` | counts against the endpoint; tried again after a random, doubling wait |
| `rate_limited` | tried again once the exchange allows it, if that is before the deadline |
| `refused` `banned` `certificate` `redirected` `oversize` `unexpected` `other_symbol` | raised at once |
| `no_budget` `breaker_open` `closed` | not sent; raised at once |

`call` waits between attempts itself. Who has other work meanwhile makes one `attempt` after the
other, and asks `wait_s` when the next one is due.

Every attempt is counted in `rest_outcomes_total{exchange,endpoint,outcome}` under one of them.
"""  # noqa: E501  (a table)

import random
import threading
from collections.abc import Callable
from typing import TypeVar

import tenacity

from workers.model.clock import Clock, SystemClock
from workers.model.errors import (
    ExchangeBusy,
    ExchangeError,
    MarketPrismError,
    RateLimited,
    ServiceClosed,
    TransportError,
    WireError,
)
from workers.model.http import HttpRequest, HttpResponse
from workers.telemetry.metrics import Counters
from workers.transport.breaker import Breaker, EndpointResting
from workers.transport.budget import BudgetExhausted, Priority
from workers.transport.failures import CallFailed, Outcome
from workers.transport.http import HttpClient

T = TypeVar("T")

ATTEMPTS = 4
FIRST_WAIT_S, LONGEST_WAIT_S = 0.5, 8.0
NO_HOPE_WAIT_S = 30.0
"""The longest wait before something is asked again that asking again alone does not mend."""
FAILURES_IN_A_ROW = 5
REST_S = 30.0

RETRIED: frozenset[Outcome] = frozenset(
    {"timeout", "network", "proxy", "server_error", "maintenance", "empty", "malformed"}
)
"""Kinds of failure that may pass, and that count against the endpoint."""
NOT_SENT: frozenset[Outcome] = frozenset({"no_budget", "closed"})


class CallPolicy:
    """Makes calls to one exchange. For several threads; each gives its own client.

    Args:
        exchange: its name, for counters.
        counters: take `rest_outcomes_total`.
        attempts: calls at most, the first included.
        first_wait_s: before the second attempt a random time of up to this; doubled each time.
        longest_wait_s: the doubling ends here.
        failures: in a row, after which an endpoint is left alone.
        rest_s: for how long; then one call probes it.
        clock: measures deadlines.
    """

    def __init__(
        self,
        exchange: str,
        counters: Counters,
        *,
        attempts: int = ATTEMPTS,
        first_wait_s: float = FIRST_WAIT_S,
        longest_wait_s: float = LONGEST_WAIT_S,
        failures: int = FAILURES_IN_A_ROW,
        rest_s: float = REST_S,
        clock: Clock | None = None,
    ) -> None:
        self._exchange, self._counters = exchange, counters
        self._attempts = attempts
        self._first_wait_s, self._longest_wait_s = first_wait_s, longest_wait_s
        self._failures, self._rest_s = failures, rest_s
        self._clock: Clock = clock if clock is not None else SystemClock()
        self._breakers: dict[str, Breaker] = {}
        self._lock = threading.Lock()
        self._closed = threading.Event()

    def call(
        self,
        client: HttpClient,
        request: HttpRequest,
        read: Callable[[HttpResponse], T],
        *,
        deadline_s: float,
        priority: Priority = "audit",
    ) -> T:
        """Make the call, as often as its failures and the deadline allow.

        Args:
            client: this thread's.
            request: what to ask.
            read: turns the reply into what is wanted; may raise WireError, or ExchangeError for an
                error code in a reply of status 200 (RateLimited pauses the budget, too).
            deadline_s: for all attempts with their waits and the wait for the budget.
            priority: how much of the budget the call may use; see `Priority`.

        Returns:
            What `read` made of the reply.

        Raises:
            EndpointResting: the endpoint failed too often lately; nothing was sent.
            BudgetExhausted: the budget does not allow it before the deadline; nothing was sent.
            CallFailed: network trouble or a page that is no data, after the last attempt.
            RateLimited: over the limit for longer than the deadline; ExchangeError, WireError:
                what the exchange, or `read`, said.
            ServiceClosed: `close` was called.
        """
        end_s = self._clock.monotonic_s() + deadline_s

        def attempt() -> T:
            left_s = end_s - self._clock.monotonic_s()
            return self.attempt(client, request, read, deadline_s=left_s, priority=priority)

        def is_over(state: tenacity.RetryCallState) -> bool:
            late = self._clock.monotonic_s() + state.upcoming_sleep >= end_s
            return late or state.attempt_number >= self._attempts

        retrying = tenacity.Retrying(
            stop=is_over,
            wait=lambda state: self.wait_s(
                state.outcome.exception() if state.outcome else None, state.attempt_number
            ),
            retry=tenacity.retry_if_exception(_may_pass),
            sleep=self._nap,
            reraise=True,
        )
        return retrying(attempt)

    def attempt(
        self,
        client: HttpClient,
        request: HttpRequest,
        read: Callable[[HttpResponse], T],
        *,
        deadline_s: float,
        priority: Priority = "audit",
    ) -> T:
        """Make the call once; arguments, result and errors are those of `call`."""
        breaker = self._breaker(request.path)
        outcome: Outcome = "closed"
        try:
            if self._closed.is_set():
                raise ServiceClosed(f"{self._exchange}: GET {request.path}: closed; not sent")
            outcome = "breaker_open"
            breaker.admit()
            outcome = "network"
            try:
                result = _answer(client, request, read, deadline_s, priority)
            except BaseException as error:
                outcome = outcome_of(error)
                _tell(breaker, outcome)
                raise
            outcome = "ok"
            breaker.succeeded()
            return result
        finally:
            self._counters.add("rest_outcomes_total", self._exchange, request.path, outcome)

    def wait_s(self, error: BaseException | None, attempts: int) -> float:
        """Seconds to wait after so many failed attempts: random, so that not all come together."""
        longest_s = self._longest_wait_s
        if error is not None and not _may_pass(error):
            longest_s = max(longest_s, NO_HOPE_WAIT_S)
        doubled_s = min(longest_s, self._first_wait_s * 2.0 ** min(attempts - 1, 30))
        spread_s = random.uniform(0.0, doubled_s)
        if isinstance(error, RateLimited):
            return spread_s + error.retry_after_s
        if isinstance(error, EndpointResting):
            return random.uniform(0.0, self._first_wait_s) + error.rest_s
        if isinstance(error, BudgetExhausted):
            return random.uniform(0.0, self._first_wait_s) + error.wait_s
        return spread_s

    def rest_s(self, path: str) -> float:
        """Seconds until an endpoint that failed too often may be asked again; 0: now."""
        with self._lock:
            breaker = self._breakers.get(path)
        return 0.0 if breaker is None else breaker.left_s

    def breaker_states(self) -> dict[str, str]:
        """Endpoints asked so far with `closed`, `open` or `half-open`."""
        with self._lock:
            return {path: breaker.state for path, breaker in sorted(self._breakers.items())}

    def close(self) -> None:
        """End every wait between attempts, now and later, with ServiceClosed."""
        self._closed.set()

    def _nap(self, seconds: float) -> None:
        self._closed.wait(seconds)

    def _breaker(self, path: str) -> Breaker:
        with self._lock:
            if path not in self._breakers:
                name = f"{self._exchange}: GET {path}"
                self._breakers[path] = Breaker(name, self._failures, self._rest_s)
            return self._breakers[path]


def outcome_of(error: BaseException) -> Outcome:
    """The name a failure is counted under."""
    if isinstance(error, CallFailed):
        return error.outcome
    if isinstance(error, BudgetExhausted):
        return "no_budget"
    if isinstance(error, ServiceClosed):
        return "closed"
    if isinstance(error, WireError):
        named: dict[str, Outcome] = {"broken_json": "malformed", "unknown_symbol": "other_symbol"}
        return named.get(error.kind, "unexpected")
    if isinstance(error, ExchangeError):
        return _of_refusal(error)
    return "network" if isinstance(error, TransportError) else "unexpected"


def _of_refusal(error: ExchangeError) -> Outcome:
    if isinstance(error, RateLimited):
        return "banned" if error.status == 418 else "rate_limited"
    if isinstance(error, ExchangeBusy):
        return "server_error"
    if error.status is not None and error.status >= 500:
        return "maintenance" if error.message.lstrip().startswith("<") else "server_error"
    return "refused"


def _may_pass(error: BaseException) -> bool:
    return isinstance(error, MarketPrismError) and (
        (outcome := outcome_of(error)) in RETRIED or outcome == "rate_limited"
    )


def _tell(breaker: Breaker, outcome: Outcome) -> None:
    if outcome in NOT_SENT:
        breaker.not_sent()
    elif outcome in RETRIED:
        breaker.failed()
    else:
        breaker.succeeded()


def _answer(
    client: HttpClient,
    request: HttpRequest,
    read: Callable[[HttpResponse], T],
    left_s: float,
    priority: Priority,
) -> T:
    response = client.get(request, deadline_s=left_s, priority=priority)
    body = response.body.strip()
    if not body:
        raise CallFailed(f"{client.where(request)}: answered {response.status}, empty", "empty")
    if body.startswith(b"<"):
        page = " ".join(body[:80].decode("utf-8", "replace").split())
        raise CallFailed(
            f"{client.where(request)}: a page for people instead of data: {page}", "maintenance"
        )
    try:
        return read(response)
    except RateLimited as error:
        client.pause(request, error.retry_after_s)
        raise
