"""Which streams go on which connection. Pure."""

from collections.abc import Sequence

from workers.exchanges.base import Stream
from workers.model.instrument import Instrument


def streams_of(instruments: Sequence[Instrument], channels: Sequence[str]) -> list[Stream]:
    """All streams wanted, symbol by symbol."""
    return [
        Stream(channel, each.symbol, each.raw_symbol)
        for each in instruments
        for channel in channels
    ]


def plan(
    instruments: Sequence[Instrument], channels: Sequence[str], streams_per_connection: int
) -> list[list[Stream]]:
    """Streams by connection: a symbol's streams stay together, connections are filled evenly."""
    if not instruments or not channels:
        return []
    symbols_each = max(1, streams_per_connection // len(channels))
    count = -(-len(instruments) // symbols_each)
    shares = [instruments[index::count] for index in range(count)]
    return [streams_of(share, channels) for share in shares]
