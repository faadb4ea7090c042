"""The arguments of a polling task, checked against config/polls.py before anything is asked."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from config.poll_choices import CURRENCIES
from config.poll_task import Parameter, PollingTask
from config.polls import POLLS
from workers.model.names import unknown_name

PERIOD_NAMES = ("period", "interval", "resolution")
"""What the tasks call the length of a period or candle."""


@dataclass(frozen=True)
class Arguments:
    """What a run was asked to do. Whether the symbol is listed, only the exchange knows.

    Args:
        task: of the table.
        exchange: one that has it.
        symbol: ours; None: everything collected, or a currency.
        currency: `BTC`.
        values: the other parameters by name, defaults filled in, times as nanoseconds.
    """

    task: PollingTask
    exchange: str
    symbol: str | None
    currency: str | None
    values: Mapping[str, Any]

    @property
    def about(self) -> str:
        """For messages: exchange, and symbol or currency."""
        return " ".join(each for each in (self.exchange, self.symbol or self.currency) if each)

    @property
    def period(self) -> str:
        """Length of a period or candle; empty where there is none."""
        return next((self.values[name] for name in PERIOD_NAMES if name in self.values), "")


def checked(name: str, given: Mapping[str, Any]) -> Arguments:
    """The arguments of a task, if they are right.

    Raises:
        UnknownName: no such task, exchange, parameter, kind, period or currency; has the nearest.
        ValueError: a value that cannot be, or one that is missing.
    """
    if name not in POLLS:
        raise unknown_name("polling task", name, POLLS)
    task = POLLS[name]
    exchange = given.get("exchange", task.default_exchange)
    if exchange is None:
        raise ValueError(f"{name}: name the exchange: {', '.join(task.exchanges)}")
    if exchange not in task.exchanges:
        raise unknown_name(f"exchange of {name}", exchange, task.exchanges)
    takes = task.takes(exchange)
    for each in given:
        if each not in takes:
            raise unknown_name(f"parameter of {name} on {exchange}", each, takes)
    symbol, currency = _scope(task, exchange, given)
    values = {each.name: _value(task, exchange, each, given) for each in task.parameters}
    if values.get("start") is not None and given.get("limit") is not None:
        raise ValueError(f"{name}: limit {given['limit']} together with start; choose one of them")
    return Arguments(task, exchange, symbol, currency, values)


def named(name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """Positional and named arguments as named ones: exchange, symbol, currency, parameters.

    Raises:
        ValueError: one was given twice, or there are too many.
    """
    task = POLLS[name]
    exchange = args[0] if args else kwargs.get("exchange")
    order = task.takes(exchange) if exchange in task.exchanges else ("exchange",)
    if len(args) > len(order):
        raise ValueError(f"{name}: {len(args)} arguments; it takes {', '.join(order)}")
    placed = dict(zip(order, args, strict=False))
    twice = sorted(set(placed) & set(kwargs))
    if twice:
        raise ValueError(f"{name}: {', '.join(twice)} given twice")
    return {key: value for key, value in {**placed, **kwargs}.items() if value is not None}


def _scope(
    task: PollingTask, exchange: str, given: Mapping[str, Any]
) -> tuple[str | None, str | None]:
    """Symbol and currency; at most one of them, and one where the task is about one."""
    found = {key: given[key] for key in ("symbol", "currency") if given.get(key) is not None}
    for key, value in found.items():
        if not isinstance(value, str):
            raise ValueError(f"{task.name}: {key} {value!r} is no text")
    offered = [key for key in ("symbol", "currency") if key in task.scopes[exchange]]
    if len(found) > 1 or (offered and not found):
        many = "only one of" if found else "one of" if len(offered) > 1 else "the"
        raise ValueError(f"{task.name} on {exchange}: name {many} {', '.join(offered)}")
    currency = found.get("currency")
    allowed = CURRENCIES.get((task.name, exchange))
    if currency is not None and allowed is not None and currency not in allowed:
        raise unknown_name(f"currency of {task.name} on {exchange}", currency, allowed)
    symbol = found.get("symbol")
    if symbol is not None and task.perpetuals and not task.fits(symbol):
        raise ValueError(f"{task.name}: {symbol} is no perpetual (…-PERP), only those have it")
    return symbol, currency


def _value(task: PollingTask, exchange: str, parameter: Parameter, given: Mapping[str, Any]) -> Any:
    value = given.get(parameter.name, parameter.default)
    if value is None:
        return None
    if parameter.choices is not None:
        choices = parameter.choices[exchange]
        if value not in choices:
            raise unknown_name(f"{parameter.name} of {task.name} on {exchange}", value, choices)
        return value
    if parameter.least is not None and parameter.most is not None:
        whole = isinstance(value, int) and not isinstance(value, bool)
        if not whole or not parameter.least <= value <= parameter.most:
            raise ValueError(
                f"{parameter.name} {value!r}; choose a whole number from {parameter.least} to "
                f"{parameter.most}"
            )
        return value
    return _moment_ns(parameter.name, value)


def _moment_ns(name: str, value: object) -> int:
    """A time people write, UTC unless it says otherwise, as nanoseconds."""
    try:
        moment = datetime.fromisoformat(value if isinstance(value, str) else "")
    except ValueError:
        raise ValueError(
            f"{name} {value!r}; write a time such as 2026-11-01 or 2026-11-01T12:00"
        ) from None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return round(aware.timestamp()) * 1_000_000_000
