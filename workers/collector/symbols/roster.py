"""Which symbols a collector collects, and with which channels: settings and what people changed.

A change is the channels a symbol has instead of those of the settings; none of them: the symbol is
removed. What agrees with the settings is no change. Of an exchange's symbols a shard collects its
own, and for a while those it still holds for another that is to take them over. Pure.
"""

from collections.abc import Mapping, Sequence
from typing import Literal

from config.queues import collector
from config.settings import ExchangeSettings
from config.shards import shard_of
from workers.model.names import unknown_name

Origin = Literal["settings", "added", "removed"]
Changes = dict[str, tuple[str, ...]]
"""Channels by symbol."""


class Roster:
    """The symbols of one exchange.

    Args:
        exchange: for error texts.
        settings: the exchange's section.
        shard: which part of its symbols is ours.

    Attributes:
        settings: may be replaced.
        changes: what people changed, also of symbols of other shards.
        held: symbols of other shards that are collected here until those have taken over.
    """

    def __init__(self, exchange: str, settings: ExchangeSettings, shard: int = 0) -> None:
        self._exchange, self.settings, self._shard = exchange, settings, shard
        self.changes: Changes = {}
        self.held: frozenset[str] = frozenset()

    def owns(self, symbol: str) -> bool:
        """Whether a symbol belongs to this shard."""
        return self.shard_of(symbol) == self._shard

    def owner(self, symbol: str) -> str:
        """The collector a symbol belongs to."""
        return collector(self._exchange, self.shard_of(symbol))

    def shard_of(self, symbol: str) -> int:
        """The number of the shard a symbol belongs to."""
        return shard_of(symbol, self.settings.shards)

    def own(self, changes: Changes) -> Changes:
        """Those of our own symbols."""
        return {symbol: each for symbol, each in changes.items() if self.owns(symbol)}

    def configure(self, settings: ExchangeSettings) -> None:
        """Go by other settings; what now belongs to another shard is held until that has it."""
        carried = self.wanted()
        self.settings = settings
        self.held = frozenset(each for each in carried if not self.owns(each))

    def wanted(self) -> Changes:
        """Channels of every symbol that is collected here."""
        usual = tuple(self.settings.channels)
        found: Changes = dict.fromkeys(self.settings.symbols, usual) | self.changes
        return {
            symbol: channels
            for symbol, channels in found.items()
            if channels and (self.owns(symbol) or symbol in self.held)
        }

    def subscribed(self, symbols: Sequence[str], channels: Sequence[str] | None) -> Changes:
        """All changes with these subscribed to; the channels of the settings with None."""
        wanted, asked = self.wanted(), tuple(channels or self.settings.channels)
        return self._with(
            {each: tuple(dict.fromkeys((*wanted.get(each, ()), *asked))) for each in symbols}
        )

    def unsubscribed(self, symbols: Sequence[str], channels: Sequence[str] | None) -> Changes:
        """All changes without these channels of these symbols; without the symbols with None.

        Raises:
            UnknownName: one is not collected; has the nearest that are.
        """
        wanted = self.wanted()
        for each in symbols:
            if each not in wanted:
                raise unknown_name(f"collected symbol of {self._exchange}", each, wanted)
        ended = set(channels) if channels else None
        return self._with(
            {
                each: tuple(c for c in wanted[each] if ended is not None and c not in ended)
                for each in symbols
            }
        )

    def facts(self) -> dict[str, dict[str, object]]:
        """Origin and channels by symbol, those removed too."""
        found: dict[str, dict[str, object]] = {}
        for symbol, channels in {**self.wanted(), **self.own(self.changes)}.items():
            origin: Origin = (
                "removed"
                if not channels
                else "settings"
                if symbol in self.settings.symbols
                else "added"
            )
            found[symbol] = {"origin": origin, "channels": list(channels)}
        return found

    def _with(self, changes: Mapping[str, tuple[str, ...]]) -> Changes:
        usual = set(self.settings.channels)
        written = set(self.settings.symbols)
        return {
            symbol: channels
            for symbol, channels in {**self.changes, **changes}.items()
            if (set(channels) != usual if symbol in written else channels)
        }
