from collections.abc import Iterator

import pytest

from tests.e2e.running import RunningStack


@pytest.fixture(scope="session")
def every_exchange(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    """The demo: all five exchanges, simulated. Tests leave it healed."""
    running = RunningStack(tmp_path_factory.mktemp("every"), every=True)
    running.start()
    yield running
    running.kill_if_left()
