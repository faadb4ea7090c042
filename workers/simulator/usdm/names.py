"""What is traded on the simulated USD-M, and which route carries which stream.

Source: "Important WebSocket Change Notice" of 2026-03-06: book data below /public, everything else
below /market; on the wrong one a stream is acknowledged and silent.
"""

from dataclasses import dataclass

from workers.simulator.market.instruments import SCALE, Instrument, instrument

NEVER_MS = 4_133_404_800_000
"""The delivery date of a contract that is never delivered."""

ONBOARD_MS = 1_569_398_400_000
PUBLIC_KINDS = ("depth", "bookTicker", "trade", "rpiDepth")


@dataclass(frozen=True)
class Perpetual(Instrument):
    """A perpetual contract on a coin, quantities in the coin.

    Args:
        price_digits, quantity_digits: decimals on the wire; not the steps.
    """

    price_digits: int = 2
    quantity_digits: int = 3

    def price(self, ticks: int) -> str:
        """A price as it stands on the wire."""
        return _text(ticks * self.tick, self.price_digits)

    def quantity(self, lots: int) -> str:
        """A quantity as it stands on the wire."""
        return _text(lots * self.lot, self.quantity_digits)


def perpetual(symbol: str) -> Perpetual:
    """The contract of `BTC-USDT`, also written `BTC-USDT-PERP`.

    Ticks are ten times those of spot, lots a hundred times.

    Raises:
        ValueError: it is not BASE-QUOTE.
    """
    at = instrument(symbol.upper().removesuffix("-PERP").removesuffix("-SWAP"))
    tick, lot = min(SCALE, at.tick * 10), min(SCALE, at.lot * 100)
    return Perpetual(
        base=at.base,
        quote=at.quote,
        price_ticks=max(20, at.price_ticks * at.tick // tick),
        tick=tick,
        lot=lot,
        price_digits=min(8, _digits(tick) + 1),
        quantity_digits=_digits(lot),
    )


def hub_key(symbol: str) -> str:
    """`BTCUSDT`, `BTC-USDT`, `BTC-USDT-PERP` -> `btcusdt`."""
    name = symbol.upper().removesuffix("-PERP").removesuffix("-SWAP")
    return name.replace("-", "").lower()


def carries(route: str, stream: str) -> bool:
    """Whether a route delivers a stream; on the other it is silent."""
    kind = stream.removeprefix("!") if stream.startswith("!") else stream.partition("@")[2]
    return route == ("public" if kind.startswith(PUBLIC_KINDS) else "market")


def _digits(step: int) -> int:
    digits = 8
    while digits and step % 10 == 0:
        step //= 10
        digits -= 1
    return digits


def _text(units: int, digits: int) -> str:
    whole, part = divmod(units, SCALE)
    return f"{whole}.{part:08d}"[: -(8 - digits) or None].rstrip(".")
