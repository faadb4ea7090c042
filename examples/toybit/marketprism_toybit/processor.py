"""A processor: writes every trade worth more than a limit to a file, one JSON object a line."""

import os
from decimal import Decimal
from pathlib import Path

from workers.model.codec import encode
from workers.model.events import AnyEvent, Trade


class LargeTrades:
    """Made without arguments, so its own settings come from the environment.

    LARGE_TRADES_FILE: where to write; large_trades.jsonl.
    LARGE_TRADES_FROM: price * quantity from which a trade is large; 100000.
    """

    events = ("trade",)

    def __init__(self) -> None:
        self._file = Path(os.environ.get("LARGE_TRADES_FILE", "large_trades.jsonl"))
        self._limit = Decimal(os.environ.get("LARGE_TRADES_FROM", "100000"))

    def on_event(self, event: AnyEvent) -> None:
        """Called for each trade, one at a time; it may come again after a crash."""
        assert isinstance(event, Trade)
        if Decimal(event.price) * Decimal(event.quantity) >= self._limit:
            with self._file.open("ab") as file:
                file.write(encode(event) + b"\n")
