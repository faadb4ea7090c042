"""`marketprism streams`: the declared JetStream streams beside what NATS has."""

import asyncio
import time
from typing import Any

import typer

from cli import streams_view as view
from cli.dead_letters import DryRun, Yes
from cli.options import AsJson, ConfigFile, examples
from cli.output import console, fail, plain_errors, print_json
from config.load import load
from config.settings import Settings
from workers.bus import stream_changes
from workers.bus.stream_changes import Difference, Found
from workers.bus.streams import Stream, load_streams

app = typer.Typer(
    no_args_is_help=True, help="JetStream streams: what NATS has, and what is declared."
)


@app.command("list", epilog=examples("streams list", "streams list --json"))
def list_command(config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Streams and their consumers: what they keep, what waits, whether they are declared.

    JSON: stream name to subjects, messages, bytes, limits, consumers.
    """
    with plain_errors(as_json=as_json):
        settings = load()
        declared = load_streams(settings.nats.streams_file)
        found = asyncio.run(stream_changes.look(settings.nats.servers))
        if as_json:
            print_json({name: view.plain(name, each, declared) for name, each in found.items()})
        elif found:
            console().print(view.table(found, declared))
        else:
            print("NATS has no streams; make them with: marketprism streams apply")
        if not as_json and (missing := [each for each in declared if each not in found]) and found:
            print(f"declared and missing: {', '.join(missing)}; see: marketprism streams diff")


@app.command("diff", epilog=examples("streams diff", "streams diff --json"))
def diff_command(config: ConfigFile = None, as_json: AsJson = False) -> None:
    """What differs from the streams file, what NATS would refuse, what a change would throw away.

    Exit code 0 if all is as declared, 1 if anything differs.
    """
    with plain_errors(as_json=as_json):
        settings = load()
        _, found, differences = _compared(settings)
        _tell(settings, found, differences, as_json=as_json)
        raise typer.Exit(1 if differences else 0)


@app.command(
    "apply", epilog=examples("streams apply --dry-run", "streams apply", "streams apply --yes")
)
def apply_command(
    dry_run: DryRun = False, yes: Yes = False, config: ConfigFile = None, as_json: AsJson = False
) -> None:
    """Make NATS's streams and consumers as declared; nothing is ever deleted.

    Each change is applied, or refused with NATS's reason; exit code 1 if any was refused. A change
    that throws stored messages away asks first. Services do the same when they start.
    """
    with plain_errors(as_json=as_json):
        settings = load()
        declared, found, differences = _compared(settings)
        if dry_run or not differences:
            _tell(settings, found, differences, as_json=as_json)
            return
        losing = [each for each in differences if each.loss is not None]
        if losing and not yes:
            words = "; ".join(f"stream {each.stream}: {each.loss}" for each in losing)
            if as_json:
                fail(f"this throws messages away, say --yes: {words}", as_json=True)
            console().print(view.differences(differences))
            typer.confirm(f"throw messages away ({words})?", abort=True)
        applied = asyncio.run(stream_changes.apply(settings.nats.servers, declared, differences))
        if as_json:
            print_json([view.plain_applied(each) for each in applied])
        else:
            for each in applied:
                console().print(view.applied_line(each))
        refused = sum(each.error is not None for each in applied)
        if refused:
            fail(f"{refused} of {len(applied)} changes refused")


def _compared(settings: Settings) -> tuple[dict[str, Stream], dict[str, Found], list[Difference]]:
    declared = load_streams(settings.nats.streams_file)
    found = asyncio.run(stream_changes.look(settings.nats.servers))
    return declared, found, stream_changes.compare(declared, found, time.time_ns())


def _tell(
    settings: Settings, found: dict[str, Found], differences: list[Difference], *, as_json: bool
) -> None:
    file = settings.nats.streams_file
    extra = stream_changes.undeclared(load_streams(file), found)
    if as_json:
        told: dict[str, Any] = {
            "equal": not differences,
            "differences": [view.plain_difference(each) for each in differences],
            "undeclared": extra,
        }
        print_json(told)
        return
    if differences:
        console().print(view.differences(differences))
    else:
        print(f"all streams and consumers are as {file} declares them")
    for each in extra:
        print(f"{each}: not in {file}; left alone")
