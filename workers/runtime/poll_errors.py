"""How a poll can fail: one exception for each remedy, its text says where, what, what follows.

PollFailed
 +- PollNotSent        our budget, the endpoint's breaker or the stop of this process forbade it
 +- PollRateLimited    over the exchange's limit
 +- PollBanned         the exchange banned this address
 +- PollUnavailable    5xx, or a page for people where data belongs
 +- PollTimedOut       no answer in time
 +- PollUnreachable    no way to the exchange: network, proxy, certificate, redirect
 +- PollRefused        the exchange does not take the question
 +- PollEmpty          an answer without anything in it
 +- PollMalformed      an answer that is not what is documented
 +- PollMisdirected    an answer to another question

Each takes its text alone, so that a result backend can build it again. What may pass was tried
again within the call's deadline before it became one of these.
"""

from workers.model.errors import MarketPrismError
from workers.transport.call import outcome_of
from workers.transport.failures import Outcome


class PollFailed(MarketPrismError):
    """A poll that brought less than it was asked for."""

    follows = "the next run asks again"


class PollNotSent(PollFailed):
    """Nothing was sent."""


class PollRateLimited(PollFailed):
    """Over the exchange's limit (429)."""

    follows = "nobody at this address asks before the wait is over; the next run asks again"


class PollBanned(PollFailed):
    """The exchange banned this address (418)."""

    follows = "nobody at this address asks before the ban is over"


class PollUnavailable(PollFailed):
    """The exchange has trouble, or maintenance."""


class PollTimedOut(PollFailed):
    """No answer in time."""


class PollUnreachable(PollFailed):
    """No way to the exchange."""


class PollRefused(PollFailed):
    """The exchange does not take the question; asking again changes nothing."""

    follows = "not tried again: the same question would be refused again"


class PollEmpty(PollFailed):
    """An answer without anything in it."""

    follows = "nothing was published; the next run asks again"


class PollMalformed(PollFailed):
    """An answer that is not what is documented."""

    follows = "nothing of it was published"


class PollMisdirected(PollFailed):
    """An answer to another question: some cache or proxy mixed them up."""

    follows = "nothing of it was published"


BY_OUTCOME: dict[Outcome, type[PollFailed]] = {
    "timeout": PollTimedOut,
    "network": PollUnreachable,
    "proxy": PollUnreachable,
    "certificate": PollUnreachable,
    "redirected": PollUnreachable,
    "oversize": PollMalformed,
    "server_error": PollUnavailable,
    "maintenance": PollUnavailable,
    "empty": PollEmpty,
    "malformed": PollMalformed,
    "unexpected": PollMalformed,
    "other_symbol": PollMisdirected,
    "refused": PollRefused,
    "rate_limited": PollRateLimited,
    "banned": PollBanned,
    "no_budget": PollNotSent,
    "breaker_open": PollNotSent,
    "closed": PollNotSent,
}


def failed(where: str, error: MarketPrismError, before: str = "") -> tuple[Outcome, PollFailed]:
    """The outcome of a failed call, and the error a task ends with.

    Args:
        where: task and what it is about.
        error: of transport, or of the reader.
        before: what of this run had succeeded, for the message.
    """
    outcome = outcome_of(error)
    kind = BY_OUTCOME.get(outcome, PollFailed)
    return outcome, kind(f"{where}: {outcome}: {error}; {before}{kind.follows}")
