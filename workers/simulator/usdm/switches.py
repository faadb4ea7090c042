"""Figures of the USD-M dialect that a test may change: `--switch liquidation_s=2`."""

from collections.abc import Sequence
from dataclasses import dataclass, fields


@dataclass(frozen=True)
class Switches:
    """As documented or measured by default.

    Args:
        weight: REST weight a minute.
        data_calls: requests of /futures/data in 5 minutes.
        funding_calls: requests of fundingRate and fundingInfo in 5 minutes.
        messages: messages a second from the client.
        ping_s, pong_s, max_age_s: times of a connection.
        liquidation_s: between two seconds with liquidations of a symbol.
        interest_lag_s: how far openInterest trails, and how often it is renewed.
        data_lag_s: how late the row of a period appears in /futures/data.
        leaks: 1 for rows of COIN-M on streams of all symbols.
    """

    weight: float = 2400
    data_calls: float = 1000
    funding_calls: float = 500
    messages: float = 10
    ping_s: float = 180.0
    pong_s: float = 600.0
    max_age_s: float = 86_400.0
    liquidation_s: float = 7.0
    interest_lag_s: float = 4.0
    data_lag_s: float = 5.0
    leaks: float = 1


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
            raise ValueError(f"--switch {each}: binance_derivatives knows {', '.join(known)}")
        try:
            chosen[name] = float(text)
        except ValueError as error:
            raise ValueError(f"--switch {each}: write {name}=NUMBER") from error
    return Switches(**chosen)
