"""What a new rhythm means for the exchanges, in words."""

from beat.due import Aligned
from beat.entries import Entry
from config.polls import POLLS


def notes(entries: list[Entry]) -> list[str]:
    """What the new rhythm means."""
    found = []
    entries = [each for each in entries if each.enabled]
    own_s = [each.schedule.interval_s for each in entries if isinstance(each.schedule, Aligned)]
    if len(own_s) > 1:
        found.append(
            f"{len(own_s)} entries, together {sum(1 / each for each in own_s):.3g} a second"
        )
    by_exchange: dict[tuple[str, str], float] = {}
    for each in entries:
        if each.task in POLLS and isinstance(each.schedule, Aligned):
            key = each.task, str(each.kwargs.get("exchange"))
            by_exchange[key] = by_exchange.get(key, 0.0) + 1 / each.schedule.interval_s
    for (task, exchange), per_s in by_exchange.items():
        pace_s = POLLS[task].pace_s.get(exchange, 0.0)
        if per_s * pace_s > 1.001:
            found.append(
                f"{exchange} gets {task} {per_s:.3g} times a second; its budget leaves room for "
                f"{1 / pace_s:.3g}, what is too much waits and expires"
            )
    return found
