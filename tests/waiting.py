"""Waiting on conditions: the one place in the tests that naps."""

import threading
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def wait_until(
    condition: Callable[[], T],
    timeout_s: float = 10.0,
    what: str = "condition",
    every_s: float = 0.05,
) -> T:
    """The condition's first true value.

    Raises:
        AssertionError: it did not become true in time; names `what` and the last value.
    """
    deadline = time.monotonic() + timeout_s
    nap = threading.Event()
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not within {timeout_s:g} s, last value {value!r}")
        nap.wait(every_s)
