"""What people changed, and the schedule that comes of it; pure.

An edit names one entry or, by a prefix of whole parts, many: `poll-klines`, `poll-klines.deribit`.
The longer name wins. Edits outlive the settings' defaults: a symbol added later gets its group's.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import msgspec
from msgspec import structs

from beat.crontab import Crontab
from beat.due import Aligned, Due
from beat.entries import Entry, Origin


class Edit(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """Changes to the entries of a name; None leaves as it is.

    Args:
        task: only of an entry that a person added: its task.
        every_s: seconds between two sends, spread.
        crontab: instead of an interval.
        timezone: of the crontab.
        kwargs: arguments that are set; a value of None takes the argument away.
        queue: who takes it.
        expires_s: seconds.
        enabled: False stops it.
    """

    task: str | None = None
    every_s: float | None = None
    crontab: str | None = None
    timezone: str | None = None
    kwargs: dict[str, Any] | None = None
    queue: str | None = None
    expires_s: float | None = None
    enabled: bool | None = None

    def __bool__(self) -> bool:
        """Whether it changes anything."""
        return self != Edit()

    def due(self, phase: float) -> Due | None:
        """The schedule it asks for, if it does.

        Raises:
            ValueError: there is no such interval, crontab or timezone.
        """
        if self.every_s is not None:
            return Aligned(self.every_s, self.every_s * phase)
        if self.crontab is not None:
            return Crontab(self.crontab, self.timezone or "UTC")
        return None


Changes = dict[str, Edit | None]
"""Edits by name; None removes one."""


def names_for(name: str) -> Iterator[str]:
    """The names an entry answers to, shortest first: `a`, `a.b`, `a.b.c`."""
    parts = name.split(".")
    for length in range(1, len(parts) + 1):
        yield ".".join(parts[:length])


def matches(target: str, name: str) -> bool:
    """Whether a name that was typed means this entry."""
    return name == target or name.startswith(f"{target}.")


def applied(
    defaults: Mapping[str, Entry], edits: Mapping[str, Edit], expires_s: float
) -> tuple[dict[str, Entry], dict[str, str]]:
    """The schedule with people's edits in it.

    Args:
        defaults: by name, from the settings.
        edits: by the name they were made for.
        expires_s: of added entries that say nothing else.

    Returns:
        The entries by name; what is wrong with edits that could not be applied, by their name.
    """
    problems: dict[str, str] = {}
    entries = dict(defaults)
    for name, edit in edits.items():
        if edit.task is not None and name not in defaults:
            try:
                entries[name] = _added(name, edit, expires_s)
            except ValueError as error:
                problems[name] = str(error)
    for name in entries:
        for target in names_for(name):
            if target in edits and target not in problems:
                try:
                    entries[name] = _edited(entries[name], edits[target])
                except ValueError as error:
                    problems[target] = str(error)
    return entries, problems


def _added(name: str, edit: Edit, expires_s: float) -> Entry:
    due = edit.due(0.0)
    if due is None:
        raise ValueError("it has neither an interval nor a crontab")
    return Entry(name, str(edit.task), due, {}, None, expires_s, origin="added")


def _edited(entry: Entry, edit: Edit) -> Entry:
    kwargs = {**entry.kwargs, **(edit.kwargs or {})}
    enabled = entry.enabled if edit.enabled is None else edit.enabled
    origin: Origin = "added" if entry.origin == "added" else "edited"
    changed = replace(
        entry,
        schedule=edit.due(entry.phase) or entry.schedule,
        kwargs={key: value for key, value in kwargs.items() if value is not None},
        queue=edit.queue or entry.queue,
        expires_s=entry.expires_s if edit.expires_s is None else edit.expires_s,
        enabled=enabled,
    )
    if not enabled:
        return replace(changed, origin="disabled")
    return replace(changed, origin=origin)


def merged(edit: Edit, more: Edit) -> Edit:
    """An edit with another on top of it."""
    given = {
        name: value for name in Edit.__struct_fields__ if (value := getattr(more, name)) is not None
    }
    if "every_s" in given or "crontab" in given:
        edit = structs.replace(edit, every_s=None, crontab=None, timezone=None)
    if "kwargs" in given:
        given["kwargs"] = {**(edit.kwargs or {}), **given["kwargs"]}
    return structs.replace(edit, **given)


def without(edit: Edit, other: Edit) -> Edit:
    """An edit without what another one says."""
    gone = {name for name in Edit.__struct_fields__ if getattr(other, name) is not None}
    if gone & {"every_s", "crontab"}:
        gone |= {"every_s", "crontab", "timezone"}
    rest = {
        key: value for key, value in (edit.kwargs or {}).items() if key not in (other.kwargs or {})
    }
    return structs.replace(edit, **{**dict.fromkeys(gone), "kwargs": rest or None})


def with_changes(edits: Mapping[str, Edit], changes: Changes) -> dict[str, Edit]:
    """Edits after changes."""
    return {name: edit for name, edit in {**edits, **changes}.items() if edit}
