"""Which symbols a collector collects, and with which channels: settings and what people changed.

A change is the channels a symbol has instead of those of the settings; none of them: the symbol is
removed. What agrees with the settings is no change. Pure.
"""

from collections.abc import Mapping, Sequence
from typing import Literal

from config.settings import ExchangeSettings
from workers.model.names import unknown_name

Origin = Literal["settings", "added", "removed"]
Changes = dict[str, tuple[str, ...]]
"""Channels by symbol."""


class Roster:
    """The symbols of one exchange.

    Args:
        exchange: for error texts.
        settings: the exchange's section.

    Attributes:
        settings: may be replaced.
        changes: what people changed.
    """

    def __init__(self, exchange: str, settings: ExchangeSettings) -> None:
        self._exchange, self.settings = exchange, settings
        self.changes: Changes = {}

    def wanted(self) -> Changes:
        """Channels of every symbol that is collected."""
        usual = tuple(self.settings.channels)
        found: Changes = dict.fromkeys(self.settings.symbols, usual) | self.changes
        return {symbol: channels for symbol, channels in found.items() if channels}

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
        for symbol, channels in {**self.wanted(), **self.changes}.items():
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
