"""What one fault has done, as it is told, kept in a file and counted in the table."""

import msgspec


class Outcome(msgspec.Struct):
    """One fault from its beginning until everything was right again, or patience was at its end.

    Attributes:
        fault: its name.
        what: whom it met.
        killed: programs that got kill -9.
        heal_s: until every program ran, every book was SYNCED and published, a scheduled task had
            been run and new trades of every symbol were stored; None: not in time.
        whole_s: until also every trade made meanwhile was stored; None: not in time.
        ledger_s: until the ledger had no gap open and counted no trade missing; None: not in time.
        took_s: all of it, the comparison of every value included.
        lost: trades made, neither stored nor named by anybody.
        named: trades within a gap that says so, and not filled.
        missing: both, in words.
        duplicated: trades a reader would count twice.
        wrong: everything else that is not as it should be, in words.
        load: the machine's load average.
    """

    fault: str
    what: str = ""
    killed: list[str] = msgspec.field(default_factory=list)
    heal_s: float | None = None
    whole_s: float | None = None
    ledger_s: float | None = None
    took_s: float = 0.0
    lost: int = 0
    named: int = 0
    missing: str = ""
    duplicated: int = 0
    wrong: list[str] = msgspec.field(default_factory=list)
    load: float = 0.0

    @property
    def failed(self) -> bool:
        """Whether anything is not as it should be."""
        late = None in (self.heal_s, self.whole_s, self.ledger_s)
        return bool(late or self.lost or self.named or self.duplicated or self.wrong)

    def __str__(self) -> str:
        times = " ".join(
            f"{name} {'never' if value is None else f'{value:.1f} s'}"
            for name, value in (
                ("healed", self.heal_s),
                ("whole", self.whole_s),
                ("ledger", self.ledger_s),
            )
        )
        parts = [f"{self.fault}: {self.what}; {times}; load {self.load:.1f}"]
        if self.missing:
            parts.append(self.missing)
        if self.duplicated:
            parts.append(f"duplicated {self.duplicated}")
        return "; ".join(parts + self.wrong)
