"""RedBeat's entries in Redis: written as the schedule asks, and claimed one run at a time."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from redis import Redis

from beat.coding import decode, encode
from beat.due import Aligned
from beat.entries import Entry
from beat.keys import Keys
from beat.stored import Run

# KEYS: lock, entry, schedule. ARGV: token, meta as it was read, meta as it becomes, next due time.
_CLAIM = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return -1 end
if redis.call('HGET', KEYS[2], 'meta') ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[2], 'meta', ARGV[3])
redis.call('ZADD', KEYS[3], ARGV[4], KEYS[2])
return 1
"""


class Loaded(NamedTuple):
    """An entry as Redis has it.

    Args:
        name: of the entry.
        definition: RedBeat's fields: task, args, kwargs, options, schedule, enabled.
        meta: the text that says when it ran last; claiming compares it.
        run: the same, read.
    """

    name: str
    definition: dict[str, object]
    meta: str
    run: Run


class LockLost(Exception):
    """Another beat may be active; this one must not send."""


class EntryTable:
    """The keys RedBeat keeps entries in, written by the active beat alone.

    Args:
        redis: a client that decodes responses.
        keys: of the stack.
        token: what the lock holds while this beat is active.
    """

    def __init__(self, redis: Redis, keys: Keys, token: str) -> None:
        self._redis, self._keys, self._token = redis, keys, token
        self._claim = redis.register_script(_CLAIM)
        self._schedule = f"{keys.entry}:schedule"
        self._statics = f"{keys.entry}:statics"

    def write(
        self, entries: Mapping[str, Entry], known: Mapping[str, Run], *, at_once: bool
    ) -> tuple[int, int]:
        """Make the stored entries those of the schedule; runs so far are kept.

        Args:
            entries: the whole schedule.
            known: last runs this process knows, for a Redis that forgot them.
            at_once: an interval entry that never ran is due now, not at its next turn.

        Returns:
            How many were written and removed.

        Raises:
            LockLost: another beat may be active.
            WatchError: the same, noticed at the last moment.
        """
        now = datetime.now(UTC)
        with self._redis.pipeline() as pipe:
            pipe.watch(self._keys.lock)  # type: ignore[no-untyped-call]
            if pipe.get(self._keys.lock) != self._token:
                raise LockLost
            gone = {str(name) for name in pipe.smembers(self._statics)} - set(entries)
            stored = self._stored(list(entries))
            pipe.multi()
            written = 0
            for name, entry in entries.items():
                key, text = self._keys.entry + name, _definition(entry)
                definition, meta = stored[name]
                if meta is None:
                    first = _first(entry, known.get(name), now, at_once=at_once)
                    pipe.hset(key, "meta", _meta(first))
                    last_run_at = first.last_run_at
                else:
                    last_run_at = decode(meta)["last_run_at"]
                if definition != text:
                    pipe.hset(key, "definition", text)
                    written += 1
                if entry.enabled:
                    due = entry.schedule.next_after(last_run_at)
                    pipe.zadd(self._schedule, {key: due.timestamp()})
                else:
                    pipe.zrem(self._schedule, key)
            if entries:
                pipe.sadd(self._statics, *entries)
            for name in gone:
                pipe.zrem(self._schedule, self._keys.entry + name)
                pipe.delete(self._keys.entry + name)
                pipe.srem(self._statics, name)
            pipe.execute()
        return written, len(gone)

    def due(self, now_s: float, most: int) -> tuple[list[Loaded], float | None]:
        """Entries whose time has come, the longest waiting first, and when the next one's comes.

        Args:
            now_s: seconds since 1970.
            most: no more than that.
        """
        with self._redis.pipeline() as pipe:
            pipe.zrange(self._schedule, 0, now_s, byscore=True, offset=0, num=most)
            pipe.zrange(
                self._schedule, f"({now_s}", "+inf", byscore=True, offset=0, num=1, withscores=True
            )
            keys, following = pipe.execute()
        names = [str(key).removeprefix(self._keys.entry) for key in keys]
        loaded = []
        for name, (definition, meta) in self._stored(names).items():
            if definition is None or meta is None:
                self._redis.zrem(self._schedule, self._keys.entry + name)
                continue
            read = decode(meta)
            run = Run(read["last_run_at"], read.get("total_run_count", 0))
            loaded.append(Loaded(name, decode(definition), meta, run))
        return loaded, float(following[0][1]) if following else None

    def claim(self, entry: Loaded, run: Run, next_s: float) -> bool:
        """Take a run of an entry: afterwards it has run, for every beat there is.

        Returns:
            False if the entry changed since it was read.

        Raises:
            LockLost: this beat is no longer the active one; the run is another's.
        """
        keys = [self._keys.lock, self._keys.entry + entry.name, self._schedule]
        answer = int(self._claim(keys, [self._token, entry.meta, _meta(run), next_s]))
        if answer < 0:
            raise LockLost
        return answer == 1

    def postpone(self, name: str, due_s: float) -> None:
        """Correct when an entry is due."""
        self._redis.zadd(self._schedule, {self._keys.entry + name: due_s})

    def _stored(self, names: Sequence[str]) -> dict[str, tuple[str | None, str | None]]:
        with self._redis.pipeline(transaction=False) as pipe:
            for name in names:
                pipe.hmget(self._keys.entry + name, "definition", "meta")
            return {
                name: (found[0], found[1])
                for name, found in zip(names, pipe.execute(), strict=True)
            }


def _definition(entry: Entry) -> str:
    """What RedBeat reads an entry from."""
    return encode(
        {
            "name": entry.name,
            "task": entry.task,
            "args": [],
            "kwargs": dict(entry.kwargs),
            "options": entry.options,
            "schedule": entry.schedule,
            "enabled": entry.enabled,
        }
    )


def _meta(run: Run) -> str:
    return encode({"last_run_at": run.last_run_at, "total_run_count": run.runs})


def _first(entry: Entry, known: Run | None, now: datetime, *, at_once: bool) -> Run:
    """Where an entry that Redis does not know begins."""
    if known is not None:
        return known
    if at_once and isinstance(entry.schedule, Aligned):
        return Run(now - timedelta(seconds=entry.schedule.interval_s), 0)
    return Run(now, 0)
