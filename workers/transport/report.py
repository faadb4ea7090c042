"""Budgets and circuit breakers of one exchange, as every status page tells of them."""

from typing import Any

from workers.transport.call import CallPolicy
from workers.transport.connects import Connects
from workers.transport.rate_budget import RateBudget

CONNECTS = "connects"
"""The budget of connection attempts, beside `weight` and the buckets of REST calls."""


def limits_report(
    budget: RateBudget, calls: CallPolicy, connects: Connects | None = None
) -> dict[str, Any]:
    """What is used up, and what is left alone.

    Asks Redis a few times, each within a millisecond, and not at all while it is away.

    Returns:
        budgets: by name (`weight`, buckets, `connects`), each a `BudgetLine`; breakers: by path of
        an endpoint `closed`, `open` or `half-open`, of this process.
    """
    budgets = budget.report()
    if connects is not None:
        budgets[CONNECTS] = connects.report()
    return {"budgets": budgets, "breakers": calls.breaker_states()}
