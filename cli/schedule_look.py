"""`schedule list`, `show` and `run-now`: entries as they stand."""

from collections.abc import Iterator
from contextlib import contextmanager

from beat.editor import Editor
from beat.stored import ScheduleError, ScheduleStore, open_store
from cli import schedule_view as view
from cli.broker import broker_errors
from cli.output import console, plain_errors, print_json
from config.load import load
from config.settings import Settings
from workers.model.errors import MarketPrismError


@contextmanager
def editing(*, as_json: bool) -> Iterator[tuple[Settings, ScheduleStore, Editor]]:
    """The schedule of the settings' stack; its errors become a line and exit code 1."""
    with plain_errors(as_json=as_json):
        settings = load()
        store = open_store(settings)
        try:
            with broker_errors(settings.redis):
                yield settings, store, Editor(settings, store)
        except ScheduleError as error:
            raise MarketPrismError(str(error)) from error
        finally:
            store.redis.close()


def list_entries(name: str | None, *, each: bool, as_json: bool) -> None:
    """Print groups, or each entry, and who sends them."""
    with editing(as_json=as_json) as (_, store, editor):
        lines = editor.lines(name)
        active, revision = store.active(), store.revision()
        idle, problems = editor.idle_edits(), editor.entries()[1]
        if as_json:
            print_json(
                {
                    "beat": view.plain_active(active),
                    "followed": view.followed(active, revision),
                    "entries": [view.plain(line) for line in lines],
                    "idle_edits": idle,
                    "problems": problems,
                }
            )
            return
        console().print(view.entries(lines) if each else view.groups(lines))
        for words in view.footer(active, revision, idle, problems):
            console().print(words)


def show_entries(name: str, *, as_json: bool) -> None:
    """Print everything about entries."""
    with editing(as_json=as_json) as (_, _, editor):
        lines = editor.lines(name)
        if as_json:
            print_json([view.plain(line) for line in lines])
            return
        for line in lines[: view.SHOWN_ENTRIES]:
            console().print(view.details(line))
        if len(lines) > view.SHOWN_ENTRIES:
            more = len(lines) - view.SHOWN_ENTRIES
            print(f"and {more} more; see: marketprism schedule list {name}")


def run_entries(name: str, *, dry_run: bool, as_json: bool) -> None:
    """Send entries once."""
    from cli.sending import send

    with editing(as_json=as_json) as (_, _, editor):
        sent = []
        for entry in (line.entry for line in editor.lines(name)):
            task_id = None if dry_run else send(entry.task, dict(entry.kwargs), **entry.options).id
            sent.append({"name": entry.name, "task": entry.task, "task_id": task_id})
        if as_json:
            print_json(sent)
            return
        print(f"{'would send' if dry_run else 'sent'} {len(sent)}; see: marketprism tasks")
        for item in sent[: view.SHOWN_ENTRIES]:
            print("  " + "  ".join(str(each) for each in item.values() if each))
