"""What the collector before this one published last, so that the time between is a known hole."""

from collections.abc import Sequence

import msgspec
import structlog

from config.queues import subject
from config.settings import NatsSettings
from workers.bus.streams import last_messages
from workers.model.codec import decode
from workers.model.errors import MarketPrismError
from workers.model.events import AnyEvent
from workers.model.instrument import Instrument

log = structlog.get_logger(__name__)

TYPES = ("trade", "orderbook-delta")
"""Events whose ids follow each other; of snapshots and tickers the next one replaces the last."""


async def published_before(
    settings: NatsSettings, instruments: Sequence[Instrument]
) -> list[AnyEvent]:
    """The last trade and the last delta of each instrument that JetStream still holds.

    Never holds up collecting: if NATS cannot tell, the list is empty and a warning says so.
    """
    subjects = [subject(kind, each.exchange, each.symbol) for each in instruments for kind in TYPES]
    try:
        found = await last_messages(settings.servers, subjects)
        return [decode(message) for message in found.values()]
    except (MarketPrismError, msgspec.DecodeError) as error:
        log.warning(
            "what was published before is not known; the time since then is not named as a gap",
            error=str(error),
        )
        return []
