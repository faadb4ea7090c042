"""Durations as people write them: `100ms`, `20s`, `5m`, `24h`, `7d`; a bare number is seconds."""

import re
from typing import Annotated

from pydantic import BeforeValidator

_UNITS_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_PATTERN = re.compile(r"^\s*(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)?\s*$")


def parse_duration(value: object) -> float:
    """Seconds in a duration.

    Args:
        value: a number (seconds) or a string such as `100ms`, `20s`, `5m`, `24h`, `7d`.

    Raises:
        ValueError: it is neither, or it is negative.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError("write a duration such as 100ms, 20s, 5m or 24h")
    found = _PATTERN.match(str(value))
    if not found:
        raise ValueError("write a duration such as 100ms, 20s, 5m or 24h")
    return float(found[1]) * _UNITS_S[found[2] or "s"]


def format_duration(seconds: float) -> str:
    """The shortest spelling that parses back to the same duration: 0.1 -> 100ms, 86400 -> 24h."""
    if seconds < 1:
        return f"{seconds * 1000:.15g}ms"
    for unit in ("h", "m"):
        if seconds >= _UNITS_S[unit] and seconds % _UNITS_S[unit] == 0:
            return f"{seconds / _UNITS_S[unit]:.15g}{unit}"
    return f"{seconds:.15g}s"


Duration = Annotated[float, BeforeValidator(parse_duration)]
"""Seconds as a float in code; in files and environment the value carries its unit."""
