"""Which shard of an exchange collects a symbol, and what shards are called. Pure.

An exchange that is too much for one process is split by symbols: `exchanges.<name>.shards`. The
first shard has the exchange's own name (`collector.binance_spot`, also understood as
`collector.binance_spot.0`), so that adding one renames nothing: not its lease, its queue, its spool
nor its metrics. Symbols are placed by rendezvous hashing: of n shards a new one takes 1/(n+1) of
the symbols, from all others alike, and no symbol moves between those that were there.
https://en.wikipedia.org/wiki/Rendezvous_hashing (2026-11).
"""

from collections.abc import Iterable
from functools import lru_cache
from hashlib import blake2b

from config import queues

MOST_SHARDS = 32
FIRST = ".0"


@lru_cache(maxsize=10_000)
def shard_of(symbol: str, shards: int) -> int:
    """The shard that collects a symbol, 0 to `shards` - 1; the same in every process."""
    return max(range(shards), key=lambda shard: _weight(shard, symbol))


def by_shard(symbols: Iterable[str], shards: int) -> dict[int, list[str]]:
    """Symbols by the shard that collects them."""
    found: dict[int, list[str]] = {}
    for each in symbols:
        found.setdefault(shard_of(each, shards), []).append(each)
    return found


def collectors(exchange: str, shards: int) -> list[str]:
    """The services that collect an exchange together."""
    return [queues.collector(exchange, shard) for shard in range(shards)]


def exchange_of(service: str) -> str | None:
    """`collector.binance_spot.1` -> `binance_spot`; None: not a collector."""
    first, _, rest = service.partition(".")
    return rest.partition(".")[0] if f"{first}." == queues.collector("") else None


def shard_number(service: str) -> int:
    """`collector.binance_spot.1` -> 1; `collector.binance_spot` -> 0."""
    number = service.removeprefix(queues.collector("")).partition(".")[2]
    return int(number or 0)


def plain(service: str) -> str:
    """A service by its one name: `collector.binance_spot.0` is `collector.binance_spot`."""
    if service.startswith(queues.collector("")) and service.count(".") > 1:
        return service.removesuffix(FIRST)
    return service


def _weight(shard: int, symbol: str) -> bytes:
    return blake2b(f"{shard}:{symbol}".encode(), digest_size=8).digest()
