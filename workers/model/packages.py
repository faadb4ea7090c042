"""What installed packages add to this one: entry points, imported when somebody asks for them.

One that cannot be used is an error to whoever asks for it by name, and to nobody else.
"""

from collections.abc import Callable, Collection, Iterable
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from workers.model.errors import MarketPrismError


class BrokenPackage(MarketPrismError):
    """An installed package offers something under this name, and it cannot be used."""

    def __init__(self, kind: str, name: str, why: str) -> None:
        super().__init__(f"{kind} {name!r} cannot be used: {why}")


class Packages:
    """The entry points of one group.

    Args:
        kind: what they are, for texts: `exchange`.
        group: `marketprism.exchanges`.
        taken: names that are not to be had.
        find: looks for entry points, once and not before it must; by default what is installed.
    """

    def __init__(
        self,
        kind: str,
        group: str,
        taken: Collection[str] = (),
        find: Callable[[], Iterable[EntryPoint]] | None = None,
    ) -> None:
        self._kind, self._taken = kind, taken
        self._find = find or (lambda: entry_points(group=group))
        self._all: dict[str, list[EntryPoint]] | None = None

    def names(self) -> list[str]:
        """What is offered under free names, sorted; whether it works is not known yet."""
        return sorted(name for name in self._offers() if name not in self._taken)

    def load(self, name: str) -> tuple[Any, str]:
        """What is offered under one of the names, made if it is a class, and where it is from.

        Raises:
            BrokenPackage: it cannot be imported or made, or two packages offer it.
        """
        offers = self._offers()[name]
        origin = self._origin(offers)
        if len(offers) > 1:
            raise BrokenPackage(self._kind, name, f"{origin} both offer it; uninstall one")
        try:
            found = offers[0].load()
            return found() if isinstance(found, type) else found, origin
        except Exception as error:
            # whatever a stranger's module raises is about that module alone
            why = f"{origin} fails to load it: {type(error).__name__}: {error}"
            raise BrokenPackage(self._kind, name, why) from error

    def complaints(self) -> list[str]:
        """What packages offer and nobody will get: names that are taken, here or by another."""
        return [
            f"{self._kind} {name!r} of {self._origin(offers)} is not used: "
            + ("MarketPrism has one" if name in self._taken else "uninstall one of them")
            for name, offers in sorted(self._offers().items())
            if name in self._taken or len(offers) > 1
        ]

    def _offers(self) -> dict[str, list[EntryPoint]]:
        if self._all is None:
            self._all = {}
            for each in self._find():
                offers = self._all.setdefault(each.name, [])
                if each.value not in [other.value for other in offers]:
                    offers.append(each)
        return self._all

    @staticmethod
    def _origin(offers: Iterable[EntryPoint]) -> str:
        """Packages and places in them: `toy-exchange 1.0 (toy.exchange:TOY)`."""
        return " and ".join(
            sorted(
                f"{each.dist.name} {each.dist.version} ({each.value})" if each.dist else each.value
                for each in offers
            )
        )
