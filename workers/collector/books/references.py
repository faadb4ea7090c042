"""Books the exchange gives apart from the live streams, for audits to compare with.

Where snapshots come from REST one is asked for, with the priority of a check. Where they come on
the stream a short connection of its own subscribes to them, takes the first book of each, and ends.
"""

import asyncio
import concurrent.futures
import time
from collections.abc import Sequence

import structlog

from workers.book.sequence import Snapshot
from workers.collector.books.snapshot_queue import COMPARE_CAUSE, SnapshotJob
from workers.collector.common import Common
from workers.exchanges.base import Acknowledged, BookReset, Reply, Stream
from workers.model.errors import TransportError, WireError
from workers.model.instrument import Instrument

log = structlog.get_logger(__name__)

REST_DEPTH = 1000
"""Levels a side: a fifth of what the whole book costs at Binance spot."""
READ_S = 0.25
CONNECT_WAIT_S = 0.5

Books = dict[str, Snapshot]


async def from_rest(common: Common, instrument: Instrument, deadline_s: float) -> Books:
    """The instrument's book from REST; nothing if it does not come in time."""
    answer: concurrent.futures.Future[Snapshot] = concurrent.futures.Future()

    def deliver(snapshot: Snapshot) -> None:
        if answer.set_running_or_notify_cancel():  # else it came too late
            answer.set_result(snapshot)

    until_s = common.clock.monotonic_s() + deadline_s
    job = SnapshotJob(
        symbol=instrument.symbol,
        raw_symbol=instrument.raw_symbol,
        depth=min(REST_DEPTH, common.settings.depth),
        cause=COMPARE_CAUSE,
        wanted=lambda: common.clock.monotonic_s() < until_s,
        deliver=deliver,
    )
    common.fetcher.request(job, 0.0)
    try:
        snapshot = await asyncio.wait_for(asyncio.wrap_future(answer), deadline_s)
    except TimeoutError:
        return {}
    return {instrument.symbol: snapshot}


def from_stream(common: Common, instruments: Sequence[Instrument], deadline_s: float) -> Books:
    """The instruments' books from a connection of its own; those that came in time.

    Blocks for at most `deadline_s` and the time connecting takes. Whatever goes wrong on the
    connection ends it, and the books that did not come are missing.
    """
    exchange, clock = common.exchange, common.clock
    until_s = clock.monotonic_s() + deadline_s
    while (wait_s := common.connects.take()) > 0:
        if clock.monotonic_s() + wait_s > until_s:
            return {}
        time.sleep(min(wait_s, CONNECT_WAIT_S))
    streams = [Stream("orderbook", each.symbol, each.raw_symbol) for each in instruments]
    websocket = common.dial(exchange.stream_url(common.settings.ws_url, "orderbook"))
    mapper, books = exchange.mapper(instruments), Books()
    try:
        common.connects.connect(websocket)
        for message in exchange.subscribe(streams, 1):
            websocket.send(message)
        while len(books) < len(instruments) and clock.monotonic_s() < until_s:
            for frame in websocket.receive(READ_S):
                for item in mapper.map(frame, websocket.received_ns):
                    if isinstance(item, BookReset):
                        books.setdefault(item.symbol, item.snapshot)
                    elif isinstance(item, Reply):
                        websocket.send(item.message)
                    elif isinstance(item, Acknowledged) and item.error is not None:
                        if item.retry_after_s is not None:
                            common.connects.pause(item.retry_after_s, item.error)
                        log.warning(
                            "books to compare with refused", exchange=exchange.name, why=item.error
                        )
    except (TransportError, WireError) as error:
        log.warning("no books to compare with", exchange=exchange.name, error=str(error))
    finally:
        websocket.close()
    return books
