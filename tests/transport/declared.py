"""What an exchange of the tests declares."""

from workers.exchanges.base import Limits

LONG_S = 1_000_000.0
"""A window that turns in no test."""


def limits(**changes: object) -> Limits:
    some = {
        "streams_per_connection": 1,
        "control_messages": 1,
        "control_window_s": 1.0,
        "connects": 3,
        "connect_window_s": 1.0,
        "weight": 1000,
        "weight_window_s": LONG_S,
        "used_weight_header": "x-used",
        "max_age_s": None,
    }
    return Limits(**{**some, **changes})
