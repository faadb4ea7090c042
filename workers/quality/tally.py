"""Odd things counted, and told as few events: one a check and symbol in ten seconds. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from workers.model.events import Event, Quality
from workers.model.instrument import MarketType

TOLD_EVERY_S = 10.0
DETAILS = 8
"""Different details named in one event; the others are counted alone."""

EVERY = "ALL"
"""The symbol of what is about an exchange as a whole."""


@dataclass
class _Case:
    """One check and symbol: what it broke since it was last told."""

    market_type: MarketType
    raw_symbol: str
    exchange_ns: int | None
    data_type: str
    value: str | None
    limit: str | None
    details: dict[str, None]
    count: int = 0


class Tally:
    """Counts by check and symbol. The first case of a span is the one that is shown.

    Args:
        exchange: the name events carry.
        market_type: of what is about no instrument.
    """

    def __init__(self, exchange: str, market_type: MarketType) -> None:
        self._exchange, self._market_type = exchange, market_type
        self._open: dict[tuple[str, str], _Case] = {}
        self._told_s: dict[tuple[str, str], float] = {}
        self._counts: dict[str, int] = {}

    def of_event(
        self,
        check: str,
        data_type: str,
        event: Event,
        *,
        value: str | None = None,
        limit: str | None = None,
        detail: str | None = None,
    ) -> None:
        """Count something about one event."""
        case = self._open.get((check, event.symbol))
        if case is None:
            case = self._open[check, event.symbol] = _Case(
                event.market_type,
                event.raw_symbol,
                event.exchange_ns,
                data_type,
                value,
                limit,
                {},
            )
        self._add(check, case, detail, 1)

    def of_exchange(
        self,
        check: str,
        data_type: str,
        *,
        symbol: str = EVERY,
        raw_symbol: str = EVERY,
        value: str | None = None,
        limit: str | None = None,
        detail: str | None = None,
        by: int = 1,
    ) -> None:
        """Count something about a stream, or about the exchange as a whole."""
        case = self._open.get((check, symbol))
        if case is None:
            case = self._open[check, symbol] = _Case(
                self._market_type, raw_symbol, None, data_type, value, limit, {}
            )
        self._add(check, case, detail, by)

    def _add(self, check: str, case: _Case, detail: str | None, by: int) -> None:
        case.count += by
        self._counts[check] = self._counts.get(check, 0) + by
        if detail is not None and len(case.details) < DETAILS:
            case.details[detail] = None

    def due(self, now_s: float, received_ns: int) -> list[Quality]:
        """What is to be told now; each check and symbol at most every TOLD_EVERY_S."""
        found = []
        for key, case in list(self._open.items()):
            if now_s - self._told_s.get(key, float("-inf")) < TOLD_EVERY_S:
                continue
            del self._open[key]
            self._told_s[key] = now_s
            found.append(self._event(key, case, received_ns))
        return found

    def take_counts(self) -> dict[str, int]:
        """Cases by check since the last call."""
        counts, self._counts = self._counts, {}
        return counts

    def _event(self, key: Sequence[str], case: _Case, received_ns: int) -> Quality:
        check, symbol = key
        return Quality(
            exchange=self._exchange,
            market_type=case.market_type,
            symbol=symbol,
            raw_symbol=case.raw_symbol,
            exchange_ns=case.exchange_ns,
            received_ns=received_ns,
            check=check,
            data_type=case.data_type,
            count=case.count,
            value=case.value,
            limit=case.limit,
            detail="; ".join(case.details) or None,
        )
