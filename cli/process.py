"""`marketprism process [NAME]`: a processor of an installed package at work, in this terminal."""

from typing import Annotated

import typer

from cli.output import plain_errors

Name = Annotated[
    str | None,
    typer.Argument(metavar="NAME", help="Of its entry point; without, all names are listed."),
]


def process_command(name: Name = None) -> None:
    """Feed a processor of an installed package with events until Ctrl-C, or list what there is.

    It runs in this process alone, through a durable consumer of its own: slow or broken, it delays
    nobody, and the next start goes on where this one ended. As a service it is called
    processor.NAME: `celery -A tasks worker --service processor.NAME`.
    """
    # Imported here: `marketprism --help` does not need them.
    from config.queues import processor
    from workers.model.names import unknown_name
    from workers.processor.registry import INSTALLED, KIND
    from workers.runtime.standalone import main

    with plain_errors():
        if name is None:
            names = INSTALLED.names()
            print("\n".join(names or ["no installed package offers a processor"]))
            for complaint in INSTALLED.complaints():
                typer.echo(complaint, err=True)
            return
        if name not in INSTALLED.names():
            raise unknown_name(KIND, name, INSTALLED.names())
    raise typer.Exit(main([processor(name)]))
