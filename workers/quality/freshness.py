"""Whether a subscribed stream still speaks at its own pace. Pure."""

from collections.abc import Iterable
from typing import NamedTuple, Protocol

LOOK_EVERY_S = 10.0


class Paced(Protocol):
    """What is known of a stream's pace: the collector's watch of it."""

    attempts: int

    @property
    def expected(self) -> bool:
        """Whether data is due at all."""
        ...

    def age_s(self, now_s: float) -> float:
        """Seconds since its last message."""
        ...

    def limit_s(self) -> float:
        """Seconds of silence that its pace allows."""
        ...


class Stale(NamedTuple):
    """A stream that says nothing for longer than its pace allows."""

    channel: str
    symbol: str
    age_s: float
    limit_s: float


def stale(streams: Iterable[tuple[tuple[str, str], Paced]], now_s: float) -> list[Stale]:
    """Those that are silent; asked for again in vain (`attempts`) counts until data comes.

    Args:
        streams: by (channel, symbol).
        now_s: monotonic seconds.
    """
    found = []
    for (channel, symbol), each in streams:
        age_s = each.age_s(now_s)
        if each.expected and (each.attempts > 0 or age_s > each.limit_s()):
            found.append(Stale(channel, symbol, age_s, each.limit_s()))
    return found
