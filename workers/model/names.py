"""Names people type, and the nearest valid ones when they are wrong."""

import difflib
from collections.abc import Iterable

from workers.model.errors import MarketPrismError

SHOWN = 10


class UnknownName(MarketPrismError, ValueError):
    """A name nobody here knows; the message has the nearest valid ones."""


def unknown_name(kind: str, name: object, known: Iterable[str]) -> UnknownName:
    """The error for a wrong name.

    Args:
        kind: what it should name, `exchange`.
        name: as it was given.
        known: the valid names.
    """
    folded = {each.casefold(): each for each in sorted(known)}
    near = difflib.get_close_matches(str(name).casefold(), folded, n=3, cutoff=0.5)
    shown = [folded[each] for each in near] or list(folded.values())[:SHOWN]
    word = "nearest" if near else "known"
    return UnknownName(f"no {kind} is called {name!r}; {word}: {', '.join(shown) or 'none'}")
