"""Arguments of tasks: what each takes, from text to values, and whether they are right.

Checked before anything is sent, whoever sends it: `celery call`, Flower, beat, `marketprism run`.
Polling tasks are in config/polls.py; of the others the function's own signature tells.
"""

import inspect
import types
import typing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from config import Settings
from config.polls import POLLS
from workers.model.names import unknown_name
from workers.runtime.poll_arguments import checked, named

LEAST_SECRET = 4
"""A shorter secret is in every other text."""


@dataclass(frozen=True)
class Argument:
    """One argument of a task, for people.

    Args:
        name: as it is written.
        meaning: one line; empty where the name says it.
        kind: int, bool, list or str.
        required: it must be given.
        default: what it is otherwise; None: see `meaning`.
        choices: allowed values; empty: see `meaning`.
    """

    name: str
    meaning: str = ""
    kind: type = str
    required: bool = False
    default: object = None
    choices: tuple[str, ...] = ()


def arguments_of(name: str, run: Any, settings: Settings) -> list[Argument]:
    """What a task takes.

    Args:
        name: the task's.
        run: its function.
        settings: which exchanges there are.
    """
    if name in POLLS:
        return _of_poll(name, settings)
    hints = typing.get_type_hints(run)
    found = []
    for each in inspect.signature(run).parameters.values():
        required = each.default is inspect.Parameter.empty
        exchanges = tuple(settings.enabled_exchanges()) if each.name == "exchange" else ()
        kind = _kind(hints.get(each.name, str))
        default = None if required else each.default
        found.append(Argument(each.name, "", kind, required, default, exchanges))
    return found


def _of_poll(name: str, settings: Settings) -> list[Argument]:
    task = POLLS[name]
    exchanges = tuple(each for each in task.exchanges if each in settings.exchanges)
    only = task.default_exchange
    found = [Argument("exchange", "", str, only is None, only, exchanges)]
    taken = {each for exchange in task.exchanges for each in task.takes(exchange)}
    for scope, example in (("symbol", "BTC-USDT-PERP"), ("currency", "BTC")):
        if scope in taken:
            found.append(Argument(scope, f"such as {example}"))
    for each in task.parameters:
        kind = int if each.least is not None else str
        choices = dict.fromkeys(
            choice for found in (each.choices or {}).values() for choice in found
        )
        found.append(Argument(each.name, each.meaning, kind, False, each.default, tuple(choices)))
    return found


def parsed(name: str, arguments: Sequence[Argument], texts: Mapping[str, str]) -> dict[str, Any]:
    """Arguments as a person typed them, as values.

    Raises:
        UnknownName: there is no such argument; has the nearest.
        ValueError: a text that is no number or truth value where one is wanted.
    """
    known = {each.name: each for each in arguments}
    values: dict[str, Any] = {}
    for key, text in texts.items():
        wanted = key.replace("-", "_")
        if wanted not in known:
            raise unknown_name(f"parameter of {name}", key, known)
        values[wanted] = _value(known[wanted], text)
    return values


def _value(argument: Argument, text: str) -> Any:
    if argument.kind is int:
        try:
            return int(text)
        except ValueError:
            raise ValueError(f"{argument.name} {text!r}; write a whole number") from None
    if argument.kind is bool:
        words = {"true": True, "yes": True, "false": False, "no": False}
        if text.lower() not in words:
            raise ValueError(f"{argument.name} {text!r}; write true or false")
        return words[text.lower()]
    if argument.kind is list:
        return [part.strip() for part in text.split(",") if part.strip()]
    return text


def check(
    name: str,
    run: Any,
    settings: Settings,
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    secrets: Sequence[str] = (),
) -> None:
    """See that a task can do what it is asked.

    Args:
        name: of the task.
        run: its function.
        settings: which exchanges there are.
        args: positional arguments.
        kwargs: named ones.
        secrets: what must not be sent.

    Raises:
        UnknownName, ValueError: it cannot; says what would be right.
    """
    _refuse_secrets([*args, *kwargs.values()], secrets)
    if name in POLLS:
        given = checked(name, named(name, tuple(args), kwargs))
        if given.exchange not in settings.exchanges:
            raise unknown_name("configured exchange", given.exchange, settings.exchanges)
        return
    signature = inspect.signature(run)
    exchange = kwargs.get("exchange", args[0] if args else None)
    if "exchange" in signature.parameters and exchange not in settings.exchanges:
        raise unknown_name("exchange", exchange, settings.exchanges)
    for key in kwargs:
        if key not in signature.parameters:
            raise unknown_name(f"parameter of {name}", key, signature.parameters)
    try:
        signature.bind(*args, **kwargs)
    except TypeError as error:
        takes = ", ".join(signature.parameters) or "none"
        raise ValueError(f"{name}: {error}; it takes {takes}") from error


def _refuse_secrets(values: Any, secrets: Sequence[str]) -> None:
    """Arguments are stored, shown and logged; no password belongs there."""
    if isinstance(values, str):
        if any(len(each) >= LEAST_SECRET and each in values for each in secrets):
            raise ValueError(
                "an argument holds a password of the settings; leave it out, tasks read the "
                "settings themselves"
            )
    elif isinstance(values, Mapping):
        _refuse_secrets([*values, *values.values()], secrets)
    elif isinstance(values, Sequence):
        for each in values:
            _refuse_secrets(each, secrets)


def _kind(hint: Any) -> type:
    """The bare type of a hint: `int | None` -> int, `list[str]` -> list."""
    origin = typing.get_origin(hint)
    if origin in (typing.Union, types.UnionType):
        bare = [each for each in typing.get_args(hint) if each is not type(None)]
        return _kind(bare[0]) if bare else str
    kind = origin or hint
    return kind if kind in (int, bool, list, str) else str
