"""When to ask a silent connection whether it lives, and when to give it up. Pure.

Any byte received counts as life, pings and pongs too: whether data comes is watch.py's question.
"""

import math
from typing import Literal

from config.settings import HeartbeatSettings


def interval_s(settings: HeartbeatSettings, exchange: str, most_s: float = math.inf) -> float:
    """Seconds of silence before a ping: the setting of the exchange or its family (`okx_spot`).

    Never more than `most_s`, after which the exchange wants to hear something.
    """
    for name in (exchange, exchange.partition("_")[0]):
        rule = getattr(settings, name, None)
        if rule is not None:
            return min(most_s, float(rule.interval))
    return min(most_s, settings.timeout / settings.max_consecutive_failures)


class Heartbeat:
    """Pings of one connection.

    Args:
        interval_s: silence before each ping.
        settings: `stability.heartbeat`: failures in a row and silence that end the connection.
    """

    def __init__(self, interval_s: float, settings: HeartbeatSettings) -> None:
        self._interval_s, self._settings = interval_s, settings
        self._unanswered = 0

    def look(self, silence_s: float) -> Literal["well", "ping", "dead"]:
        """What to do after so many seconds without a byte."""
        if silence_s > self._settings.timeout:
            return "dead"
        if silence_s <= self._interval_s:
            self._unanswered = 0
            return "well"
        if silence_s <= self._interval_s * (self._unanswered + 1):
            return "well"
        if self._unanswered >= self._settings.max_consecutive_failures:
            return "dead"
        self._unanswered += 1
        return "ping"
