"""The schedule for people and programs: tables, changes, what is wrong with it."""

import itertools
from datetime import UTC, datetime
from typing import Any

from rich import box
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from beat.crontab import Crontab
from beat.due import Aligned, Due
from beat.editor import Change, Line
from beat.entries import Entry
from beat.stored import Active
from cli.views import NS, span
from config.durations import format_duration

SHOWN_ENTRIES = 12
NEXT_SHOWN = 3
ORIGIN_STYLES = {"default": "dim", "edited": "yellow", "added": "cyan", "disabled": "red"}


def rhythm(due: Due) -> str:
    """`30s`, or `0 3 * * * Europe/Berlin`."""
    if isinstance(due, Aligned):
        return format_duration(due.interval_s)
    if isinstance(due, Crontab):
        return due.expression if due.timezone == "UTC" else f"{due.expression} {due.timezone}"
    return str(due)


def groups(lines: list[Line]) -> RenderableType:
    """A line for each group of entries on one exchange."""
    table = _table("entries", "of", "every", "next", "last", "runs", "")
    for group, found in itertools.groupby(lines, key=lambda line: _group(line.entry)):
        each = list(found)
        due = [line.next_at for line in each if line.next_at is not None]
        last = [line.last_run_at for line in each if line.last_run_at is not None]
        rhythms = list(dict.fromkeys(rhythm(line.entry.schedule) for line in each))
        origins = list(dict.fromkeys(line.entry.origin for line in each))
        table.add_row(
            group,
            str(len(each)),
            " or ".join(rhythms[:2]) + (" ..." if len(rhythms) > 2 else ""),
            until(min(due, default=None)),
            since(max(last, default=None)),
            str(sum(line.runs for line in each)),
            _origin(", ".join(origins), origins[0] if len(origins) == 1 else "edited"),
        )
    return table


def entries(lines: list[Line]) -> RenderableType:
    """A line for each entry."""
    table = _table("entry", "every", "next", "last", "runs", "queue", "")
    for line in lines:
        entry = line.entry
        table.add_row(
            entry.name,
            rhythm(entry.schedule),
            until(line.next_at),
            since(line.last_run_at),
            str(line.runs),
            entry.queue or "",
            _origin(entry.origin, entry.origin),
        )
    return table


def details(line: Line) -> RenderableType:
    """All about one entry."""
    entry, table = line.entry, Table(box=None, pad_edge=False, show_header=False)
    times: list[str] = []
    due = line.next_at
    while due is not None and len(times) < NEXT_SHOWN:
        times.append(due.strftime("%Y-%m-%d %H:%M:%S"))
        due = entry.schedule.next_after(due)
    facts = {
        entry.name: entry.origin,
        "task": entry.task,
        "arguments": " ".join(f"{key}={value}" for key, value in entry.kwargs.items()),
        "every": rhythm(entry.schedule),
        "queue": entry.queue or "its usual one",
        "expires": f"after {format_duration(entry.lifetime_s)}",
        "last": since(line.last_run_at) + (f", {line.runs} runs" if line.runs else ""),
        "next, UTC": ", ".join(times) or "never: it is disabled",
    }
    for key, value in facts.items():
        table.add_row(key, value)
    table.add_row("")
    return table


def changes(change: Change) -> RenderableType:
    """Entries before and after."""
    table = _table("entry", "was", "becomes", "")
    for name in list(change.after)[:SHOWN_ENTRIES]:
        before, after = change.before[name], change.after[name]
        origin = after.origin if after else "removed"
        table.add_row(name, _words(before, after), _words(after, before), _origin(origin, origin))
    more = len(change.after) - SHOWN_ENTRIES
    if more > 0:
        table.add_row(f"and {more} more", "", "", "")
    return table


def _words(entry: Entry | None, other: Entry | None) -> str:
    """An entry's rhythm, and what else differs from the other."""
    if entry is None:
        return "-"
    words = [rhythm(entry.schedule)]
    if other is not None:
        kwargs = {k: v for k, v in entry.kwargs.items() if other.kwargs.get(k, ...) != v}
        words += [f"{key}={value}" for key, value in kwargs.items()]
        words += [f"queue {entry.queue}"] if entry.queue != other.queue else []
        if entry.lifetime_s != other.lifetime_s:
            words.append(f"expires {format_duration(entry.lifetime_s)}")
        words += [("on" if entry.enabled else "off")] if entry.enabled != other.enabled else []
    return ", ".join(words)


def footer(
    active: Active | None, revision: int | None, idle: list[str], problems: dict[str, str]
) -> list[Text]:
    """Who sends all this, and what is wrong."""
    found = []
    if active is None:
        words = "no beat is active: nothing is sent; start one with: celery -A tasks beat"
        found.append(Text(words, style="red"))
    else:
        words = (
            f"beat {active.name}, active since {active.since}: {active.entries} entries, "
            f"{active.sent} sent, {active.failed} failed"
        )
        found.append(Text(words, style="dim"))
        if not followed(active, revision):
            found.append(Text("beat has not taken over the last change yet", style="yellow"))
    for name in idle:
        words = (
            f"the edit of {name} means no entry; undo it with: marketprism schedule reset {name}"
        )
        found.append(Text(words, style="yellow"))
    found += [Text(f"the edit of {name} is left out: {problems[name]}", "red") for name in problems]
    return found


def followed(active: Active | None, revision: int | None) -> bool:
    """Whether the active beat knows all edits."""
    return active is not None and active.revision >= (revision or 0)


def plain(line: Line) -> dict[str, Any]:
    """A line for programs."""
    entry, due = line.entry, line.entry.schedule
    crontab = due if isinstance(due, Crontab) else None
    return {
        "name": entry.name,
        "task": entry.task,
        "kwargs": dict(entry.kwargs),
        "every_s": due.interval_s if isinstance(due, Aligned) else None,
        "offset_s": due.offset_s if isinstance(due, Aligned) else None,
        "crontab": crontab.expression if crontab else None,
        "timezone": crontab.timezone if crontab else None,
        "queue": entry.queue,
        "expires_s": entry.lifetime_s,
        "enabled": entry.enabled,
        "origin": entry.origin,
        "next_at": line.next_at,
        "last_run_at": line.last_run_at,
        "runs": line.runs,
    }


def plain_active(active: Active | None) -> dict[str, Any] | None:
    """The active beat for programs."""
    if active is None:
        return None
    return {name: getattr(active, name) for name in active.__struct_fields__}


def plain_change(change: Change, *, dry_run: bool, followed: bool) -> dict[str, Any]:
    """A change for programs."""

    def plainly(entry: Entry | None) -> dict[str, Any] | None:
        if entry is None:
            return None
        shown = plain(Line(entry, None, None, 0))
        return {k: v for k, v in shown.items() if k not in ("next_at", "last_run_at", "runs")}

    return {
        "changed": bool(change.edits) and not dry_run,
        "dry_run": dry_run,
        "followed": followed,
        "entries": {
            name: {"before": plainly(change.before[name]), "after": plainly(after)}
            for name, after in change.after.items()
        },
        "notes": change.notes,
    }


def until(moment: datetime | None) -> str:
    """How long it is until then: `in 12.0 s`."""
    if moment is None:
        return "never"
    left_s = (moment - datetime.now(UTC)).total_seconds()
    return f"in {span(round(left_s * NS))}" if left_s > 0 else "now"


def since(moment: datetime | None) -> str:
    """How long it was ago."""
    if moment is None:
        return "never"
    return f"{span(round((datetime.now(UTC) - moment).total_seconds() * NS))} ago"


def _group(entry: Entry) -> str:
    return ".".join(entry.name.split(".")[:2])


def _table(*columns: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
    for column in columns:
        right = column in ("of", "runs")
        table.add_column(column, justify="right" if right else "left", overflow="fold")
    return table


def _origin(words: str, origin: str) -> Text:
    return Text(words, style=ORIGIN_STYLES.get(origin, "red"))
