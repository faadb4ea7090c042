"""Beat's scheduler inside the test, with a real Redis and a clock that stands still."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from celery import Celery
from freezegun import freeze_time
from redis import Redis

from beat.editor import Editor
from beat.keys import Keys
from beat.scheduler import Scheduler
from beat.stored import ScheduleStore
from config import Settings, load
from tests.beat.spot import SPOT
from workers.local.servers import RedisServer

MIDNIGHT = datetime(2026, 11, 22, tzinfo=UTC)


class Recorder(Celery):
    """An app that notes what would be sent."""

    settings: Settings
    sent: list[tuple[datetime, str, dict[str, Any]]]

    def send_task(self, name: str, args: Any = None, kwargs: Any = None, **options: Any) -> None:
        """Note it."""
        self.sent.append((datetime.now(UTC), name, {**kwargs, **options}))


class Beats:
    """Beats of one stack, and the clock they look at."""

    def __init__(self, port: int, clock: Any) -> None:
        self.port, self.clock = port, clock
        self.redis = Redis(port=port, decode_responses=True)
        self.settings = self.load({})
        self.sent: list[tuple[datetime, str, dict[str, Any]]] = []

    def load(self, env: dict[str, str]) -> Settings:
        """Settings of binance_spot alone."""
        return load(env=SPOT | {"MARKETPRISM_REDIS__PORT": str(self.port)} | env)

    def start(self, settings: Settings | None = None) -> Scheduler:
        """A beat that has not ticked yet."""
        app = Recorder("test", set_as_current=False)
        app.settings, app.sent = settings or self.settings, self.sent
        app.conf.update(
            broker_url=f"redis://127.0.0.1:{self.port}/0",
            redbeat_redis_url=f"redis://127.0.0.1:{self.port}/0",
            redbeat_redis_options={"socket_timeout": 5},
            redbeat_key_prefix=Keys.of(app.settings).entry,
            beat_max_loop_interval=2,
        )
        return Scheduler(app, lazy=True)

    def editor(self, settings: Settings | None = None) -> Editor:
        """What a person changes the schedule with."""
        settings = settings or self.settings
        return Editor(settings, ScheduleStore(self.redis, Keys.of(settings)))

    def run(self, *beats: Scheduler, seconds: float, step_s: float = 0.25) -> list[str]:
        """Tick them in turn while the clock goes on; what was sent, `task symbol`."""
        before = len(self.sent)
        for _ in range(round(seconds / step_s)):
            for beat in beats:
                beat.tick()
            self.clock.tick(timedelta(seconds=step_s))
        return [f"{task} {each.get('symbol', '')}".strip() for _, task, each in self.sent[before:]]

    def settle(self, beat: Scheduler) -> None:
        """Past the runs a first start makes at once."""
        self.run(beat, seconds=60)
        self.sent.clear()

    def most_in_one_second(self) -> int:
        """The greatest number of sends within a second of the clock."""
        return max(Counter(int(moment.timestamp()) for moment, _, _ in self.sent).values())


@pytest.fixture
def beats(redis_server: RedisServer) -> Iterator[Beats]:
    """Beats with the session's Redis, emptied; it is midnight."""
    with Redis(port=redis_server.port) as client:
        client.flushall()
    with freeze_time(MIDNIGHT) as clock:
        beats = Beats(redis_server.port, clock)
        yield beats
        beats.redis.close()
