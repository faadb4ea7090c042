"""From a field of an event's JSON to a column: SQL that converts it, SQL that says what is wrong.

Values arrive as Nullable(String). The conversion raises for anything invalid, missing or too
precise, so that nothing becomes a zero, a NULL or a rounded number; then the insert fails, and the
second expression names the rows and the reason. A test holds the two to the same verdicts.
"""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["text", "integer", "natural", "decimal", "flag", "levels"]
"""What a field's JSON value must be. `natural` is an integer from 0 to 2^64-1."""

DECIMAL = "Decimal(38, 18)"
LEVELS = f"Array(Tuple(price {DECIMAL}, quantity {DECIMAL}))"

# A 19th decimal place would be cut off in silence; 40 places see it. JSONExtract skips levels that
# do not fit, so the text's own brackets and quotes are counted.
_PARSED = "JSONExtract({text}, 'Array(Tuple(String, String))')"
_ODD_LEVELS = (
    "countSubstrings({text}, '[') != 1 + length(" + _PARSED + ")"
    " OR countSubstrings({text}, '\"') != 4 * length(" + _PARSED + ")"
    " OR match({text}, '[.][0-9]{{19}}|[eE]')"
)
_CONVERT: dict[Kind, str] = {
    "text": "{text}",
    "integer": "accurateCast({text}, 'Int64')",
    "natural": "accurateCast({text}, 'UInt64')",
    "decimal": (
        "if(throwIf(toDecimal256({text}, 40) != toDecimal128({text}, 18), 'too precise'),"
        " toDecimal128('0', 18), toDecimal128({text}, 18))"
    ),
    "flag": "accurateCast({text}, 'Bool')",
    "levels": (
        "if(throwIf(" + _ODD_LEVELS + ", 'not [[price, quantity], ...]'),"
        " [], CAST(" + _PARSED + ", '" + LEVELS + "'))"
    ),
}
_WRONG: dict[Kind, str] = {
    "text": "0",
    "integer": "isNull(accurateCastOrNull({text}, 'Int64'))",
    "natural": "isNull(accurateCastOrNull({text}, 'UInt64'))",
    "decimal": (
        "isNull(toDecimal128OrNull({text}, 18))"
        " OR ifNull(toDecimal256OrNull({text}, 40) != toDecimal128OrNull({text}, 18), 1)"
    ),
    "flag": "isNull(accurateCastOrNull({text}, 'Bool'))",
    "levels": (
        _ODD_LEVELS + " OR arrayExists(level -> isNull(toDecimal128OrNull(level.1, 18))"
        " OR isNull(toDecimal128OrNull(level.2, 18)), " + _PARSED + ")"
    ),
}
_EXPECTED: dict[Kind, str] = {
    "text": "a string",
    "integer": "an integer of 64 bits",
    "natural": "an integer from 0 to 2^64-1",
    "decimal": "a decimal with at most 20 digits before and 18 after the point",
    "flag": "true or false",
    "levels": "a list of [price, quantity], plain decimals as strings",
}
_STAND_IN: dict[Kind, str] = {
    "text": "",
    "integer": "0",
    "natural": "0",
    "decimal": "0",
    "flag": "false",
    "levels": "[]",
}


@dataclass(frozen=True)
class Field:
    """One field of an event: its JSON name is its column's name.

    Args:
        name: of both.
        kind: what its value must be.
        optional: null or absent is stored as NULL; otherwise it fails the insert.
        choices: the only values a text may have; empty for any.
    """

    name: str
    kind: Kind
    optional: bool = False
    choices: tuple[str, ...] = ()

    @property
    def conversion(self) -> str:
        """SQL for the column's value; raises. `e` is the event's tuple of Nullable(String)."""
        raw = f"e.{self.name}"
        if not self.optional:
            return self._converted(f"CAST({raw}, 'String')")
        value = self._converted(f"ifNull({raw}, '{_STAND_IN[self.kind]}')")
        return f"if(isNull({raw}), NULL, {value})"

    def _converted(self, text: str) -> str:
        value = _CONVERT[self.kind].format(text=text)
        if not self.choices:
            return value
        # An Enum column would take the number of a choice for its name.
        known = (*self.choices, *([_STAND_IN[self.kind]] if self.optional else ()))
        return f"if(throwIf({text} NOT IN {known!r}, 'not a choice'), '', {value})"

    @property
    def complaint(self) -> str:
        """SQL for what is wrong with the value, '' for nothing; never raises."""
        raw = f"e.{self.name}"
        wrong = _WRONG[self.kind].format(text=f"ifNull({raw}, '{_STAND_IN[self.kind]}')")
        expected = _EXPECTED[self.kind]
        if self.choices:
            wrong = f"ifNull({raw}, '') NOT IN {self.choices!r}"
            expected = f"one of {', '.join(self.choices)}"
        missing = "''" if self.optional else f"'{self.name}: missing'"
        was = f"substring(ifNull({raw}, ''), 1, 100)"
        text = f"concat('{self.name}: expected {expected}, was ', {was})"
        return f"multiIf(isNull({raw}), {missing}, {wrong}, {text}, '')"


def fields(kind: Kind, names: str, *, optional: bool = False) -> tuple[Field, ...]:
    """Fields of one kind; names separated by spaces."""
    return tuple(Field(name, kind, optional) for name in names.split())
