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
    """A poll that brought less than it was asked for.

    Attributes:
        outcome: what it is counted under.
        follows: what happens next, the end of its text.
    """

    outcome = "failed"
    follows = "the next run asks again"


class PollNotSent(PollFailed):
    """Nothing was sent."""

    outcome = "not_sent"


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

    outcome = "empty"
    follows = "nothing was published; the next run asks again"


class PollMalformed(PollFailed):
    """An answer that is not what is documented."""

    outcome = "malformed"
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


def failed(where: str, error: MarketPrismError, path: str = "", before: str = "") -> PollFailed:
    """The error a task ends with, for a failed call.

    Args:
        where: task and what it is about.
        error: of transport, or of the reader.
        path: what was asked, unless the error says so itself.
        before: what of this run had succeeded, for the message.
    """
    outcome, text = outcome_of(error), str(error)
    asked = f"GET {path}: " if path and path not in text else ""
    kind = BY_OUTCOME.get(outcome, PollFailed)
    shown = kind(f"{where}: {outcome}: {asked}{text}; {before}{kind.follows}")
    shown.outcome = outcome
    return shown
