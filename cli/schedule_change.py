"""`schedule set`, `add`, `disable`, `enable`, `remove`, `reset`: tried, made, and seen to work."""

import json
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from beat.editor import Change
from beat.edits import Edit
from beat.stored import ScheduleError, ScheduleStore
from cli import schedule_view as view
from cli.output import console, fail, print_json
from cli.schedule_look import editing
from config.durations import parse_duration
from config.settings import Settings

FOLLOWED_S = 5.0
"""Beat follows a change at its next look, 2 s; after this a person is told that it did not."""


class Wishes(NamedTuple):
    """What a person typed."""

    every: str | None
    crontab: str | None
    timezone: str | None
    arg: list[str]
    kwargs: str | None
    queue: str | None
    expires: str | None

    def edit(self, settings: Settings, tasks: set[str], task: str | None = None) -> Edit:
        """The same, read.

        Raises:
            ScheduleError: it cannot be read; says how it is written.
        """
        if self.every is not None and self.crontab is not None:
            raise ScheduleError("choose one of --every and --crontab")
        return Edit(
            task=task,
            every_s=_duration("--every", self.every),
            crontab=self.crontab,
            timezone=self.timezone,
            kwargs=self._arguments(settings, tasks),
            queue=self.queue,
            expires_s=_duration("--expires", self.expires),
        )

    def _arguments(self, settings: Settings, tasks: set[str]) -> dict[str, Any] | None:
        """Arguments from --kwargs and --arg; an empty value takes an argument away."""
        given = _object(self.kwargs) if self.kwargs is not None else {}
        if self.arg:
            from cli.sending import typed

            texts = dict(map(_pair, self.arg))
            values = {key: value for key, value in texts.items() if value}
            for task in tasks:
                given |= typed(task, values, settings)
            given |= {key: None for key, value in texts.items() if not value}
        return given or None


def set_entries(name: str, wishes: Wishes, *, dry_run: bool, as_json: bool) -> None:
    """Change entries."""
    with editing(as_json=as_json) as (settings, store, editor):
        edit = wishes.edit(settings, {line.entry.task for line in editor.lines(name)})
        if not edit:
            raise ScheduleError("say what to change: --every, --crontab, --arg, --queue, --expires")
        _change(settings, store, lambda dry: editor.set(name, edit, dry_run=dry), dry_run, as_json)


def add_entry(name: str, task: str, wishes: Wishes, *, dry_run: bool, as_json: bool) -> None:
    """Add an entry."""
    from cli.sending import task_named

    with editing(as_json=as_json) as (settings, store, editor):
        known = task_named(task)
        edit = wishes.edit(settings, {known}, known)
        _change(settings, store, lambda dry: editor.add(name, edit, dry_run=dry), dry_run, as_json)


def switch_entries(name: str, *, enabled: bool, dry_run: bool, as_json: bool) -> None:
    """Stop entries or let them go on."""
    with editing(as_json=as_json) as (settings, store, editor):

        def switch(dry: bool) -> Change:
            return editor.switch(name, enabled=enabled, dry_run=dry)

        _change(settings, store, switch, dry_run, as_json)


def remove_entries(name: str, *, dry_run: bool, as_json: bool) -> None:
    """Remove added entries."""
    with editing(as_json=as_json) as (settings, store, editor):
        _change(settings, store, lambda dry: editor.remove(name, dry_run=dry), dry_run, as_json)


def reset_entries(name: str | None, *, everything: bool, dry_run: bool, as_json: bool) -> None:
    """Undo edits."""
    with editing(as_json=as_json) as (settings, store, editor):
        if (name is None) is not everything:
            raise ScheduleError("name an entry or a group, or say --all")
        _change(settings, store, lambda dry: editor.reset(name, dry_run=dry), dry_run, as_json)


def _duration(option: str, text: str | None) -> float | None:
    try:
        return None if text is None else parse_duration(text)
    except ValueError as error:
        raise ScheduleError(f"{option} {text!r}: {error}") from error


def _object(text: str) -> dict[str, Any]:
    try:
        given = json.loads(text)
    except ValueError as error:
        raise ScheduleError(f"--kwargs {text!r} is no JSON: {error}") from error
    if not isinstance(given, dict):
        raise ScheduleError('--kwargs is an object: {"exchange": "deribit"}')
    return given


def _pair(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals:
        raise ScheduleError(f"--arg {text!r}; write name=value")
    return key.replace("-", "_"), value


def _change(
    settings: Settings,
    store: ScheduleStore,
    make: Callable[[bool], Change],
    dry_run: bool,
    as_json: bool,
) -> None:
    """Try a change, see that every task could run so, make it, and tell what follows."""
    change = make(True)
    if any(edit and (edit.kwargs or edit.task) for edit in change.edits.values()):
        from cli.sending import check_all

        check_all(settings, [each for each in change.after.values() if each])
    if not dry_run:
        change = make(False)
    followed = change.revision is not None and _follows(store, change.revision)
    active = store.active()
    if as_json:
        print_json(view.plain_change(change, dry_run=dry_run, followed=followed))
        return
    if change.after:
        console().print(view.changes(change))
    for note in change.notes:
        print(f"note: {note}")
    if not change.edits:
        print("nothing changes")
    elif dry_run:
        print("dry run: nothing was changed")
    elif active is None:
        print("stored; no beat is active, so it counts when one starts: celery -A tasks beat")
    elif followed:
        print(f"in force: beat {active.name} follows it")
    else:
        fail(f"stored, but beat {active.name} does not follow it yet; look at its log")


def _follows(store: ScheduleStore, revision: int) -> bool:
    """Whether the active beat takes a change over within `FOLLOWED_S`."""
    end_s = time.monotonic() + FOLLOWED_S
    while (active := store.active()) is not None:
        if active.revision >= revision:
            return True
        if time.monotonic() > end_s:
            return False
        time.sleep(0.1)
    return False
