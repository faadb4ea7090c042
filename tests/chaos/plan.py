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

ROW = 6
"""Kills in a row, at moments of their own, before anybody has healed."""
ROW_S = 8.0
"""From the first of them to the last, at most."""


def victims(count: int, rng: random.Random) -> list[str]:
    """Whom kills meet, in which order; every program equally often, as far as it divides."""
    found: list[str] = []
    while len(found) < count:
        turn = list(KILLED)
        rng.shuffle(turn)
        found += turn
    return found[:count]


def kills(
    count: int, singles: int, rng: random.Random, row: int = ROW, within_s: float = ROW_S
) -> list[Fault]:
    """So many kills: some healed from one by one, the rest in rows."""
    met = victims(count, rng)
    alone, rows = met[:singles], met[singles:]
    found = [kill(each) for each in alone]
    found += [
        kill_row(*rows[begin : begin + row], within_s=within_s)
        for begin in range(0, len(rows), row)
    ]
    return found


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
