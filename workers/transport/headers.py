"""HTTP headers we send and read, for REST calls and upgrades alike."""

import email.utils
import functools
import importlib.metadata
import time
from datetime import UTC, datetime


@functools.cache
def user_agent() -> str:
    """What we call ourselves to exchanges."""
    try:
        return f"marketprism/{importlib.metadata.version('marketprism')}"
    except importlib.metadata.PackageNotFoundError:
        return "marketprism"


def retry_after_s(value: str | None, now_ns: int | None = None) -> float | None:
    """Seconds in a Retry-After header, a number or an HTTP date; None: absent or unreadable.

    Args:
        value: the header.
        now_ns: UTC, what a date is compared with; default: now.
    """
    if value is None:
        return None
    text = value.strip()
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        date = email.utils.parsedate_to_datetime(text)
    except ValueError:
        return None
    aware: datetime = date if date.tzinfo else date.replace(tzinfo=UTC)
    now_s = (time.time_ns() if now_ns is None else now_ns) / 1e9
    return max(0.0, aware.timestamp() - now_s)
