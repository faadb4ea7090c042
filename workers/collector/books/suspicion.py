"""When books fail so often that the connection itself is to be replaced. Pure.

One gap is an accident and a fresh snapshot heals it. A book that breaks `max_sequence` times within
`reset_after` (updates missing), or `max_checksum` times because what it held was wrong (crossed,
malformed, refuted by an audit or a checksum), shows that the connection cannot be trusted.
"""

from collections import defaultdict, deque
from typing import Literal

from config.settings import ErrorSettings
from workers.model.events import GapCause

Kind = Literal["sequence", "checksum"]

KINDS: dict[GapCause, Kind] = {
    "sequence": "sequence",
    "overflow": "sequence",
    "crossed": "checksum",
    "malformed": "checksum",
    "audit": "checksum",
}
"""Gaps that speak against the connection; a disconnect or a command does not."""


class Suspicion:
    """The failures of one connection's books.

    Attributes:
        failures: of each kind since the service began.
    """

    def __init__(self, settings: ErrorSettings) -> None:
        self._reset_after_s = settings.reset_after
        self._most = {"sequence": settings.max_sequence, "checksum": settings.max_checksum}
        self._times_s: defaultdict[tuple[str, Kind], deque[float]] = defaultdict(deque)
        self._suspect: Kind | None = None
        self.failures: dict[Kind, int] = {"sequence": 0, "checksum": 0}

    def failed(self, symbol: str, cause: GapCause, now_s: float) -> None:
        """A symbol's book was lost."""
        kind = KINDS.get(cause)
        if kind is None:
            return
        self.failures[kind] += 1
        times_s = self._times_s[symbol, kind]
        times_s.append(now_s)
        while now_s - times_s[0] > self._reset_after_s:
            times_s.popleft()
        if len(times_s) >= self._most[kind]:
            self._suspect = kind

    def verdict(self) -> Kind | None:
        """What the connection is to be replaced for; told once, then counted anew."""
        suspect, self._suspect = self._suspect, None
        if suspect is not None:
            self._times_s.clear()
        return suspect
