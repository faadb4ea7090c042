"""How commands speak: tables for people, JSON for programs, errors as one plain line."""

import json
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NoReturn

import structlog
import typer
from rich.console import Console

from cli.views import trimmed
from config.load import ConfigError
from workers.model.errors import MarketPrismError

UNBOUNDED = 10_000
"""Width where there is no terminal: a table in a pipe or a file is never cut."""


def console(*, stderr: bool = False) -> Console:
    """A console on the stream as it is now; plain and unbounded where it is no terminal."""
    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else UNBOUNDED
    return Console(
        file=stream, width=width, highlight=False, markup=False, soft_wrap=not stream.isatty()
    )


def print_json(data: Any, *, indent: int | None = 2) -> None:
    """Plain data on stdout; decimals as strings, times as ISO 8601."""
    print(json.dumps(data, indent=indent, ensure_ascii=False, default=_plain))


def fail(message: str, *, as_json: bool = False, code: int = 1, **facts: Any) -> NoReturn:
    """End the command with one line on stderr, and `{"error": ...}` on stdout for programs.

    Raises:
        typer.Exit: always, with `code`.
    """
    if as_json:
        print_json({"error": message, **facts})
    print(f"marketprism: {message}", file=sys.stderr)
    raise typer.Exit(code)


def quiet_libraries() -> None:
    """Keep logs out of what a command prints: warnings of ours to stderr, nothing of libraries."""
    logging.getLogger().addHandler(logging.NullHandler())
    structlog.configure(
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
    )


@contextmanager
def plain_errors(*, as_json: bool = False) -> Iterator[None]:
    """Known errors become a line and exit code 1; Ctrl-C and a closed pipe end quietly."""
    try:
        yield
    except ConfigError as error:
        problems = [problem.as_dict() for problem in error.problems]
        lines = "".join(f"\n  {problem}" for problem in error.problems)
        fail(f"the configuration is wrong{lines}", as_json=as_json, problems=problems)
    except MarketPrismError as error:
        fail(str(error), as_json=as_json)
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
    except BrokenPipeError:
        # the reader went away (`| head`); Python flushes stdout once more when it ends
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(0) from None


def printable(value: object) -> object:
    """A value of a row as people and programs read it: decimals exact, without trailing zeros."""
    if isinstance(value, Decimal):
        return trimmed(f"{value:f}")
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, list | tuple):
        return f"[{', '.join(str(printable(each)) for each in value)}]"
    return value


def _plain(value: object) -> object:
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    if isinstance(value, set | frozenset):
        return list(value)
    return printable(value) if isinstance(value, Decimal | datetime | date) else str(value)
