"""Which streams go on which connection. Pure."""

from collections.abc import Sequence
from typing import NamedTuple

from workers.exchanges.base import Exchange, Stream
from workers.model.instrument import Instrument


class Share(NamedTuple):
    """What one connection carries, and its address."""

    url: str
    streams: list[Stream]


def plan(
    exchange: Exchange,
    ws_url: str,
    instruments: Sequence[Instrument],
    channels: Sequence[str],
    streams_per_connection: int,
) -> list[Share]:
    """Streams by connection.

    Every address has its own connections, filled evenly; a symbol's streams of one address stay
    together. A stream that serves several symbols is on the first connection of its address alone.
    """
    if not instruments:
        return []
    by_url: dict[str, list[Stream]] = {}
    for stream in exchange.streams(instruments, channels):
        by_url.setdefault(exchange.stream_url(ws_url, stream.channel), []).append(stream)
    return [
        Share(url, streams)
        for url, wanted in by_url.items()
        for streams in _spread(wanted, exchange.shared_channels, streams_per_connection)
    ]


def _spread(
    streams: Sequence[Stream], shared_channels: frozenset[str], most: int
) -> list[list[Stream]]:
    """The streams of one address by connection."""
    shared = [each for each in streams if each.channel in shared_channels]
    by_symbol: dict[str, list[Stream]] = {}
    for each in streams:
        if each.channel not in shared_channels:
            by_symbol.setdefault(each.symbol, []).append(each)
    if not by_symbol:
        return [shared]
    groups = list(by_symbol.values())
    symbols_each = max(1, most // max(map(len, groups)))
    count = -(-len(groups) // symbols_each)
    shares = [[each for group in groups[index::count] for each in group] for index in range(count)]
    shares[0] += shared
    return shares
