"""The limits of USD-M: the machinery is that of spot, the figures are not."""

from dataclasses import replace

from workers.simulator.binance.connection import ConnectionOptions
from workers.simulator.binance.limits import LimitOptions
from workers.simulator.usdm.switches import Switches

DATA, FUNDING = "futures-data", "funding"
"""Buckets of calls beside the weight."""


def usdm_limits(given: LimitOptions, chosen: Switches) -> LimitOptions:
    """Bans and connects as given; a weight or message limit that is not spot's usual is taken."""
    usual = LimitOptions()
    weight = int(chosen.weight) if given.weight == usual.weight else given.weight
    messages = int(chosen.messages) if given.messages == usual.messages else given.messages
    calls = {DATA: int(chosen.data_calls), FUNDING: int(chosen.funding_calls)}
    return replace(given, weight=weight, messages=messages, calls=calls)


def usdm_times(given: ConnectionOptions, chosen: Switches) -> ConnectionOptions:
    """Errors are wrapped as live servers do; times that are not spot's usual are taken."""
    usual = ConnectionOptions()
    return replace(
        given,
        ping_s=chosen.ping_s if given.ping_s == usual.ping_s else given.ping_s,
        pong_s=chosen.pong_s if given.pong_s == usual.pong_s else given.pong_s,
        max_age_s=chosen.max_age_s if given.max_age_s == usual.max_age_s else given.max_age_s,
        nested_errors=True,
    )
