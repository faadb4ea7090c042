"""Figures of the Deribit dialect that a test may shorten: `--switch idle_s=0.5`."""

from collections.abc import Sequence
from dataclasses import dataclass, fields


@dataclass(frozen=True)
class Switches:
    """As documented or measured by default.

    Args:
        idle_s: a connection without subscription and heartbeat is cut at this age.
        least_heartbeat_s: shortest interval that set_heartbeat takes.
        patience_s: time to answer a test_request.
        connections: of one address, HTTP ones included.
        credits: pool of one address; a call costs 500, 10,000 come back each second.
        subscribe_credits: pool of subscribe calls; one costs 3,000.
        reach_s: trades older than this are not found by the main host.
        liquidation_s: age at which a trade is known to be a liquidation.
        liquidations: one of so many trades is one.
        exponents: 1 to write round numbers as 4.2e3.
        past_hours: so far back go trades from before the start, known by REST alone.
        history_disorder: 1 for the pages the history host really gives, 0 for orderly ones.
    """

    idle_s: float = 60.0
    least_heartbeat_s: float = 10.0
    patience_s: float = 10.0
    connections: float = 32
    credits: float = 50_000
    subscribe_credits: float = 30_000
    reach_s: float = 86_400.0
    liquidation_s: float = 3600.0
    liquidations: float = 97
    exponents: float = 1
    past_hours: float = 30.0
    history_disorder: float = 1


def switches(given: Sequence[str]) -> Switches:
    """The figures chosen.

    Raises:
        ValueError: a name is not known, or its value is no number.
    """
    known = [each.name for each in fields(Switches)]
    chosen: dict[str, float] = {}
    for each in given:
        name, _, text = each.partition("=")
        if name not in known:
            raise ValueError(f"--switch {each}: Deribit knows {', '.join(known)}")
        chosen[name] = float(text)
    return Switches(**chosen)
