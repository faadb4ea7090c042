"""Options and arguments that several commands share, and what the names typed mean."""

import os
from pathlib import Path
from typing import Annotated

import typer

from config.load import CONFIG_VARIABLE
from config.settings import Settings
from workers.model.names import unknown_name


def _use_config(file: Path | None) -> Path | None:
    """Name the file for this process and those it starts."""
    if file is not None:
        os.environ[CONFIG_VARIABLE] = str(file)
    return file


ConfigFile = Annotated[
    Path | None,
    typer.Option(
        "--config",
        metavar="FILE",
        callback=_use_config,
        help="Settings file; default: the running stack's, else config/marketprism.yaml.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="JSON on stdout, for programs.")]
ExchangeName = Annotated[str, typer.Argument(metavar="EXCHANGE", help="Such as binance_spot.")]
SymbolName = Annotated[str, typer.Argument(metavar="SYMBOL", help="Such as BTC-USDT.")]


def root(config: ConfigFile = None) -> None:
    """Complete, exact, proven crypto market data."""


def exchange_named(settings: Settings, name: str) -> str:
    """The configured exchange of this name, in any case.

    Raises:
        UnknownName: none is configured under it; names the nearest.
    """
    found = name.lower().replace("-", "_")
    if found not in settings.exchanges:
        raise unknown_name("configured exchange", name, settings.exchanges)
    return found


def symbol_named(settings: Settings, exchange: str, name: str) -> str:
    """The collected symbol of this name, in any case.

    Raises:
        UnknownName: the exchange's settings do not name it; names the nearest.
    """
    symbols = settings.exchanges[exchange].symbols
    if name.upper() not in symbols:
        raise unknown_name(f"collected symbol of {exchange}", name, symbols)
    return name.upper()


def examples(*commands: str) -> str:
    """The end of a command's help, a line each; a backspace keeps Typer from joining them."""
    return "\b\n" + "\n".join(["Examples:", *(f"marketprism {command}" for command in commands)])
