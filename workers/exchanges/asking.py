"""What a polling task asks of an exchange, and how a past span is cut into questions. Pure.

An exchange answers with a function for each task (`Ask`) in its polling.py: from what is asked to
the REST questions that bring it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from workers.exchanges.base import Poll
from workers.model.events import AnyEvent, Kline, RatioKind
from workers.model.instrument import Instrument

SECOND_NS = 1_000_000_000
MINUTE_NS = 60 * SECOND_NS
HOUR_NS = 60 * MINUTE_NS
DAY_NS = 24 * HOUR_NS

UNITS_NS = {"s": SECOND_NS, "m": MINUTE_NS, "h": HOUR_NS, "d": DAY_NS, "w": 7 * DAY_NS}
SHORTEST_MONTH_NS = 28 * DAY_NS

MOST_PAGES = 100
"""Questions of one run; a longer span is refused."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What one run wants to know; every value is one that config/polls.py allows.

    Args:
        exchange: ours.
        instruments: those it is about; one if a symbol was named, none for a currency.
        now_ns: our clock.
        single: a symbol was named, so nothing of others need be asked.
        currency: `BTC`, for what is no fact of one instrument.
        kind: of ratio; None: all kinds.
        period: length of a period, candle or resolution, in our words.
        limit: newest rows, where no span is asked for.
        start_ns: first moment of a span; None: the newest rows.
        end_ns: last moment; None: now.
    """

    exchange: str
    now_ns: int
    instruments: Sequence[Instrument] = ()
    single: bool = False
    currency: str | None = None
    kind: RatioKind | None = None
    period: str = ""
    limit: int = 1
    start_ns: int | None = None
    end_ns: int | None = None

    @property
    def instrument(self) -> Instrument:
        """The one instrument it is about."""
        (found,) = self.instruments
        return found


Ask = Callable[[Asked], Sequence[Poll]]
Asks = Mapping[str, Ask]
"""By the task's name."""


def asks_of(exchange: object) -> Asks:
    """The polling tasks an exchange answers, its `asks`; one from outside may have none."""
    return getattr(exchange, "asks", {})


@dataclass(frozen=True)
class Page:
    """One question of a span: rows of `start_ns` to `end_ns`, both inclusive, `rows` at most.

    Without a span start is None: the newest `rows`, before `end_ns` if that is given.
    """

    start_ns: int | None
    end_ns: int | None
    rows: int


def length_ns(period: str) -> int:
    """The shortest that a period of this name can be: `5m`, `1h`, `1M` (28 days)."""
    count, unit = int(period[:-1]), period[-1]
    return count * (SHORTEST_MONTH_NS if unit == "M" else UNITS_NS[unit])


def pages(asked: Asked, row_ns: int, most: int) -> list[Page]:
    """The span cut into questions that `most` rows can answer, oldest first.

    Args:
        asked: its span and limit.
        row_ns: rows are at least this far apart.
        most: rows one answer holds.

    Raises:
        ValueError: the span ends before it begins, or would take too many questions.
    """
    if asked.start_ns is None:
        return [Page(None, asked.end_ns, min(asked.limit, most))]
    end_ns = asked.now_ns if asked.end_ns is None else asked.end_ns
    if end_ns < asked.start_ns:
        raise ValueError("end is before start; nothing was asked")
    step_ns = row_ns * most
    count = (end_ns - asked.start_ns) // step_ns + 1
    if count > MOST_PAGES:
        raise ValueError(
            f"the span takes {count} questions of {most} rows, {MOST_PAGES} are allowed in one run;"
            f" choose at most {MOST_PAGES * step_ns / DAY_NS:g} days"
        )
    starts = range(asked.start_ns, end_ns + 1, step_ns)
    return [Page(each, min(each + step_ns - 1, end_ns), most) for each in starts]


def span(asked: Asked, row_ns: int, most: int, *, running: bool = False) -> list[tuple[int, int]]:
    """The same for exchanges that want both ends every time; the newest rows end now.

    `running`: the newest row is not over yet and will not count, so one more is asked for.
    """
    found = []
    for page in pages(asked, row_ns, most):
        end_ns = asked.now_ns if page.end_ns is None else page.end_ns
        start_ns = end_ns - (page.rows + running) * row_ns
        found.append((start_ns if page.start_ns is None else page.start_ns, end_ns))
    return found


def only(poll: Poll, keep: Callable[[AnyEvent], bool]) -> Poll:
    """The same question, of whose answer only some events count."""
    return Poll(poll.request, partial(_read_only, poll, keep))


def _read_only(
    poll: Poll, keep: Callable[[AnyEvent], bool], body: bytes, received_ns: int
) -> Sequence[AnyEvent]:
    return [each for each in poll.read(body, received_ns) if keep(each)]


def closed(event: AnyEvent) -> bool:
    """A candle that is over: one that still runs would be another row at each poll."""
    return isinstance(event, Kline) and event.closed is True


def over(period_ns: int, now_ns: int) -> Callable[[AnyEvent], bool]:
    """Judges periods by their beginning: those that have ended."""
    return lambda event: event.exchange_ns is None or event.exchange_ns + period_ns <= now_ns


def after(start_ns: int | None) -> Callable[[AnyEvent], bool]:
    """Judges by time: nothing from before a span begins."""

    def keep(event: AnyEvent) -> bool:
        when = event.open_time_ns if isinstance(event, Kline) else event.exchange_ns
        return start_ns is None or when is None or when >= start_ns

    return keep
