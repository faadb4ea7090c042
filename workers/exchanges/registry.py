"""The exchanges there are, by name: ours, and those of installed packages.

A package offers an exchange through the entry point group `marketprism.exchanges`; it is imported
when somebody asks for it. One that cannot be used is an error to whoever asks for it by name, and
to nobody else. Nobody can take a name that is taken: not ours, and not another package's.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib.metadata import EntryPoint

from config.exchanges import ENTRY_POINTS
from workers.exchanges.base import Exchange
from workers.exchanges.binance.spot.exchange import BINANCE_SPOT
from workers.exchanges.binance.usdm.exchange import BINANCE_DERIVATIVES
from workers.exchanges.deribit.exchange import DERIBIT
from workers.exchanges.okx.exchange import OKX_DERIVATIVES, OKX_SPOT
from workers.model.packages import BrokenPackage, Packages

OURS: tuple[Exchange, ...] = (
    BINANCE_SPOT,
    BINANCE_DERIVATIVES,
    OKX_SPOT,
    OKX_DERIVATIVES,
    DERIBIT,
)

KIND = "exchange"

MEMBERS = frozenset(Exchange.__annotations__) | {
    name for name in vars(Exchange) if not name.startswith("_")
}
"""What every exchange must have."""


class UnknownExchange(KeyError):
    """No exchange of this name; the text says which there are."""

    def __init__(self, name: str, known: Iterable[str]) -> None:
        super().__init__(f"exchange {name!r} is unknown; choose one of {', '.join(known)}")

    def __str__(self) -> str:
        return str(self.args[0])


class Registry(Mapping[str, Exchange]):
    """Exchanges by name; ours come first, the others sorted.

    Args:
        ours: always there.
        find: looks for entry points; by default those of installed packages.
    """

    def __init__(
        self,
        ours: Iterable[Exchange],
        find: Callable[[], Iterable[EntryPoint]] | None = None,
    ) -> None:
        self._ours = {each.name: each for each in ours}
        self._loaded: dict[str, Exchange] = {}
        self.packages = Packages(KIND, ENTRY_POINTS, taken=self._ours, find=find)

    def __getitem__(self, name: str) -> Exchange:
        """The exchange of this name.

        Raises:
            UnknownExchange: there is none.
            BrokenPackage: a package offers it and it cannot be used.
        """
        known = self._ours.get(name) or self._loaded.get(name)
        if known is None:
            if name not in self.packages.names():
                raise UnknownExchange(name, self)
            known = self._loaded[name] = self._load(name)
        return known

    def __contains__(self, name: object) -> bool:
        return name in self._ours or name in self.packages.names()

    def __iter__(self) -> Iterator[str]:
        return iter((*self._ours, *self.packages.names()))

    def __len__(self) -> int:
        return len(self._ours) + len(self.packages.names())

    def _load(self, name: str) -> Exchange:
        found, origin = self.packages.load(name)
        exchange: Exchange = found
        missing = sorted(member for member in MEMBERS if not hasattr(exchange, member))
        if missing:
            raise BrokenPackage(KIND, name, f"{origin} leaves out {', '.join(missing)}")
        if exchange.name != name:
            why = f"{origin} calls it {exchange.name!r}; both names must be the same"
            raise BrokenPackage(KIND, name, why)
        return exchange


EXCHANGES = Registry(OURS)


def exchange(name: str) -> Exchange:
    """The exchange of this name.

    Raises:
        UnknownExchange: there is none.
        BrokenPackage: an installed package offers it and it cannot be used.
    """
    return EXCHANGES[name]
