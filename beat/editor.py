"""What a person may do to the schedule: look, set, add, disable, enable, remove, reset.

Every change is an edit in Redis; the active beat follows it within its look (2 s) and a beat that
starts later finds it there. With `dry_run` nothing is stored, the answer is the same.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NamedTuple

from msgspec.structs import replace

from beat.edits import Changes, Edit, applied, matches, merged, names_for, with_changes, without
from beat.entries import Entry
from beat.finding import found, meant
from beat.notes import notes
from beat.schedule import schedule
from beat.stored import Edits, ScheduleError, ScheduleStore
from config import Settings

LEAST_INTERVAL_S = 1.0
_NAME = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*")


class Line(NamedTuple):
    """One entry as it stands.

    Args:
        entry: with people's edits in it.
        next_at: when it is due next; None while it is disabled.
        last_run_at: when it was sent last; None: never.
        runs: how often, since Redis knows it.
    """

    entry: Entry
    next_at: datetime | None
    last_run_at: datetime | None
    runs: int


@dataclass(frozen=True)
class Change:
    """What a command changes, or would.

    Args:
        before: entries that are changed, by name; None: there was none.
        after: the same afterwards; None: there is none any more.
        edits: what is stored.
        notes: what a person should know about it.
        revision: of the edits from now on; None: nothing was stored.
    """

    before: Mapping[str, Entry | None]
    after: Mapping[str, Entry | None]
    edits: Changes
    notes: list[str] = field(default_factory=list)
    revision: int | None = None


class Editor:
    """Looks at the schedule and changes it.

    Args:
        settings: whose defaults there are.
        store: where the edits are.
    """

    def __init__(self, settings: Settings, store: ScheduleStore) -> None:
        self._store = store
        self._defaults = schedule(settings)
        self._expires_s = settings.celery.task_expires

    def entries(self) -> tuple[dict[str, Entry], dict[str, str]]:
        """The schedule by name; what is wrong with edits that are left out, by theirs."""
        edits = self._store.edits()
        entries, problems = self._applied(edits.by_name)
        return entries, edits.problems | problems

    def lines(self, name: str | None = None) -> list[Line]:
        """Entries with their due times, by name.

        Raises:
            ScheduleError: nothing has this name; names the nearest.
        """
        entries, _ = self.entries()
        names = sorted(entries if name is None else found(name, entries))
        runs, now = self._store.runs(names), datetime.now(UTC)
        lines = []
        for each in names:
            entry, run = entries[each], runs.get(each)
            due = entry.schedule.next_after(run.last_run_at if run else now)
            ran = run if run and run.runs else None
            lines.append(
                Line(
                    entry,
                    max(due, now) if entry.enabled else None,
                    ran.last_run_at if ran else None,
                    ran.runs if ran else 0,
                )
            )
        return lines

    def idle_edits(self) -> list[str]:
        """Names of edits that mean no entry there is, such as of a symbol no longer collected."""
        entries, _ = self.entries()
        known = {part for name in entries for part in names_for(name)}
        return sorted(set(self._store.edits().by_name) - known)

    def set(self, name: str, edit: Edit, *, dry_run: bool = False) -> Change:
        """Change entries; a group's new value also replaces those of single entries in it."""
        _check(edit)

        def make(edits: Edits, entries: Mapping[str, Entry]) -> Changes:
            target = meant(name, entries)
            changes: Changes = {target: merged(edits.by_name.get(target, Edit()), edit)}
            for below, its in edits.by_name.items():
                if below != target and matches(target, below):
                    changes[below] = merged(its, edit) if its.task else without(its, edit)
            return changes

        return self._change(make, dry_run=dry_run)

    def add(self, name: str, edit: Edit, *, dry_run: bool = False) -> Change:
        """Add an entry; `edit` has its task and its interval or crontab."""
        if not _NAME.fullmatch(name):
            raise ScheduleError(
                f"{name!r} cannot be a name; use letters, digits, - and _, and dots"
            )
        _check(edit)
        if edit.due(0.0) is None:
            raise ScheduleError("an entry needs an interval or a crontab")

        def make(edits: Edits, entries: Mapping[str, Entry]) -> Changes:
            taken = [each for each in entries if matches(name, each) or matches(each, name)]
            if taken:
                raise ScheduleError(f"{name} is there already ({taken[0]}); change it with set")
            return {name: edit}

        return self._change(make, dry_run=dry_run)

    def switch(self, name: str, *, enabled: bool, dry_run: bool = False) -> Change:
        """Stop entries or let them go on."""

        def make(edits: Edits, entries: Mapping[str, Entry]) -> Changes:
            target = meant(name, entries)
            changes: Changes = {
                below: replace(its, enabled=None)
                for below, its in edits.by_name.items()
                if matches(target, below) and its.enabled is not None
            }
            after, _ = self._applied(with_changes(edits.by_name, changes))
            if any(after[each].enabled != enabled for each in found(target, after)):
                its = changes.get(target) or edits.by_name.get(target, Edit())
                changes[target] = replace(its, enabled=enabled)
            return changes

        return self._change(make, dry_run=dry_run)

    def remove(self, name: str, *, dry_run: bool = False) -> Change:
        """Remove entries a person added."""

        def make(edits: Edits, entries: Mapping[str, Entry]) -> Changes:
            names = found(meant(name, entries), entries)
            for each in names:
                if each in self._defaults:
                    raise ScheduleError(
                        f"{each} comes from the settings and would come back; "
                        f"stop it with: marketprism schedule disable {name}"
                    )
            return dict.fromkeys(names)

        return self._change(make, dry_run=dry_run)

    def reset(self, name: str | None, *, dry_run: bool = False) -> Change:
        """Undo edits of entries, or all of them; added entries stay.

        Raises:
            ScheduleError: there is nothing to undo; says what is edited.
        """

        def make(edits: Edits, entries: Mapping[str, Entry]) -> Changes:
            own = {each: edit for each, edit in edits.by_name.items() if edit.task is None}
            if name is None:
                return dict.fromkeys(own)
            target = name if name in own else meant(name, entries)
            undone = [each for each in own if matches(target, each)]
            if not undone:
                above = [each for each in names_for(target) if each in own]
                words = f"the edit is of {above[-1]}, reset that" if above else "nothing is edited"
                raise ScheduleError(f"{target}: {words}")
            return dict.fromkeys(undone)

        return self._change(make, dry_run=dry_run)

    def _change(
        self, make: Callable[[Edits, Mapping[str, Entry]], Changes], *, dry_run: bool
    ) -> Change:
        edits = self._store.edits()
        entries, _ = self._applied(edits.by_name)
        changes = {
            name: edit or None
            for name, edit in make(edits, entries).items()
            if (edit or None) != edits.by_name.get(name)
        }
        after, problems = self._applied(with_changes(edits.by_name, changes))
        for name in changes:
            if name in problems:
                raise ScheduleError(f"{name}: {problems[name]}")
        names = [
            each
            for each in sorted({*entries, *after})
            if entries.get(each) != after.get(each) and any(matches(name, each) for name in changes)
        ]
        change = Change(
            {each: entries.get(each) for each in names},
            {each: after.get(each) for each in names},
            changes,
            notes([after[each] for each in names if each in after]),
        )
        if dry_run or not changes:
            return change
        revision = self._store.change(edits, changes)
        return Change(change.before, change.after, changes, change.notes, revision)

    def _applied(self, edits: Mapping[str, Edit]) -> tuple[dict[str, Entry], dict[str, str]]:
        return applied(self._defaults, edits, self._expires_s)


def _check(edit: Edit) -> None:
    if edit.every_s is not None and edit.every_s < LEAST_INTERVAL_S:
        raise ScheduleError(f"every {edit.every_s:g} s; choose at least {LEAST_INTERVAL_S:g} s")
    if edit.expires_s is not None and edit.expires_s <= 0:
        raise ScheduleError(f"expires after {edit.expires_s:g} s; choose more than 0")
    if edit.timezone is not None and edit.crontab is None:
        raise ScheduleError("a timezone belongs to a crontab; intervals are the same everywhere")
    try:
        edit.due(0.0)
    except ValueError as error:
        raise ScheduleError(str(error)) from error
