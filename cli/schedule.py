"""`marketprism schedule ...`: what beat sends and when, seen and changed while it runs."""

from typing import Annotated

import typer

from cli.options import AsJson, ConfigFile, examples

FOLLOWED_S = 5.0
"""Beat follows a change at its next look, 2 s; after this a person is told that it did not."""

app = typer.Typer(
    help="What is sent when: list, show, add, set, disable, enable, remove, reset, run-now.",
    no_args_is_help=True,
)

Name = Annotated[
    str,
    typer.Argument(metavar="NAME", help="An entry, or a group: poll-klines, poll-klines.deribit."),
]
SomeName = Annotated[
    str | None, typer.Argument(metavar="[NAME]", help="An entry or a group; default: everything.")
]
Every = Annotated[str | None, typer.Option("--every", help="Interval: 30s, 5m, 1h.")]
CrontabOption = Annotated[
    str | None, typer.Option("--crontab", help='Minute hour day month weekday: "0 3 * * mon".')
]
Timezone = Annotated[
    str | None, typer.Option("--timezone", help="Of the crontab: Europe/Berlin; default UTC.")
]
Arg = Annotated[
    list[str], typer.Option("--arg", metavar="K=V", help="An argument; empty V takes it away.")
]
Kwargs = Annotated[str | None, typer.Option("--kwargs", help="Arguments as a JSON object.")]
Queue = Annotated[str | None, typer.Option("--queue", help="Who takes it.")]
Expires = Annotated[
    str | None, typer.Option("--expires", help="A task nobody took by then is dropped.")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would change; change nothing.")]


@app.command("list", epilog=examples("schedule list", "schedule list poll-klines --json"))
def list_command(
    name: SomeName = None,
    every_entry: Annotated[
        bool, typer.Option("--all", help="Every entry, not a line for each group.")
    ] = False,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Show groups of entries, or with a name the entries it means: interval, next, last, runs."""
    from cli.schedule_look import list_entries

    list_entries(name, each=every_entry or name is not None, as_json=as_json)


@app.command("show", epilog=examples("schedule show poll-klines.deribit.BTC-USD-PERP"))
def show_command(name: Name, config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Show everything about entries: task, arguments, queue, expiry, the next due times."""
    from cli.schedule_look import show_entries

    show_entries(name, as_json=as_json)


@app.command(
    "set",
    epilog=examples(
        "schedule set poll-long-short-ratio --every 30s",
        'schedule set poll-instruments --crontab "0 */4 * * *" --timezone Europe/Berlin',
        "schedule set poll-klines.deribit --arg interval=5m --dry-run",
    ),
)
def set_command(
    name: Name,
    every: Every = None,
    crontab: CrontabOption = None,
    timezone: Timezone = None,
    arg: Arg = [],  # noqa: B006 (Typer's way)
    kwargs: Kwargs = None,
    queue: Queue = None,
    expires: Expires = None,
    dry_run: DryRun = False,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Change an entry, or all entries of a group: interval or crontab, arguments, queue, expiry."""
    from cli.schedule_change import Wishes, set_entries

    wishes = Wishes(every, crontab, timezone, arg, kwargs, queue, expires)
    set_entries(name, wishes, dry_run=dry_run, as_json=as_json)


@app.command(
    "add",
    epilog=examples(
        "schedule add my-klines --task polling.klines --every 1h "
        "--arg exchange=deribit --arg symbol=BTC-USD-PERP --arg interval=1h",
    ),
)
def add_command(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Yours: my-klines.")],
    task: Annotated[str, typer.Option("--task", help="See: marketprism run")],
    every: Every = None,
    crontab: CrontabOption = None,
    timezone: Timezone = None,
    arg: Arg = [],  # noqa: B006
    kwargs: Kwargs = None,
    queue: Queue = None,
    expires: Expires = None,
    dry_run: DryRun = False,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Add an entry of your own."""
    from cli.schedule_change import Wishes, add_entry

    wishes = Wishes(every, crontab, timezone, arg, kwargs, queue, expires)
    add_entry(name, task, wishes, dry_run=dry_run, as_json=as_json)


@app.command("disable", epilog=examples("schedule disable poll-klines"))
def disable_command(
    name: Name, dry_run: DryRun = False, config: ConfigFile = None, as_json: AsJson = False
) -> None:
    """Stop sending an entry or a group; everything else about it stays."""
    from cli.schedule_change import switch_entries

    switch_entries(name, enabled=False, dry_run=dry_run, as_json=as_json)


@app.command("enable", epilog=examples("schedule enable poll-klines"))
def enable_command(
    name: Name, dry_run: DryRun = False, config: ConfigFile = None, as_json: AsJson = False
) -> None:
    """Send an entry or a group again."""
    from cli.schedule_change import switch_entries

    switch_entries(name, enabled=True, dry_run=dry_run, as_json=as_json)


@app.command("remove", epilog=examples("schedule remove my-klines"))
def remove_command(
    name: Name, dry_run: DryRun = False, config: ConfigFile = None, as_json: AsJson = False
) -> None:
    """Remove an entry that was added; those of the settings are stopped with disable."""
    from cli.schedule_change import remove_entries

    remove_entries(name, dry_run=dry_run, as_json=as_json)


@app.command("reset", epilog=examples("schedule reset poll-klines", "schedule reset --all"))
def reset_command(
    name: SomeName = None,
    everything: Annotated[bool, typer.Option("--all", help="All edits.")] = False,
    dry_run: DryRun = False,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Go back to the settings' defaults; added entries stay."""
    from cli.schedule_change import reset_entries

    reset_entries(name, everything=everything, dry_run=dry_run, as_json=as_json)


@app.command("run-now", epilog=examples("schedule run-now poll-tickers.deribit"))
def run_now_command(
    name: Name, dry_run: DryRun = False, config: ConfigFile = None, as_json: AsJson = False
) -> None:
    """Send entries once, now, as beat would; their due times stay."""
    from cli.schedule_look import run_entries

    run_entries(name, dry_run=dry_run, as_json=as_json)
