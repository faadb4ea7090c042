"""What is wrong with a collector right now, in words. Pure."""

from collections.abc import Mapping
from typing import Any

SHOWN = 10
"""Symbols or streams named in one sentence."""


def problems(status: Mapping[str, Any]) -> list[str]:
    """Everything in a collector's status that is not as it should be; empty: all is well."""
    found = [
        f"connection {each['index']} is {each['state']}: {each['last_error'] or 'no error yet'}"
        for each in status["connections"]
        if each["state"] not in ("connected", "replacing")
    ]
    books = status["books"].values()
    unsynced = [
        each["symbol"] for each in books if each["state"] != "SYNCED" and not each["halted"]
    ]
    streams = [
        (f"{channel} {symbol}", each)
        for channel, symbols in status["streams"].items()
        for symbol, each in symbols.items()
    ]
    lists = {
        "not listed": status["unlisted"],
        "books not synced": unsynced,
        "refused": [name for name, each in streams if each["refused"]],
        "silent": [name for name, each in streams if each["attempts"]],
    }
    found += [
        f"{what}: {', '.join(names[:SHOWN])}{' ...' if len(names) > SHOWN else ''} ({len(names)})"
        for what, names in lists.items()
        if names
    ]
    return found
