from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.simulator.running import Running


@pytest.fixture
def start() -> Iterator[Callable[..., Running]]:
    """Starts simulators of the test's own; options as in Options."""
    running: list[Running] = []

    def begin(**options: Any) -> Running:
        running.append(Running(**options))
        return running[-1]

    yield begin
    for each in running:
        each.stop()


@pytest.fixture(scope="module")
def shared() -> Iterator[Running]:
    """One simulator for the tests of a module that leave no trace."""
    running = Running()
    yield running
    running.stop()
