"""What the completeness ledger says, held against what is known."""

from tests.chaos.stack import ChaosStack
from tests.waiting import wait_until

KNOWN_S = 300.0
"""A minute, 30 s of grace, the ledger's own pace and a loaded machine."""


def disagrees(stack: ChaosStack) -> list[str]:
    """What the ledger says is missing or not filled yet, in words."""
    gaps = stack.rows(
        "SELECT exchange, symbol, first_id, last_id, toString(state), why FROM gap_ledger "
        "WHERE data_type = 'trade' AND state != 'filled'"
    )
    windows = stack.rows(
        "SELECT exchange, symbol, window_s, sum(missing) FROM completeness "
        "WHERE data_type = 'trade' GROUP BY 1, 2, 3 HAVING sum(missing) > 0"
    )
    return [
        *(f"the ledger holds {' '.join(map(str, row))}" for row in gaps),
        *(
            f"the ledger counts {missing} trades of {exchange} {symbol} missing in windows of "
            f"{window_s} s"
            for exchange, symbol, window_s, missing in windows
        ),
    ]


def counted_until_ns(stack: ChaosStack) -> int:
    """The end of the newest minute that is counted for every exchange."""
    rows = stack.rows(
        "SELECT max(window_ns) FROM completeness WHERE window_s = 60 AND data_type = 'trade' "
        "GROUP BY exchange"
    )
    if len(rows) < len(stack.settings.enabled_exchanges()):
        return 0
    return min(int(newest) for (newest,) in rows) + 60 * 10**9


def wait_counted(stack: ChaosStack, until_ns: int) -> None:
    """Until every minute up to a moment is counted.

    Raises:
        AssertionError: not in time.
    """
    wait_until(
        lambda: counted_until_ns(stack) >= until_ns, KNOWN_S, "its minutes in the ledger", 1.0
    )


def gaps_by_cause(stack: ChaosStack) -> dict[str, int]:
    """How many gaps of trades the ledger named, filled or not."""
    rows = stack.rows(
        "SELECT toString(cause), count() FROM gap_ledger WHERE data_type = 'trade' GROUP BY 1"
    )
    return {str(cause): int(count) for cause, count in rows}
