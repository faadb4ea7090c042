"""Dead letters for people and programs."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from rich import box
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from cli.output import console
from cli.views import NS, clock_time, day
from workers.runtime.letters import ROOT, Letter

if TYPE_CHECKING:
    from workers.runtime.retry import Outcome

SHOWN = 20
"""Letters shown before something irreversible is asked."""
REASON_CHARACTERS = 160
STYLES = {"stored": "green", "empty": "green", "refused": "red", "waiting": "yellow"}


class Group(NamedTuple):
    """The letters of one subject."""

    subject: str
    letters: int
    oldest: Letter
    newest: Letter


def groups(found: Sequence[Group]) -> RenderableType:
    """A line for each group."""
    table = _table("group", "letters", "oldest, UTC", "newest, UTC", "reason of the newest")
    for each in found:
        table.add_row(
            each.subject.removeprefix(ROOT),
            str(each.letters),
            _when(each.oldest.stored_ns),
            _when(each.newest.stored_ns),
            _short(each.newest.reason),
        )
    return table


def letters(found: Sequence[Letter]) -> RenderableType:
    """A line for each letter."""
    table = _table("number", "group", "kept, UTC", "bytes", "reason")
    for each in found:
        table.add_row(
            str(each.sequence),
            each.subject.removeprefix(ROOT),
            _when(each.stored_ns),
            f"{len(each.content)}{'+' if each.truncated else ''}",
            _short(each.reason),
        )
    return table


def outcomes(found: Sequence["Outcome"]) -> RenderableType:
    """A line for each letter that was sent again."""
    table = _table("number", "group", "", "events", "")
    for each in found:
        state = Text(each.state, style=STYLES.get(each.state, "red"))
        name = each.subject.removeprefix(ROOT)
        table.add_row(str(each.sequence), name, state, str(each.events), _short(each.detail))
    return table


def show(letter: Letter) -> None:
    """Everything about one letter; the content last, as it was kept."""
    facts = Table(box=None, pad_edge=False, show_header=False)
    facts.add_row("number", str(letter.sequence))
    facts.add_row("group", letter.subject.removeprefix(ROOT))
    facts.add_row("kept, UTC", _when(letter.stored_ns))
    facts.add_row("reason", letter.reason)
    for name, value in letter.facts.items():
        if name not in ("type", "source", "kind", "detail") and value is not None:
            facts.add_row(name, Text(f"{value}"))
    console().print(facts)
    print(f"\n{letter.kind} of {len(letter.content)} bytes{_cut(letter)}:")
    print(_readable(letter.content))


def plain(letter: Letter, *, content: bool = False) -> dict[str, Any]:
    """A letter for programs."""
    shown: dict[str, Any] = {
        "number": letter.sequence,
        "group": letter.subject.removeprefix(ROOT),
        "subject": letter.subject,
        "kept_at": _iso(letter.stored_ns),
        "kind": letter.kind,
        "reason": letter.reason,
        "bytes": len(letter.content),
        "truncated": letter.truncated,
    }
    if content:
        shown |= {"facts": letter.facts, "content": letter.content.decode(errors="replace")}
    return shown


def plain_group(group: Group) -> dict[str, Any]:
    """A group for programs."""
    subject, count, oldest, newest = group
    return {
        "group": subject.removeprefix(ROOT),
        "subject": subject,
        "count": count,
        "oldest_at": _iso(oldest.stored_ns),
        "newest_at": _iso(newest.stored_ns),
        "oldest_number": oldest.sequence,
        "newest_number": newest.sequence,
        "reason": newest.reason,
    }


def plain_outcome(outcome: "Outcome") -> dict[str, Any]:
    """An outcome for programs."""
    return {
        "number": outcome.sequence,
        "group": outcome.subject.removeprefix(ROOT),
        "state": outcome.state,
        "removed": outcome.removed,
        "events": outcome.events,
        "detail": outcome.detail,
    }


def _cut(letter: Letter) -> str:
    return ", only its beginning was kept" if letter.truncated else ""


def _readable(content: bytes) -> str:
    """JSON indented, anything else as it is; bytes that are no text escaped."""
    try:
        return json.dumps(json.loads(content), indent=2, ensure_ascii=False)
    except ValueError:
        return content.decode("utf-8", "backslashreplace")


def _table(*columns: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
    for column in columns:
        right = column in ("letters", "number", "bytes", "events")
        table.add_column(column, justify="right" if right else "left", overflow="fold")
    return table


def _when(ns: int) -> str:
    return f"{day(ns)} {clock_time(ns)}"


def _iso(ns: int) -> str:
    return datetime.fromtimestamp(ns / NS, UTC).isoformat()


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= REASON_CHARACTERS else f"{line[:REASON_CHARACTERS]}…"
