"""Leaves an endpoint that keeps failing alone for a while, then probes it with a single call."""

import threading
from datetime import UTC, datetime

import pybreaker

from workers.transport.failures import CallFailed


class EndpointResting(CallFailed):
    """The endpoint failed too often; it is left alone, the call was not made.

    Args:
        endpoint: which.
        failures: failed calls in a row.
        rest_s: seconds until the next probe; 0: one is under way.
    """

    def __init__(self, endpoint: str, failures: int, rest_s: float) -> None:
        when = f"probed again in {rest_s:.1f} s" if rest_s > 0 else "a probe is under way"
        super().__init__(f"{endpoint}: failed {failures} times in a row; {when}", "breaker_open")
        self.endpoint, self.failures, self.rest_s = endpoint, failures, rest_s


class _Failed(Exception):
    """Tells pybreaker of a failure that was raised elsewhere."""


class Breaker:
    """The circuit breaker of one endpoint. For several threads.

    pybreaker counts and decides; it would hold its lock during a call, so calls are made outside
    and their result is told to it: `admit`, the call, then `failed`, `succeeded` or `not_sent`.

    Args:
        endpoint: its name in errors.
        failures: in a row, that open the circuit.
        rest_s: how long it stays open before one probe is let through.
    """

    def __init__(self, endpoint: str, failures: int, rest_s: float) -> None:
        self._endpoint, self._rest_s = endpoint, rest_s
        self._storage = pybreaker.CircuitMemoryStorage(pybreaker.STATE_CLOSED)
        self._breaker = pybreaker.CircuitBreaker(
            fail_max=failures,
            reset_timeout=rest_s,
            state_storage=self._storage,
            throw_new_error_on_trip=False,
        )
        self._lock = threading.Lock()
        self._probing = False

    @property
    def state(self) -> str:
        """`closed`, `open` or `half-open` (a probe is under way)."""
        if self._probing:
            return pybreaker.STATE_HALF_OPEN
        return self._breaker.current_state

    @property
    def left_s(self) -> float:
        """Seconds until a call may be let through; 0: now, or a probe is under way."""
        with self._lock:
            if self._breaker.current_state == pybreaker.STATE_CLOSED:
                return 0.0
            return max(0.0, self._left_s())

    def admit(self) -> None:
        """Let a call through.

        Raises:
            EndpointResting: the circuit is open.
        """
        with self._lock:
            if self._breaker.current_state == pybreaker.STATE_CLOSED:
                return
            rest_s = 0.0 if self._probing else self._left_s()
            if self._probing or rest_s > 0:
                raise EndpointResting(self._endpoint, self._breaker.fail_counter, rest_s)
            self._probing = True

    def succeeded(self) -> None:
        """The endpoint answered; a probe closes the circuit."""
        self._tell(lambda: None)

    def failed(self) -> None:
        """The endpoint did not answer, or not with data; a probe opens the circuit again."""
        self._tell(self._fail)

    def not_sent(self) -> None:
        """The call was not made after all: it proves nothing."""
        with self._lock:
            self._probing = False

    def _tell(self, result: object) -> None:
        assert callable(result)
        with self._lock:
            self._probing = False
            try:
                self._breaker.call(result)
            except (_Failed, pybreaker.CircuitBreakerError):
                # Counted; or a late result of a call that began before the circuit opened.
                return

    def _left_s(self) -> float:
        opened = self._storage.opened_at
        if opened is None:
            return 0.0
        return self._rest_s - (datetime.now(UTC) - opened).total_seconds()

    @staticmethod
    def _fail() -> None:
        raise _Failed
