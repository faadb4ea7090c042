"""Crontab expressions in a named timezone, right through daylight saving time."""

import itertools
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from celery.schedules import ParseException, crontab_parser

from beat.due import Due

_FIELDS = (("minute", 60, 0), ("hour", 24, 0), ("day of month", 31, 1), ("month", 12, 1))
_SEARCHED_DAYS = 366 * 9
"""29 February comes after eight years at the latest (1900, 2100)."""
_SHIFT = timedelta(hours=3)
"""No clock is put forward or back by more at once."""


class Crontab(Due):
    """Due where all five fields match the wall clock of a timezone.

    Of a clock that is put back and shows an hour twice, both count if the hour is `*`, else the
    first. A time that a clock put forward leaves out is due as much later as it was put forward.
    As in Celery, day of month and day of week must both match.

    Args:
        expression: minute, hour, day of month, month, day of week (0 is Sunday): `30 2 * * mon`.
        timezone: its IANA name, `Europe/Berlin`.

    Raises:
        ValueError: no such expression or timezone; says which field is wrong.
    """

    def __init__(self, expression: str, timezone: str = "UTC") -> None:
        fields = expression.split()
        if len(fields) != 5:
            raise ValueError(
                f"crontab {expression!r} has {len(fields)} fields; write five: "
                "minute hour day-of-month month day-of-week"
            )
        self.expression, self.timezone = " ".join(fields), timezone
        try:
            self._zone = ZoneInfo(timezone)
        except (LookupError, ValueError, OSError) as error:
            raise ValueError(
                f"timezone {timezone!r}; write an IANA name such as Europe/Berlin"
            ) from error
        parts = [
            _numbers(expression, name, field, most, least)
            for field, (name, most, least) in zip(
                fields, (*_FIELDS, ("day of week", 7, 0)), strict=True
            )
        ]
        self._minutes, self._hours = sorted(parts[0]), sorted(parts[1])
        self._days, self._months, self._weekdays = parts[2:]
        self._every_hour = fields[1].startswith("*")
        self.next_after(datetime.now(UTC))

    def next_after(self, moment: datetime) -> datetime:
        """The first due time later than `moment`, UTC."""
        best: datetime | None = None
        limit: datetime | None = None
        for clock in self._clocks(moment.astimezone(self._zone).replace(tzinfo=None) - _SHIFT):
            if limit is not None and clock > limit:
                break
            later = [due for due in self._meant(clock) if due > moment]
            if later:
                best = min([*later, *([best] if best else [])])
                limit = limit or clock + _SHIFT
        if best is None:
            raise ValueError(f"crontab {self.expression!r} is never due: there is no such day")
        return best

    def _clocks(self, start: datetime) -> Iterator[datetime]:
        """What the clock on the wall shows where the fields match, from `start` on."""
        for day in (start.date() + timedelta(days=each) for each in range(_SEARCHED_DAYS)):
            weekday = day.isoweekday() % 7
            if day.day in self._days and day.month in self._months and weekday in self._weekdays:
                for hour, minute in itertools.product(self._hours, self._minutes):
                    clock = datetime.combine(day, time(hour, minute))
                    if clock >= start:
                        yield clock

    def _meant(self, clock: datetime) -> Iterator[datetime]:
        """The moments at which a clock of the timezone shows this, or would have."""
        zoned = clock.replace(tzinfo=self._zone)
        yield zoned.astimezone(UTC)
        if self._every_hour:
            yield zoned.replace(fold=1).astimezone(UTC)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Crontab) and (self.expression, self.timezone) == (
            other.expression,
            other.timezone,
        )

    def __hash__(self) -> int:
        return hash((self.expression, self.timezone))

    def __reduce__(self) -> tuple[type["Crontab"], tuple[str, str]]:
        return Crontab, (self.expression, self.timezone)

    def __repr__(self) -> str:
        return f"<{self.expression} {self.timezone}>"


def _numbers(expression: str, name: str, field: str, most: int, least: int) -> set[int]:
    """The numbers a field stands for."""
    try:
        found = crontab_parser(most, least).parse(field)
    except (ParseException, ValueError) as error:
        raise ValueError(
            f"crontab {expression!r}: the {name} {field!r} is wrong ({error}); "
            f"write *, */5, 1,2 or 1-5, from {least} to {most - 1 + least}"
        ) from error
    return set(found)
