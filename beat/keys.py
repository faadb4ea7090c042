"""Where in Redis the schedule of a stack is kept."""

from typing import NamedTuple

from config import Settings


class Keys(NamedTuple):
    """Names of a stack's keys; another database name is another stack.

    Args:
        entry: prefix of RedBeat's keys.
        edits: hash of edits by name.
        revision: counts changes of the edits.
        active: what the active beat says of itself.
        lock: who is active.
    """

    entry: str
    edits: str
    revision: str
    active: str
    lock: str

    @classmethod
    def of(cls, settings: Settings) -> "Keys":
        """The keys of the stack these settings describe."""
        stack = f"{settings.clickhouse.database}:beat:"
        return cls(*(stack + each for each in ("entry:", "edits", "revision", "active", "lock")))
