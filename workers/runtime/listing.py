"""What an exchange listed when it was last asked, in Redis, and what has changed since.

One hash an exchange: `list` (zlib, JSON), `address` it came from, `pending` changes, `doubted`.
Changes are kept as pending before they are published and forgotten together with the old list once
JetStream has them, so a restart at any moment publishes them again under the same ids, or not at
all.
"""

import zlib
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import msgspec
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from workers.model.events import InstrumentChange
from workers.model.instrument import Instrument
from workers.runtime.poll_errors import PollFailed, PollMalformed, PollNotSent

KEY = "marketprism:instruments:"
LOCK_S = 90.0
"""Longer than a list is loaded and its changes are published."""
WAIT_S = 2.0
TIMEOUT_S = 5.0

DOUBT_FROM = 10
DOUBT_SHARE = 0.5
BELIEVED_AT = 3
"""A list that lacks so much is believed when it came so often in a row."""

Publish = Callable[[Sequence[InstrumentChange]], bool]

_list = msgspec.json.Decoder(list[Instrument])
_changes = msgspec.json.Decoder(list[InstrumentChange])


class Listing:
    """The last lists of all exchanges.

    Args:
        url: of Redis.
    """

    def __init__(self, url: str) -> None:
        self._redis = redis.Redis.from_url(
            url,
            socket_timeout=TIMEOUT_S,
            socket_connect_timeout=TIMEOUT_S,
            retry=Retry(NoBackoff(), 1),
        )

    def update(
        self,
        exchange: str,
        address: str,
        load: Callable[[], Sequence[Instrument]],
        collected: Collection[str],
        now_ns: Callable[[], int],
        publish: Publish,
    ) -> list[InstrumentChange]:
        """Load the list, publish what has changed since the last one, and keep it.

        Args:
            exchange: ours.
            address: where the list comes from; another one begins anew.
            load: asks the exchange.
            collected: our symbols whose state is published with the first list.
            now_ns: when the list was received.
            publish: True once the changes are acknowledged.

        Returns:
            The changes: published, or kept to be published by the next run.

        Raises:
            PollNotSent: Redis is away, or another worker is at it; the exchange was not asked.
            PollMalformed: most of the last list is missing; not believed yet.
        """
        key = KEY + exchange
        try:
            with self._alone(key):
                return self._update(key, address, load, collected, now_ns, publish)
        except redis.RedisError as error:
            raise PollNotSent(
                f"{exchange}: the last list of instruments is in Redis, which failed: {error}; "
                "the next run compares"
            ) from error

    @contextmanager
    def _alone(self, key: str) -> Iterator[None]:
        lock = self._redis.lock(f"{key}:lock", timeout=LOCK_S, blocking_timeout=WAIT_S)
        if not lock.acquire():
            raise PollNotSent(f"{key}: another worker compares this list now; not asked twice")
        try:
            yield
        finally:
            try:
                lock.release()
            except redis.exceptions.LockError as error:
                raise PollFailed(f"{key}: took longer than {LOCK_S:g} s: {error}") from error

    def _update(
        self,
        key: str,
        address: str,
        load: Callable[[], Sequence[Instrument]],
        collected: Collection[str],
        now_ns: Callable[[], int],
        publish: Publish,
    ) -> list[InstrumentChange]:
        stored = self._stored(key, address)
        unpublished = _changes.decode(stored[b"pending"]) if b"pending" in stored else []
        found, received_ns = list(load()), now_ns()
        if not found:
            raise PollMalformed(f"{key}: an empty list of instruments; nothing was published")
        if b"list" in stored:
            last = _list.decode(zlib.decompress(stored[b"list"]))
            self._doubt(key, last, found)
            changes = compared(last, found, received_ns)
        else:
            changes = [change(each, received_ns) for each in found if each.symbol in collected]
        pending = [*unpublished, *changes]
        # The new list with what is still to be told about it: from here on nothing can be missed.
        self._redis.hset(
            key,
            mapping={
                "address": address,
                "list": zlib.compress(msgspec.json.encode(found)),
                "pending": msgspec.json.encode(pending),
                "doubted": 0,
            },
        )
        if publish(pending):
            self._redis.hdel(key, "pending")
        return pending

    def _stored(self, key: str, address: str) -> dict[bytes, bytes]:
        """The hash; nothing if it came from elsewhere."""
        pairs: Any = self._redis.hgetall(key)
        stored: dict[bytes, bytes] = pairs
        return stored if stored.get(b"address") == address.encode() else {}

    def _doubt(self, key: str, last: Sequence[Instrument], found: Sequence[Instrument]) -> None:
        """A list that has lost most of what there was is more likely broken than true."""
        here = {each.raw_symbol for each in found}
        gone = sum(each.raw_symbol not in here for each in last)
        if gone < max(DOUBT_FROM, DOUBT_SHARE * len(last)):
            return
        times = self._redis.hincrby(key, "doubted", 1)
        if times < BELIEVED_AT:
            raise PollMalformed(
                f"{key}: the list has lost {gone} of {len(last)} instruments at once; not believed "
                f"before it comes {BELIEVED_AT} times in a row, this was number {times}; nothing "
                "was published"
            )


def compared(
    last: Sequence[Instrument], found: Sequence[Instrument], received_ns: int
) -> list[InstrumentChange]:
    """Changes between two lists: what is new or differs in any fact, then what is gone.

    What was told to be delisted before it left the list is not told again.
    """
    before = {each.raw_symbol: each for each in last}
    here = {each.raw_symbol for each in found}
    changes = [change(each, received_ns) for each in found if before.get(each.raw_symbol) != each]
    for each in last:
        if each.raw_symbol in here or each.status == "delisted":
            continue
        over = each.expiry_ns is not None and each.expiry_ns <= received_ns
        raw_status = "expired" if over else "not listed"
        gone = msgspec.structs.replace(each, status="delisted", raw_status=raw_status)
        changes.append(change(gone, received_ns))
    return changes


def change(instrument: Instrument, received_ns: int) -> InstrumentChange:
    """An instrument's facts as an event; a list has no time of the exchange."""
    facts = msgspec.structs.asdict(instrument)
    return InstrumentChange(**facts, exchange_ns=None, received_ns=received_ns, source="poll")
