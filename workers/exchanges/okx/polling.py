"""Which questions answer a polling task on OKX. Pure; the questions are in polls and statistics."""

from collections.abc import Callable, Iterable, Sequence

from config import queues
from workers.exchanges.asking import (
    HOUR_NS,
    Asked,
    Asks,
    after,
    closed,
    length_ns,
    only,
    over,
    pages,
)
from workers.exchanges.base import Poll
from workers.exchanges.okx import polls, statistics
from workers.exchanges.okx.symbols import INST_TYPES, index_of
from workers.model.events import RatioKind
from workers.model.instrument import Instrument

RECENT_CANDLES = 1440
"""/market/candles goes this many candles back, /market/history-candles years."""

CURRENCY_RATIOS: dict[RatioKind, Callable[..., Poll]] = {
    "all_accounts": statistics.currency_ratio,
    "taker_volume": statistics.currency_taker_volume,
}


def long_short_ratio(asked: Asked) -> Sequence[Poll]:
    """One question a kind. Takers' volumes count once their period is over.

    Raises:
        ValueError: a currency has no such kind or period.
    """
    if asked.currency is not None:
        return _currency_ratios(asked, asked.currency)
    kinds: list[RatioKind] = list(statistics.RATIOS) if asked.kind is None else [asked.kind]
    period_ns = length_ns(asked.period)
    found = []
    for kind in kinds:
        running = kind == "taker_volume"
        for page in pages(asked, period_ns, statistics.PAGE):
            poll = statistics.long_short_ratio(
                asked.instrument,
                kind,
                asked.period,
                min(page.rows + running, statistics.PAGE),
                start_ns=page.start_ns,
                end_ns=page.end_ns,
            )
            found.append(only(poll, over(period_ns, asked.now_ns)) if running else poll)
    return found


def _currency_ratios(asked: Asked, currency: str) -> list[Poll]:
    """The exchange gives all the rows of a span at once, or of two days and more."""
    known = list(CURRENCY_RATIOS)
    kinds: list[RatioKind] = known if asked.kind is None else [asked.kind]
    if not set(kinds) <= set(known):
        raise ValueError(f"a currency of OKX has no {asked.kind}; choose one of {', '.join(known)}")
    if asked.period not in statistics.CURRENCY_PERIODS:
        choices = ", ".join(statistics.CURRENCY_PERIODS)
        raise ValueError(f"a currency of OKX has no period {asked.period}; choose one of {choices}")
    period_ns = length_ns(asked.period)
    start_ns = asked.start_ns
    if start_ns is None:
        end_ns = asked.now_ns if asked.end_ns is None else asked.end_ns
        start_ns = end_ns - (asked.limit + 1) * period_ns
    found = []
    for kind in kinds:
        poll = CURRENCY_RATIOS[kind](
            _coin(asked.exchange, currency), asked.period, start_ns=start_ns, end_ns=asked.end_ns
        )
        running = kind == "taker_volume"
        found.append(only(poll, over(period_ns, asked.now_ns)) if running else poll)
    return found


def open_interest(asked: Asked) -> Sequence[Poll]:
    """Of one instrument, or of all of a kind in one call."""
    if asked.single:
        return [polls.open_interest(asked.instrument)]
    return [polls.open_interests(kind, each) for kind, each in _by_kind(asked.instruments)]


def open_interest_history(asked: Asked) -> Sequence[Poll]:
    """At the beginning of each period."""
    return [
        statistics.open_interest_history(
            asked.instrument,
            asked.period,
            page.rows,
            start_ns=page.start_ns,
            end_ns=page.end_ns,
        )
        for page in pages(asked, length_ns(asked.period), statistics.PAGE)
    ]


def funding_rate(asked: Asked) -> Sequence[Poll]:
    """Of one swap, or of all in one call."""
    if asked.single:
        return [polls.funding_rate(asked.instrument)]
    return [polls.funding_rates(asked.instruments)]


def funding_rate_history(asked: Asked) -> Sequence[Poll]:
    """Payments are an hour apart or more; a page goes back from its end."""
    return [
        only(
            polls.funding_history(asked.instrument, _before(page.end_ns), page.rows),
            after(page.start_ns),
        )
        for page in pages(asked, HOUR_NS, polls.FUNDING_PAGE)
    ]


def mark_price(asked: Asked) -> Sequence[Poll]:
    """Mark prices, and the indices below."""
    if asked.single:
        return [polls.mark_price(asked.instrument), polls.index_price(asked.instrument)]
    quotes: dict[str, list[Instrument]] = {}
    for each in asked.instruments:
        quotes.setdefault(index_of(each.raw_symbol).partition("-")[2], []).append(each)
    return [
        *(polls.mark_prices(kind, each) for kind, each in _by_kind(asked.instruments)),
        *(polls.index_prices(quote, each) for quote, each in quotes.items()),
    ]


def klines(asked: Asked) -> Sequence[Poll]:
    """Closed candles; one row more is asked for, as the newest still runs."""
    row_ns = length_ns(asked.period)
    recent_ns = asked.now_ns - RECENT_CANDLES * row_ns
    found = []
    for page in pages(asked, row_ns, polls.CANDLES_PAGE):
        old = page.end_ns is not None and page.end_ns - page.rows * row_ns < recent_ns
        ask = polls.kline_history if old else polls.klines
        poll = ask(asked.instrument, asked.period, _before(page.end_ns), page.rows + 1)
        found.append(only(only(poll, after(page.start_ns)), closed))
    return found


def tickers(asked: Asked) -> Sequence[Poll]:
    """Of one instrument, or of all of a kind in one call."""
    if asked.single:
        return [polls.ticker(asked.instrument)]
    return [polls.tickers(kind, each) for kind, each in _by_kind(asked.instruments)]


def _by_kind(instruments: Iterable[Instrument]) -> list[tuple[str, list[Instrument]]]:
    """Instruments by their `instType`."""
    found: dict[str, list[Instrument]] = {}
    for each in instruments:
        found.setdefault(INST_TYPES[each.market_type], []).append(each)
    return list(found.items())


def _before(end_ns: int | None) -> int | None:
    """`after` of theirs leaves the time itself out: the next millisecond."""
    return None if end_ns is None else end_ns + 1_000_000


def _coin(exchange: str, currency: str) -> Instrument:
    """What stands for all contracts of a coin together."""
    return Instrument(
        exchange=exchange,
        market_type="perpetual",
        symbol=currency,
        raw_symbol=currency,
        status="trading",
        raw_status="",
        base=currency,
        quote="",
        contract_size="1",
    )


_BOTH: Asks = {queues.POLL_KLINES: klines, queues.POLL_TICKERS: tickers}

ASKS: dict[str, Asks] = {
    "okx_spot": _BOTH,
    "okx_derivatives": {
        **_BOTH,
        queues.POLL_LONG_SHORT_RATIO: long_short_ratio,
        queues.POLL_OPEN_INTEREST: open_interest,
        queues.POLL_OPEN_INTEREST_HISTORY: open_interest_history,
        queues.POLL_FUNDING_RATE: funding_rate,
        queues.POLL_FUNDING_RATE_HISTORY: funding_rate_history,
        queues.POLL_MARK_PRICE: mark_price,
    },
}
"""By exchange, then by task."""
