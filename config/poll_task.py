"""What a polling task is: its arguments, and what the default schedule asks it. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from config import queues
from config.poll_choices import CURRENCIES

Scope = Literal["exchange", "symbol", "currency"]
"""What one run is about: everything we collect of an exchange, one symbol, or one currency."""


@dataclass(frozen=True)
class Parameter:
    """One argument of a task beside `exchange`, `symbol` and `currency`.

    Args:
        name: as it is written in `--kwargs`.
        meaning: for people, one line.
        default: what it is when nobody says; None: see `meaning`.
        choices: allowed texts by exchange; None: it is no choice.
        least: of a number; a number has both bounds, a choice none, a time neither.
        most: of a number.
    """

    name: str
    meaning: str
    default: str | int | None = None
    choices: Mapping[str, tuple[str, ...]] | None = None
    least: int | None = None
    most: int | None = None


@dataclass(frozen=True)
class PollingTask:
    """One polling task.

    Args:
        name: the Celery task's, `polling.open_interest`.
        title: for people, one line.
        scopes: by exchange, what the default schedule asks for; a task whose only scope is
            `exchange` takes a `symbol` as well, and then asks for that one alone.
        parameters: beside exchange, symbol and currency.
        interval_s: the default schedule's; more symbols than fit in it stretch it, see `every_s`.
        pace_s: seconds between two runs on one exchange that leave its budget room, by exchange.
        events: types of events it publishes.
        perpetuals: only perpetuals have it.
    """

    name: str
    title: str
    scopes: Mapping[str, tuple[Scope, ...]]
    interval_s: float
    events: tuple[str, ...]
    parameters: tuple[Parameter, ...] = ()
    pace_s: Mapping[str, float] = field(default_factory=dict)
    perpetuals: bool = False

    @property
    def exchanges(self) -> tuple[str, ...]:
        """The exchanges that have it."""
        return tuple(self.scopes)

    @property
    def default_exchange(self) -> str | None:
        """The exchange that is meant when nobody says; None: it must be said."""
        return self.exchanges[0] if len(self.exchanges) == 1 else None

    def parameter(self, name: str) -> Parameter | None:
        """The parameter of this name, if it has one."""
        return next((each for each in self.parameters if each.name == name), None)

    def takes(self, exchange: str) -> tuple[str, ...]:
        """Names of all arguments it takes on an exchange, `exchange` first."""
        scopes = self.scopes[exchange]
        scoped = [name for name in ("symbol", "currency") if name in scopes]
        if scopes == ("exchange",) and self.name != queues.POLL_INSTRUMENTS:
            scoped = ["symbol"]
        return ("exchange", *scoped, *(each.name for each in self.parameters))

    def targets(self, exchange: str, symbols: Sequence[str]) -> list[dict[str, Any]]:
        """Arguments of the default schedule's runs on an exchange, for what is collected there.

        Each has `exchange`, and `symbol` or `currency` where one run is about one of them. Empty if
        the exchange has no such task, or nothing collected there has such data.
        """
        fitting = [each for each in symbols if self.fits(each)]
        found: list[dict[str, Any]] = []
        for scope in self.scopes.get(exchange, ()):
            if scope == "symbol":
                found += [{"exchange": exchange, "symbol": each} for each in fitting]
            elif scope == "currency":
                given = CURRENCIES.get((self.name, exchange))
                names = given or tuple(dict.fromkeys(each.split("-")[0] for each in fitting))
                found += [{"exchange": exchange, "currency": each} for each in names]
            elif fitting:
                found.append({"exchange": exchange})
        return found

    def fits(self, symbol: str) -> bool:
        """Whether this symbol of ours can have such data; an index is no instrument."""
        if symbol.endswith("-DVOL"):
            return False
        return symbol.endswith("-PERP") or not self.perpetuals

    def every_s(self, exchange: str, runs: int) -> float:
        """The default interval on an exchange, stretched so that `runs` runs fit its budget."""
        return max(self.interval_s, runs * self.pace_s.get(exchange, 0.0))
