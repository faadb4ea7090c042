"""A collector's status small enough for the result of a task. Pure."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

LEFT_OUT = frozenset({"streams", "counters", "performance_detail"})
"""Thousands of figures; `celery inspect rates` has them."""


def summary(view: Mapping[str, Any]) -> dict[str, Any]:
    """The host's view with books by their state alone, and the numbers of streams.

    Args:
        view: `ServiceThread.status()`.
    """
    status = view.get("status") or {}
    books, streams = status.get("books") or {}, status.get("streams") or {}
    short = {key: value for key, value in status.items() if key not in LEFT_OUT}
    short["books"] = {symbol: each["state"] for symbol, each in books.items()}
    short["books_by_state"] = dict(Counter(short["books"].values()))
    short["streams_by_channel"] = {channel: len(each) for channel, each in streams.items()}
    return {**{key: value for key, value in view.items() if key != "status"}, **short}
