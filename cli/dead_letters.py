"""`marketprism deadletters`: what nobody could use, why, and what to do with it."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Annotated, Any, TypeVar

import typer

from cli import dead_letter_view as view
from cli.options import AsJson, ConfigFile, examples
from cli.output import console, fail, plain_errors, print_json
from config.load import load
from config.settings import Settings
from workers.bus.kept import Kept, KeptMessages
from workers.model.instrument import Instrument
from workers.runtime.letters import STREAM, Letter, choose, read_letter

T = TypeVar("T")

app = typer.Typer(
    no_args_is_help=True,
    help="Frames no mapper could use and rows ClickHouse refused: look, retry, drop.",
)

Which = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="WHICH...", help="Numbers, or groups: writer.trades, writer, okx_spot.broken_json."
    ),
]
Number = Annotated[int, typer.Argument(metavar="NUMBER", min=1, help="Of the letter, see list.")]
All = Annotated[bool, typer.Option("--all", help="Every dead letter there is.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only tell which are meant.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
Wait = Annotated[
    float,
    typer.Option("--wait", min=0.1, help="Seconds the writer may take to store what is sent."),
]


@app.command("list", epilog=examples("deadletters list", "deadletters list writer --json"))
def list_command(which: Which = None, config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Groups of dead letters: how many, the oldest and the newest, and the newest one's reason.

    With WHICH, each letter of those groups. JSON: a list of objects with the same facts.
    """
    with plain_errors(as_json=as_json):
        if which:
            letters = _ask(load(), lambda kept: _chosen(kept, which, everything=False))
            if as_json:
                print_json([view.plain(each) for each in letters])
            else:
                console().print(view.letters(letters))
            return
        groups = _ask(load(), _groups)
        if as_json:
            print_json([view.plain_group(each) for each in groups])
        elif groups:
            console().print(view.groups(groups))
        else:
            print("no dead letters")


@app.command("show", epilog=examples("deadletters show 12", "deadletters show 12 --json"))
def show_command(number: Number, config: ConfigFile = None, as_json: AsJson = False) -> None:
    """One dead letter with everything it says and the frame or row as it was kept."""
    with plain_errors(as_json=as_json):
        letters = _ask(load(), lambda kept: _chosen(kept, [str(number)], everything=False))
        if as_json:
            print_json(view.plain(letters[0], content=True))
        else:
            view.show(letters[0])


@app.command(
    "retry",
    epilog=examples(
        "deadletters retry 12",
        "deadletters retry writer.trades --dry-run",
        "deadletters retry --all",
    ),
)
def retry_command(
    which: Which = None,
    everything: All = False,
    dry_run: DryRun = False,
    wait: Wait = 30.0,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Send dead letters their way again; those that are stored now are removed.

    A row goes to its own subject under its own id, and the writer stores it; a frame goes through
    its exchange's mapper, which needs the exchange's list of instruments. What is refused again
    stays, and so does what the writer does not store in time: retrying it stores nothing twice.
    Exit code 1 if any stays.
    """
    with plain_errors(as_json=as_json):
        settings = load()
        letters = _ask(settings, lambda kept: _chosen(kept, which, everything=everything))
        if dry_run:
            _tell_chosen("retry", letters, as_json=as_json)
            return
        if not letters:
            _nothing(as_json=as_json)
            return
        outcomes = _retried(settings, letters, wait)
        if as_json:
            print_json([view.plain_outcome(each) for each in outcomes])
        else:
            console().print(view.outcomes(outcomes))
        stay = sum(not each.removed for each in outcomes)
        if stay:
            fail(f"{stay} of {len(outcomes)} stay dead letters")


@app.command(
    "drop", epilog=examples("deadletters drop 12", "deadletters drop okx_spot.unknown_event --yes")
)
def drop_command(
    which: Which = None,
    everything: All = False,
    dry_run: DryRun = False,
    yes: Yes = False,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Remove dead letters for ever; asks first."""
    with plain_errors(as_json=as_json):
        settings = load()
        letters = _ask(settings, lambda kept: _chosen(kept, which, everything=everything))
        if dry_run:
            _tell_chosen("drop", letters, as_json=as_json)
            return
        if not letters:
            _nothing(as_json=as_json)
            return
        if not yes:
            if as_json:
                fail("dropping cannot be undone; say --yes", as_json=True)
            console().print(view.letters(letters[: view.SHOWN]))
            typer.confirm(f"drop {len(letters)} for ever?", abort=True)
        dropped = _ask(settings, lambda kept: _drop(kept, letters))
        if as_json:
            print_json({"dropped": dropped})
        else:
            print(f"{dropped} dropped")


def _ask(settings: Settings, work: Callable[[KeptMessages], Awaitable[T]]) -> T:
    async def run() -> T:
        async with KeptMessages(settings.nats.servers, STREAM) as kept:
            return await work(kept)

    return asyncio.run(run())


async def _groups(kept: KeptMessages) -> list[view.Group]:
    """Each subject with its count, its oldest and its newest letter."""
    found = []
    for subject, count in (await kept.subjects()).items():
        oldest, newest = await kept.first(subject), await kept.last(subject)
        if oldest is not None and newest is not None:
            found.append(view.Group(subject, count, read_letter(oldest), read_letter(newest)))
    return found


async def _chosen(
    kept: KeptMessages, which: Iterable[str] | None, *, everything: bool
) -> list[Letter]:
    subjects = await kept.subjects()
    named = list(which or ())
    if everything:
        named = list(subjects)
    elif not named:
        fail("say which: numbers or groups of `marketprism deadletters list`, or --all")
    choice = choose(named, subjects)
    found: dict[int, Kept] = {}
    for sequence in choice.sequences:
        message = await kept.get(sequence)
        if message is None:
            fail(f"there is no dead letter {sequence}; see: marketprism deadletters list GROUP")
        found[sequence] = message
    for subject in choice.subjects:
        async for message in kept.each(subject):
            found[message.sequence] = message
    return [read_letter(found[sequence]) for sequence in sorted(found)]


async def _drop(kept: KeptMessages, letters: Sequence[Letter]) -> int:
    return sum([await kept.remove(each.sequence) for each in letters])


def _retried(settings: Settings, letters: Sequence[Letter], wait_s: float) -> list[Any]:
    # Imported here: only `retry` needs the exchanges.
    from workers.bus.streams import load_streams
    from workers.exchanges.registry import exchange
    from workers.runtime.poller import Pollers
    from workers.runtime.retry import Retry
    from workers.transport.network import Network
    from workers.writer.routes import routes

    pollers = Pollers(
        settings.exchanges,
        exchange,
        redis_url=settings.redis.url,
        network=Network.from_settings(settings.network),
    )
    file = settings.nats.streams_file

    def instruments(name: str) -> list[Instrument]:
        return list(pollers.of(name).listed().values())

    try:
        return _ask(
            settings,
            lambda kept: Retry(kept, routes(load_streams(file), file), instruments, wait_s).run(
                letters
            ),
        )
    finally:
        pollers.close()


def _tell_chosen(verb: str, letters: Sequence[Letter], *, as_json: bool) -> None:
    if as_json:
        print_json([view.plain(each) for each in letters])
        return
    if letters:
        console().print(view.letters(letters))
    print(f"{len(letters)} to {verb}; nothing was done")


def _nothing(*, as_json: bool) -> None:
    if as_json:
        print_json([])
    else:
        print("no dead letters")
