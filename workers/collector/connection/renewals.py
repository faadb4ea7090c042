"""Book streams to be subscribed anew, each at its time. Pure."""


class Renewals:
    """By symbol; asking twice keeps the earlier time."""

    def __init__(self) -> None:
        self._at_s: dict[str, float] = {}

    def ask(self, symbol: str, at_s: float) -> None:
        """Have a symbol's stream renewed at monotonic `at_s`."""
        self._at_s[symbol] = min(at_s, self._at_s.get(symbol, at_s))

    def due(self, now_s: float) -> list[str]:
        """Symbols whose time has come; each is told once."""
        due = [symbol for symbol, at_s in self._at_s.items() if at_s <= now_s]
        for symbol in due:
            del self._at_s[symbol]
        return due

    def clear(self) -> None:
        """The connection is gone: the next one brings what was asked for."""
        self._at_s.clear()
