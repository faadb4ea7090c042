"""The exchanges there are, by name."""

from workers.exchanges.base import Exchange
from workers.exchanges.binance.spot.exchange import BINANCE_SPOT
from workers.exchanges.binance.usdm.exchange import BINANCE_DERIVATIVES
from workers.exchanges.deribit.exchange import DERIBIT
from workers.exchanges.okx.exchange import OKX_DERIVATIVES, OKX_SPOT

EXCHANGES: dict[str, Exchange] = {
    each.name: each
    for each in (
        BINANCE_SPOT,
        BINANCE_DERIVATIVES,
        OKX_SPOT,
        OKX_DERIVATIVES,
        DERIBIT,
    )
}


class UnknownExchange(KeyError):
    """No exchange of this name; the text says which there are."""

    def __init__(self, name: str) -> None:
        super().__init__(f"exchange {name!r} is unknown; choose one of {', '.join(EXCHANGES)}")

    def __str__(self) -> str:
        return str(self.args[0])


def exchange(name: str) -> Exchange:
    """The exchange of this name.

    Raises:
        UnknownExchange: there is none.
    """
    try:
        return EXCHANGES[name]
    except KeyError:
        raise UnknownExchange(name) from None
