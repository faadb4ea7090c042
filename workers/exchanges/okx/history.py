"""Past trades of OKX: single ones of three months, from an id or a time back."""

from dataclasses import replace

from workers.exchanges.base import Poll
from workers.exchanges.history import Ask, Histories, NoHistory, Range, TradeHistory, trades_of
from workers.exchanges.okx import polls
from workers.model.instrument import Instrument

MONTHS_S = 90 * 86_400.0


def _page(instrument: Instrument, first_id: int, last_id: int) -> Poll:
    return polls.trades_before(instrument, last_id + 1)


def _before(instrument: Instrument, at_ms: int) -> Poll:
    """The last trades before a time."""
    poll = polls.trades_before(instrument)
    params = dict(poll.request.params) | {"type": "2", "after": str(at_ms)}
    return Poll(replace(poll.request, params=params), poll.read)


def _between(instrument: Instrument, start_ns: int, end_ns: int, ask: Ask) -> Range | None:
    """The last id before the span and the last one in it."""
    inside = trades_of(ask(_before(instrument, end_ns // 1_000_000 + 1)), "trade")
    if not inside:
        return None
    last = inside[-1].trade_id
    earlier = trades_of(ask(_before(instrument, start_ns // 1_000_000)), "trade")
    # Without an earlier trade the history begins inside the span, and ids count from 1.
    first = earlier[-1].trade_id + 1 if earlier else 1
    return (first, last) if first <= last else None


HISTORY: Histories = {
    "trade": TradeHistory(
        _page, "backward", _between, MONTHS_S, "OKX gives single trades of the last three months"
    ),
    "aggregate-trade": NoHistory(
        "OKX's history has single trades, never the fills of one order together"
    ),
}
"""By type of trades."""
