"""Pages of past trades: those of the main host, and the disorderly ones of the history host.

Source: docs.deribit.com, get_last_trades_by_instrument; the history host as measured in 2026.
"""

import random
from collections.abc import Mapping

from workers.simulator.deribit.prints import Prints
from workers.simulator.deribit.rpc import invalid, whole, word
from workers.simulator.deribit.switches import Switches

MOST = 1000
MOST_HISTORY = 10_000
FOREVER_MS = 10**14


def _range(prints: Prints, params: Mapping[str, object]) -> tuple[int, int]:
    """First trade_seq and the one after the last that the parameters ask for."""
    tape = prints.past
    first = max(tape.first_id, whole(params, "start_seq", tape.first_id))
    end = min(tape.next_id, whole(params, "end_seq", tape.next_id - 1) + 1)
    first = max(first, tape.first_at(whole(params, "start_timestamp", 0) * 1000))
    until_us = (whole(params, "end_timestamp", FOREVER_MS) + 1) * 1000
    return first, max(first, min(end, tape.first_at(until_us)))


def _count(params: Mapping[str, object], most: int) -> int:
    count = whole(params, "count", 10)
    if not 1 <= count <= most:
        raise invalid("count", f"must be from 1 to {most}")
    return count


def page(
    prints: Prints, params: Mapping[str, object], now_us: int, switches: Switches
) -> dict[str, object]:
    """The main host's: orderly, and empty without an error for what is older than a day."""
    first, end = _range(prints, params)
    count = _count(params, MOST)
    first = min(end, max(first, prints.past.first_at(now_us - int(switches.reach_s * 1e6))))
    sorting = word(params, "sorting", "default")
    if sorting not in ("asc", "desc", "default"):
        raise invalid("sorting", "must be one of: asc, desc, default")
    from_start = sorting == "asc" or (
        sorting == "default" and ("start_seq" in params or "start_timestamp" in params)
    )
    sequence = list(range(first, end))
    chosen = sequence[:count] if from_start else sequence[-count:]
    if not from_start:
        chosen.reverse()
    rows = [prints.row(seq, now_us) for seq in chosen]
    return {"trades": rows, "has_more": len(sequence) > count}


def history_page(
    prints: Prints, params: Mapping[str, object], now_us: int, switches: Switches
) -> dict[str, object]:
    """The history host's: of any age, unordered, widened to whole milliseconds.

    Rows that share a millisecond with an end of the range come too, and take room in `count`.
    """
    first, end = _range(prints, params)
    count = _count(params, MOST_HISTORY)
    if end <= first:
        return {"trades": [], "has_more": False}
    if switches.history_disorder:
        tape = prints.past
        first = tape.first_at(tape.fill(first).time_us // 1000 * 1000)
        end = tape.first_at(tape.fill(end - 1).time_us // 1000 * 1000 + 1000)
    rows = [prints.row(seq, now_us) for seq in range(first, min(end, first + count))]
    more = end - first > count
    if switches.history_disorder:
        shuffled = random.Random(first * 31 + end)
        shuffled.shuffle(rows)
        more = shuffled.random() < 0.5
    return {"trades": rows, "has_more": more}
