"""Errors and parameters of the REST dialect.

Source: binance-spot-api-docs, errors.md and rest-api.md.
"""

import re
from collections.abc import Collection, Mapping

WHOLE = re.compile(r"^[0-9]{1,20}$")
SYMBOL = re.compile(r"^[\w\-._]{1,50}$")
ZONE = re.compile(r"^([+-]?)([0-9]{1,2})(?::([0-5][0-9]))?$")
STATUSES = ("TRADING", "END_OF_DAY", "HALT", "BREAK", "CANCEL_ONLY")


class ApiError(Exception):
    """A request that is answered with `{"code":..,"msg":..}`."""

    def __init__(self, code: int, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code, self.message, self.status = code, message, status


def invalid_symbol() -> ApiError:
    """No such symbol."""
    return ApiError(-1121, "Invalid symbol.")


class Parameters:
    """A request's query, read parameter by parameter; one nobody reads is an error."""

    def __init__(self, query: Mapping[str, str], known: Collection[str]) -> None:
        unread = [name for name in query if name not in known]
        if unread:
            if not known:
                raise ApiError(
                    -1101, f"Too many parameters; expected '0' and received '{len(query)}'."
                )
            raise ApiError(
                -1104,
                f"Not all sent parameters were read; read '{len(query) - len(unread)}' "
                f"parameter(s) but was sent '{len(query)}'.",
            )
        self._query = query

    def has(self, name: str) -> bool:
        """Whether it was sent."""
        return name in self._query

    def text(self, name: str) -> str:
        """A parameter that must be there."""
        value = self._sent(name)
        if value is None:
            raise ApiError(
                -1102,
                f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed.",
            )
        return value

    def _sent(self, name: str) -> str | None:
        value = self._query.get(name)
        if value == "":
            raise ApiError(-1105, f"Parameter '{name}' was empty.")
        return value

    def symbol(self) -> str:
        """The mandatory symbol, checked for form only."""
        value = self.text("symbol")
        if not SYMBOL.match(value) or value != value.upper():
            raise ApiError(
                -1100,
                "Illegal characters found in parameter 'symbol'; "
                "legal range is '^[\\w\\-._&&[^a-z]]{1,50}$'.",
            )
        return value

    def whole(self, name: str) -> int | None:
        """A whole number, None if it was not sent."""
        value = self._sent(name)
        if value is None:
            return None
        if not WHOLE.match(value):
            raise ApiError(
                -1100,
                f"Illegal characters found in parameter '{name}'; "
                "legal range is '^[0-9]{1,20}$'.",
            )
        return int(value)

    def flag(self, name: str) -> bool:
        """`true` or `false`."""
        value = self.text(name).lower()
        if value not in ("true", "false"):
            raise ApiError(-1130, f"Data sent for parameter '{name}' is not valid.")
        return value == "true"

    def limit(self, default: int, most: int) -> int:
        """`limit`: more than the most is cut, not an error."""
        value = self.whole("limit")
        if value is None:
            return default
        if value < 1:
            raise ApiError(-1130, "Data sent for parameter 'limit' is not valid.")
        return min(value, most)

    def time_us(self, name: str) -> int | None:
        """A time in milli- or microseconds, as microseconds."""
        value = self.whole(name)
        if value is None:
            return None
        return value * 1000 if value < 10**14 else value

    def status(self) -> str | None:
        """`symbolStatus`, None if it was not sent."""
        value = self._query.get("symbolStatus")
        if value is not None and value not in STATUSES:
            raise ApiError(-1122, "Invalid symbolStatus.")
        return value

    def mini(self) -> bool:
        """Whether `type` asks for the short form."""
        kind = self._query.get("type", "FULL")
        if kind not in ("FULL", "MINI"):
            raise ApiError(-1130, "Data sent for parameter 'type' is not valid.")
        return kind == "MINI"

    def zone_us(self) -> int:
        """`timeZone` as microseconds east of UTC: `8`, `-1:00`, `05:45`; -12:00 to +14:00."""
        match = ZONE.match(self._query.get("timeZone", "0"))
        if match is not None:
            sign, hours, minutes = match.groups()
            east = (int(hours) * 60 + int(minutes or 0)) * (-1 if sign == "-" else 1)
            if -12 * 60 <= east <= 14 * 60:
                return east * 60_000_000
        raise ApiError(-1130, "Data sent for parameter 'timeZone' is not valid.")
