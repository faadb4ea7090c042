"""Compiled from _fast.c; absent where it was not built, see fast.py."""

from workers.model.events import Levels

def apply(
    bids: Levels,
    asks: Levels,
    bid_keys: list[float],
    bid_values: list[str],
    ask_keys: list[float],
    ask_values: list[str],
) -> bool: ...
def positive(*texts: str) -> bool: ...
def traded(price: str, quantity: str, time_ms: str, trade_id: str, /) -> tuple[int, int]: ...
def whole(*texts: str) -> tuple[int, ...]: ...
