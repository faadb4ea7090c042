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
    wanted: Sequence[Stream],
    streams_per_connection: int,
) -> list[Share]:
    """Streams by connection.

    Every address has its own connections, filled evenly; a symbol's streams of one address stay
    together. A stream that serves several symbols is on the first connection of its address alone.
    """
    by_url: dict[str, list[Stream]] = {}
    for stream in wanted:
        by_url.setdefault(exchange.stream_url(ws_url, stream.channel), []).append(stream)
    return [
        Share(url, streams)
        for url, group in by_url.items()
        for streams in _spread(group, exchange.shared_channels, streams_per_connection)
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


class Move(NamedTuple):
    """What changes on one connection: streams that come, streams that go."""

    add: list[Stream]
    drop: list[Stream]


def rearrange(
    exchange: Exchange,
    ws_url: str,
    carried: Sequence[Share],
    wanted: Sequence[Stream],
    streams_per_connection: int,
) -> tuple[list[Move], list[Share]]:
    """From the streams that are carried to those that are wanted, moving none.

    Args:
        exchange: whose streams they are.
        ws_url: below it are the addresses.
        carried: the connections as they are.
        wanted: all streams that are to be there.
        streams_per_connection: more do not go on one.

    Returns:
        A move for each connection, and the connections that have to be opened: only where the
        existing ones of an address have no room. Streams that share a subscription stay together.
    """
    name = exchange.channel_name
    here = {each for share in carried for each in share.streams}
    left = set(wanted)
    moves = [Move([], [each for each in share.streams if each not in left]) for share in carried]
    room = [
        streams_per_connection - len(share.streams) + len(move.drop)
        for share, move in zip(carried, moves, strict=True)
    ]
    holders = {
        (share.url, name(each)): index
        for index, share in enumerate(carried)
        for each in share.streams
        if each in left
    }
    homeless: dict[str, list[Stream]] = {}
    for group in _by_symbol(exchange, ws_url, [each for each in wanted if each not in here]):
        url = exchange.stream_url(ws_url, group[0].channel)
        holder = holders.get((url, name(group[0])))
        if holder is None:
            fits = [
                index
                for index, share in enumerate(carried)
                if share.url == url and room[index] >= len(group)
            ]
            holder = max(fits, key=lambda index: room[index], default=None)
        if holder is None:
            homeless.setdefault(url, []).extend(group)
        else:
            moves[holder].add.extend(group)
            room[holder] -= len(group)
    new = [
        Share(url, streams)
        for url, group in homeless.items()
        for streams in _spread(group, exchange.shared_channels, streams_per_connection)
    ]
    return moves, new


def _by_symbol(exchange: Exchange, ws_url: str, streams: Sequence[Stream]) -> list[list[Stream]]:
    """A symbol's streams of one address together; one that is shared by several alone."""
    groups: dict[tuple[str, ...], list[Stream]] = {}
    for each in streams:
        key = (
            ("shared", exchange.channel_name(each))
            if each.channel in exchange.shared_channels
            else (each.symbol, exchange.stream_url(ws_url, each.channel))
        )
        groups.setdefault(key, []).append(each)
    return list(groups.values())


def streams_of(
    exchange: Exchange, wanted: Sequence[tuple[Instrument, Sequence[str]]]
) -> list[Stream]:
    """The streams of instruments that may have channels of their own, each once."""
    by_channels: dict[tuple[str, ...], list[Instrument]] = {}
    for instrument, channels in wanted:
        by_channels.setdefault(tuple(channels), []).append(instrument)
    found: dict[Stream, None] = {}
    for channels, instruments in by_channels.items():
        found |= dict.fromkeys(exchange.streams(instruments, channels))
    return list(found)
