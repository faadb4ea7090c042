"""The usual case of Book.apply, compiled from _fast.c; absent where it was not built."""

from workers.model.events import Levels

def apply(
    bids: Levels,
    asks: Levels,
    bid_keys: list[float],
    bid_values: list[str],
    ask_keys: list[float],
    ask_values: list[str],
) -> bool:
    """Set the quantities of some levels; 0 removes. False: nothing was changed."""
