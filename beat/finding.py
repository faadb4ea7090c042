"""The entries a person means by a name, and the nearest names where there are none."""

import difflib
from collections.abc import Iterable

from beat.edits import matches, names_for
from beat.schedule import POLL_PREFIX, group_of
from beat.stored import ScheduleError

SHOWN = 5


def found(name: str, names: Iterable[str]) -> list[str]:
    """Names of all entries that this name means.

    Raises:
        ScheduleError: there is none; names the nearest.
    """
    known = list(names)
    target = meant(name, known)
    return [each for each in known if matches(target, each)]


def meant(name: str, names: Iterable[str]) -> str:
    """The group's or entry's own spelling of a name: any case, `_` for `-`, or a task's name.

    Raises:
        ScheduleError: there is no such; names the nearest.
    """
    known = {_folded(part): part for each in names for part in names_for(each)}
    for spelling in (name, group_of(name) if name.startswith(POLL_PREFIX) else name):
        if _folded(spelling) in known:
            return known[_folded(spelling)]
    near = [each for each in known if each.startswith(_folded(name))][:SHOWN]
    near = near or difflib.get_close_matches(_folded(name), known, n=SHOWN, cutoff=0.5)
    groups = sorted({each for each in known.values() if "." not in each})
    shown = ", ".join(known[each] for each in near) or ", ".join(groups) or "none"
    word = "nearest" if near else "known"
    raise ScheduleError(f"nothing in the schedule is called {name!r}; {word}: {shown}")


def _folded(name: str) -> str:
    return name.casefold().replace("_", "-")
