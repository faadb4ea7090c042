"""Which faults come, in which order: decided by a seed."""

import random

from tests.chaos.faults import (
    KILLED,
    Fault,
    away,
    clock_step,
    cut,
    disk_full,
    hung,
    kill,
    kill_row,
    left_out,
    silent,
)


def kills(count: int, rng: random.Random) -> list[Fault]:
    """So many kills; every program is met equally often, as far as it divides."""
    found: list[Fault] = []
    while len(found) < count:
        turn = [kill(each) for each in KILLED]
        rng.shuffle(turn)
        found += turn
    return found[:count]


def others(seconds: float) -> list[Fault]:
    """Everything that is no single kill, once."""
    return [
        *(away(each, seconds) for each in ("nats", "clickhouse", "redis")),
        *(hung(each, min(seconds, 30.0)) for each in ("redis", "nats", "clickhouse")),
        cut(seconds),
        silent(seconds),
        left_out(50),
        clock_step(3600, 10),
        clock_step(-3600, 10),
        disk_full(min(seconds, 30.0)),
        kill_row("collector", "nats", within_s=1),
        kill_row("writer", "clickhouse", within_s=1),
        kill_row("redis", "worker", "beat", within_s=2),
        kill_row(*KILLED),
    ]
