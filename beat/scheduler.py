"""Beat's scheduler: RedBeat's entries in Redis, one active beat, every run sent once.

RedBeat keeps the entries and its format is kept; what is ours is how they come about (settings and
people's edits, `edits.applied`) and what happens when a beat or Redis goes away. A run is claimed
in Redis before it is sent, by a script that looks at the lock: of two beats, or of one that slept
through its lock, only one can. A beat that dies between claim and send costs that one run.
"""

import json
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from celery.beat import ScheduleEntry, SchedulingError
from redbeat import RedBeatScheduler
from redbeat.schedulers import get_redis
from redis.exceptions import RedisError, WatchError

from beat.claim import EntryTable, Loaded, LockLost
from beat.defaults import Defaults
from beat.edits import Edit, applied
from beat.keys import Keys
from beat.lease import Lease
from beat.pace import Pace
from beat.stored import Active, Run, ScheduleStore

logger = logging.getLogger("celery.beat")

LOOK_S = 2.0
"""The longest nap: the lock is renewed, edits and changed settings are noticed that often."""


@dataclass
class Term:
    """One time of being active."""

    since: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))
    entries: int = 0
    sent: int = 0
    failed: int = 0


class Scheduler(RedBeatScheduler):  # type: ignore[misc]
    """Sends what is due while it holds the lock, and stands by otherwise.

    Connects to nothing before its first tick. Redis being away or empty ends no beat.

    Args:
        app: the Celery app, with its `settings`.
        schedule_filename: a file whose age and words tell how this beat is.
        more: for Celery's own scheduler.
    """

    def __init__(self, app: Any, schedule_filename: str | None = None, **more: Any) -> None:
        super().__init__(app, **more)
        self.lock_key = None  # RedBeat's: taken at the start alone, and its loss is a crash
        self.max_interval: float = min(self.max_interval, LOOK_S)
        redis, keys = get_redis(app), Keys.of(app.settings)
        self._store = ScheduleStore(redis, keys)
        self._lease = Lease(redis, keys.lock)
        self._table = EntryTable(redis, keys, self._lease.token)
        self._defaults = Defaults(app.settings)
        self._pace = Pace()
        self._runs: dict[str, Run] = {}
        self._edits: dict[str, Edit] = {}
        self._revision: int | None = None
        self._term = Term()
        self._looked = self._away = False
        self._told_s = 0.0
        self._state_file = Path(schedule_filename) if schedule_filename else None

    def setup_schedule(self) -> None:
        """Nothing yet: only the active beat writes, see `tick`."""

    @property
    def info(self) -> str:
        """Lines of beat's banner."""
        return f"{super().info}\n       . lock -> `{self._lease.key}`, renewed every {LOOK_S:g} s"

    def tick(self, *_: Any, **__: Any) -> float:
        """Do what is to be done now; seconds until there is more."""
        try:
            pause = self._turn()
        except RedisError as error:
            if not self._away:
                logger.error("beat: Redis does not answer, nothing is sent: %s", error)
            self._away, pause = True, LOOK_S
            self._tell_file("redis away")
        else:
            if self._away:
                logger.warning("beat: Redis answers again")
            self._away = False
        return min(pause, self.max_interval)

    def close(self) -> None:
        """Hand over: another beat takes the lock at its next look."""
        try:
            if self._lease.held:
                self._store.leave()
            self._lease.release()
        except RedisError as error:
            logger.warning("beat: the lock is left to run out, Redis does not answer: %s", error)
        super().close()

    def _turn(self) -> float:
        first, self._looked = not self._looked, True
        taken = self._lease.renew()
        if not self._lease.held:
            self._follow_edits()
            if first:
                logger.info("beat: another beat is active, standing by")
            self._tell_file("standby")
            return LOOK_S
        try:
            if taken:
                logger.info("beat: active, holds the lock %s", self._lease.key)
                self._term = Term()
            changes = (self._defaults.changed(), self._follow_edits(), taken)
            if any(changes):
                self._reconcile(at_once=taken and first)
            self._announce()
            return self._send_due()
        except (LockLost, WatchError):
            logger.warning("beat: the lock is another's by now; standing by")
            self._lease.held = False
            return LOOK_S

    def _follow_edits(self) -> bool:
        """Read people's edits if they changed; bring back those Redis forgot; whether any did."""
        revision = self._store.revision()
        if revision is not None and revision == self._revision:
            return False
        found = self._store.edits()
        if found.revision is None and self._edits and self._lease.held:
            self._revision = self._store.change(found, self._edits)
            logger.warning("beat: Redis forgot %d edits, they are back", len(self._edits))
            return True
        if found.revision is None:
            return False
        for name, problem in found.problems.items():
            logger.error("beat: the edit of %s cannot be read and is left out: %s", name, problem)
        self._edits, self._revision = found.by_name, found.revision
        return True

    def _reconcile(self, *, at_once: bool) -> None:
        """Make RedBeat's entries those of settings and edits."""
        defaults = self._defaults
        entries, problems = applied(defaults.entries, self._edits, defaults.expires_s)
        for name, problem in problems.items():
            logger.error("beat: the edit of %s is left out: %s", name, problem)
        written, removed = self._table.write(entries, self._runs, at_once=at_once)
        sent = [each for each in entries.values() if each.enabled]
        self._term.entries = len(sent)
        self._pace.follow(sent)
        self._told_s = 0.0
        logger.info(
            "beat: %d entries, %d of them written anew, %d removed", len(sent), written, removed
        )

    def _send_due(self) -> float:
        now_s = time.time()
        most = self._pace.allowance()
        loaded, next_s = self._table.due(now_s, most)
        for each in loaded:
            self._send_if_due(each)
        if len(loaded) == most:
            return self._pace.pause_s
        # One millisecond more: at its due time to the microsecond an entry is not yet past it.
        return LOOK_S if next_s is None else max(0.0, next_s - time.time()) + 0.001

    def _send_if_due(self, loaded: Loaded) -> None:
        run = max(loaded.run, self._runs.get(loaded.name, loaded.run))
        fields: Mapping[str, Any] = loaded.definition
        schedule = fields["schedule"]
        due, _ = schedule.is_due(run.last_run_at)
        if not due or not fields.get("enabled", True):
            self._table.postpone(loaded.name, schedule.next_after(run.last_run_at).timestamp())
            return
        claimed = Run(schedule.now(), run.runs + 1)
        next_s = schedule.next_after(claimed.last_run_at).timestamp()
        if not self._table.claim(loaded, claimed, next_s):
            return
        self._runs[loaded.name] = claimed
        self._pace.spend()
        entry = ScheduleEntry(
            name=loaded.name,
            task=fields["task"],
            schedule=schedule,
            args=fields["args"],
            kwargs=fields["kwargs"],
            options=fields["options"],
            last_run_at=claimed.last_run_at,
            total_run_count=claimed.runs,
            app=self.app,
        )
        logger.info("Scheduler: Sending due task %s (%s)", entry.name, entry.task)
        try:
            self.apply_async(entry, advance=False)
        except SchedulingError as error:
            self._term.failed += 1
            logger.error("beat: %s", error)
        else:
            self._term.sent += 1

    def _announce(self) -> None:
        """Tell Redis and the state file, every `LOOK_S` at most."""
        if time.monotonic() - self._told_s < LOOK_S:
            return
        self._told_s = time.monotonic()
        term, revision = self._term, self._revision or 0
        self._store.announce(
            Active(self._lease.name, term.since, term.entries, revision, term.sent, term.failed)
        )
        self._tell_file("active")

    def _tell_file(self, state: str) -> None:
        """The file whose age tells a stuck beat."""
        if self._state_file is None:
            return
        try:
            whole = self._state_file.with_suffix(
                ".new"
            )  # whoever reads finds all or the one before
            whole.write_text(json.dumps({"state": state, **vars(self._term)}) + "\n")
            whole.replace(self._state_file)
        except OSError as error:
            logger.error("beat: cannot write %s: %s", self._state_file, error)
