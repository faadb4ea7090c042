"""Trades from before the simulator was started, so that a young market has a history.

They are known by REST alone: one each ten seconds, functions of the seed's start and the time, with
trade_seq right below those of the tape.
"""

import random

from workers.simulator.deribit.instruments import Contract
from workers.simulator.market.fair import Worths
from workers.simulator.market.tape import Fill, Tape

APART_US = 10_000_000
NOISE = 2e-4


class Past:
    """The tape of one instrument, and what came before it.

    Args:
        at: the instrument.
        tape: its trades; their ids are trade_seq.
        worths: what coins are worth.
        hours: how far back it goes.
    """

    def __init__(self, at: Contract, tape: Tape, worths: Worths, hours: float) -> None:
        self._at, self._tape, self._worths = at, tape, worths
        self._begin_us = tape.fill(tape.first_id).time_us if len(tape) else 0
        trades = int(hours * 3_600_000_000) // APART_US if len(tape) else 0
        self.first_id = tape.first_id - trades

    @property
    def next_id(self) -> int:
        """trade_seq that the next trade will have."""
        return self._tape.next_id

    def fill(self, seq: int) -> Fill:
        """The trade with this trade_seq. Raises IndexError where there is none."""
        if not self.first_id <= seq < self._tape.first_id:
            return self._tape.fill(seq)
        time_us = self._begin_us - (self._tape.first_id - seq) * APART_US
        drawn = random.Random(f"{self._at.raw}:{time_us}")
        worth = self._worths.of(self._at.base, time_us) if self._at.kind != "option" else 1.0
        ticks = max(1, round(self._at.price_ticks * worth * (1 + drawn.gauss(0.0, NOISE))))
        return Fill(seq, ticks, drawn.randint(1, 200), time_us, drawn.random() < 0.5)

    def first_at(self, time_us: int) -> int:
        """trade_seq of the first trade at or after a time."""
        if time_us >= self._begin_us - APART_US:
            found = self._tape.first_at(time_us)
            before = self._tape.first_id - 1
            late = self.first_id <= before and time_us <= self._begin_us - APART_US
            return before if late else found
        back = (self._begin_us - time_us) // APART_US
        return max(self.first_id, self._tape.first_id - back)
