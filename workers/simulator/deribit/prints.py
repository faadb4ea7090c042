"""Trades with what Deribit adds to them: ids of their currency, int64 ids, late liquidations."""

from array import array
from decimal import Decimal

from workers.simulator.deribit import indices
from workers.simulator.deribit.instruments import Contract
from workers.simulator.deribit.numbers import decimal, raw
from workers.simulator.deribit.past import Past
from workers.simulator.deribit.switches import Switches
from workers.simulator.market.fair import Worths
from workers.simulator.market.tape import Fill, Tape

FIRST_MATCH = 214_121_762_240_081_920
"""starbase_match_id lies beyond 2^53, where floats lose digits."""


MOST_INSTRUMENTS = 16
"""Trades from before the start: each instrument has every so-manyth number."""


class TradeIds:
    """One counter per settlement currency; all but BTC carry it as a prefix."""

    def __init__(self, first: int) -> None:
        self._first = first
        self._next: dict[str, int] = {}
        self._places: dict[str, int] = {}

    def before(self, name: str, back: int) -> int:
        """The number of an instrument's trade so many before its first one here."""
        place = self._places.setdefault(name, len(self._places))
        return self._first - back * MOST_INSTRUMENTS - place

    def take(self, currency: str) -> int:
        """The next number."""
        number = self._next.get(currency, self._first)
        self._next[currency] = number + 1
        return number


class Prints:
    """The tape of one instrument as rows.

    Args:
        at: the instrument.
        tape: its trades; their ids are trade_seq.
        ids: where trade_id comes from.
        switches: of liquidations and numbers.
        worths: what coins are worth.
    """

    def __init__(
        self, at: Contract, tape: Tape, ids: TradeIds, switches: Switches, worths: Worths
    ) -> None:
        self.at, self.tape, self._worths = at, tape, worths
        self.past = Past(at, tape, worths, switches.past_hours)
        self._ids, self._switches = ids, switches
        self._numbers = array("q")
        self.number()

    def number(self) -> None:
        """Give trades made since the last call their trade_id."""
        for _ in range(len(self.tape) - len(self._numbers)):
            self._numbers.append(self._ids.take(self.at.settlement))

    def trade_id(self, seq: int) -> str:
        """`416203311`, or `ETH-284830839`."""
        if seq < self.tape.first_id:
            number = self._ids.before(self.at.raw, self.tape.first_id - seq)
        else:
            number = self._numbers[seq - self.tape.first_id]
        return f"{number}" if self.at.settlement == "BTC" else f"{self.at.settlement}-{number}"

    def row(self, seq: int, known_at_us: int | None = None) -> dict[str, object]:
        """One trade.

        Args:
            seq: its trade_seq.
            known_at_us: when it is asked for by REST; None on the stream, which never tells of
                liquidations.
        """
        at, fill = self.at, self.past.fill(seq)
        exponents = bool(self._switches.exponents)
        amount = decimal(fill.lots * at.lot)
        price = decimal(fill.ticks * at.tick)
        time_ms = fill.time_us // 1000
        fields: dict[str, object] = {
            "timestamp": time_ms,
            "price": raw(price, exponents=False),
            "direction": "sell" if fill.buyer_is_maker else "buy",
            "instrument_name": at.raw,
            "index_price": raw(indices.index_price(at.index, time_ms, self._worths)),
            "trade_id": self.trade_id(seq),
            "trade_seq": seq,
            "amount": raw(amount, exponents),
            "mark_price": raw(price, exponents=False),
            "tick_direction": self._tick_direction(fill),
            "starbase_match_id": FIRST_MATCH + seq,
            "contracts": raw(amount / decimal(at.contract), exponents),
            "starbase_timestamp": fill.time_us * 1000 + seq % 1000,
        }
        if at.kind == "option":
            fields["iv"] = raw(Decimal("55.5"))
        flag = self.liquidation(seq)
        if flag and known_at_us is not None:
            age_s = (known_at_us - fill.time_us) / 1e6
            if age_s >= self._switches.liquidation_s:
                fields["liquidation"] = flag
        return fields

    def liquidation(self, seq: int) -> str | None:
        """Whose order was a liquidation, `M` or `T`; for most trades nobody's."""
        share = int(self._switches.liquidations)
        if share < 1 or seq % share:
            return None
        return "M" if seq // share % 2 else "T"

    def _tick_direction(self, fill: Fill) -> int:
        """0 up, 1 level after up, 2 down, 3 level after down."""
        level = 0
        for seq in range(fill.trade_id - 1, max(self.past.first_id, fill.trade_id - 50) - 1, -1):
            before = self.past.fill(seq).ticks
            if before != fill.ticks:
                return level + (0 if fill.ticks > before else 2)
            level = 1
        return level
