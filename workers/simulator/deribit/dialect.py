"""The parts of a simulator that speaks Deribit."""

import time

from workers.simulator.deribit.exchange import DeribitExchange
from workers.simulator.deribit.market import DeribitMarket
from workers.simulator.deribit.rpc import notification
from workers.simulator.deribit.spoil import SPOILERS
from workers.simulator.faults import FaultBox
from workers.simulator.hub import Hub
from workers.simulator.options import Options


def parts(options: Options) -> tuple[FaultBox, Hub, DeribitMarket, DeribitExchange]:
    """Faults, hub, market and doors.

    Raises:
        ValueError: a switch is not known, or something should be played or recorded.
    """
    if options.play or options.record:
        raise ValueError("--play and --record: the deribit dialect has no recordings")
    faults = FaultBox(time.monotonic, notification, SPOILERS)
    hub = Hub(faults, notification)
    market = DeribitMarket(options, hub)
    return faults, hub, market, DeribitExchange(options, hub, faults, market)
