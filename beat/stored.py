"""What Redis keeps of the schedule beside RedBeat's entries: people's edits, and who is active.

Edits are the truth, RedBeat's entries follow from them and the settings (`edits.applied`). Who
changes an edit raises the revision; the active beat sees that at its next tick.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

import msgspec
from redis import Redis
from redis.exceptions import WatchError

from beat.coding import decode
from beat.edits import Edit
from beat.keys import Keys
from config import Settings

BEAT_SEEN_S = 15
"""The active beat is believed to live that long after it last said so."""


class ScheduleError(Exception):
    """What a person asked of the schedule cannot be done; says what can."""


class Edits(NamedTuple):
    """All edits; `revision` is None where Redis never had any or lost them."""

    revision: int | None
    by_name: dict[str, Edit]
    problems: dict[str, str]


class Run(NamedTuple):
    """When an entry was sent last and how often since Redis knows it."""

    last_run_at: datetime
    runs: int


class Active(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the active beat says of itself.

    Args:
        name: host and process id.
        since: when it became active, ISO 8601.
        entries: it sends.
        revision: of the edits it follows.
        sent: tasks since it became active.
        failed: sends that failed since then.
    """

    name: str
    since: str
    entries: int
    revision: int
    sent: int
    failed: int


class ScheduleStore:
    """The schedule's state in Redis. Raises RedisError where Redis does not answer.

    Args:
        redis: a client that decodes responses.
        keys: of the stack.
    """

    def __init__(self, redis: Redis, keys: Keys) -> None:
        self.redis, self.keys = redis, keys

    def revision(self) -> int | None:
        """The number of the edits' last change."""
        found = self.redis.get(self.keys.revision)
        return None if found is None else int(found)

    def edits(self) -> Edits:
        """All edits as they are now."""
        with self.redis.pipeline() as pipe:
            pipe.get(self.keys.revision)
            pipe.hgetall(self.keys.edits)
            revision, stored = pipe.execute()
        found: dict[str, Edit] = {}
        problems: dict[str, str] = {}
        for name, text in stored.items():
            try:
                found[name] = msgspec.json.decode(text, type=Edit)
            except msgspec.DecodeError as error:
                problems[name] = str(error)
        return Edits(None if revision is None else int(revision), found, problems)

    def change(self, base: Edits, changes: Mapping[str, Edit | None]) -> int:
        """Set edits, remove those that are None, if nobody changed any since `base`.

        Returns:
            The new revision.

        Raises:
            ScheduleError: somebody else was faster.
        """
        with self.redis.pipeline() as pipe:
            pipe.watch(self.keys.revision)  # type: ignore[no-untyped-call]
            if self.revision() != base.revision:
                raise ScheduleError("somebody else changed the schedule just now; look and retry")
            pipe.multi()
            for name, edit in changes.items():
                if edit:
                    pipe.hset(self.keys.edits, name, msgspec.json.encode(edit).decode())
                else:
                    pipe.hdel(self.keys.edits, name)
            pipe.incr(self.keys.revision)
            try:
                return int(pipe.execute()[-1])
            except WatchError as error:
                raise ScheduleError(
                    "somebody else changed the schedule just now; look and retry"
                ) from error

    def runs(self, names: Iterable[str]) -> dict[str, Run]:
        """Last sends of those entries that Redis knows."""
        names = list(names)
        with self.redis.pipeline(transaction=False) as pipe:
            for name in names:
                pipe.hget(self.keys.entry + name, "meta")
            metas = [decode(each) if each else None for each in pipe.execute()]
        return {
            name: Run(meta["last_run_at"], meta.get("total_run_count", 0))
            for name, meta in zip(names, metas, strict=True)
            if meta
        }

    def active(self) -> Active | None:
        """The active beat; None: there is none, or it said nothing for a while."""
        text = self.redis.get(self.keys.active)
        return msgspec.json.decode(text, type=Active) if text else None

    def announce(self, active: Active) -> None:
        """Say that this beat is active."""
        text = msgspec.json.encode(active).decode()
        self.redis.set(self.keys.active, text, ex=BEAT_SEEN_S)

    def leave(self) -> None:
        """Say that this beat is active no more."""
        self.redis.delete(self.keys.active)


def open_store(settings: Settings, **options: Any) -> ScheduleStore:
    """The store of these settings; connects with its first question."""
    redis = Redis.from_url(
        settings.redis.url,
        decode_responses=True,
        socket_timeout=5.0,
        socket_connect_timeout=5.0,
        **options,
    )
    return ScheduleStore(redis, Keys.of(settings))
