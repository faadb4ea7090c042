"""Metric names, a closed list with their meaning, and the counters behind them.

A counter is a plain integer in a dictionary: adding to one costs a hash, and the GIL makes it safe
enough for figures that one thread writes. The Prometheus page reads them when it is asked.
"""

from collections import defaultdict
from typing import Literal, get_args

Metric = Literal[
    "frames_received_total",  # WebSocket messages read; exchange
    "bytes_received_total",  # bytes read for them, frame headers included; exchange
    "frames_discarded_total",  # messages that came after we had begun to close; exchange
    "trades_repeated_total",  # trades that came again, published once; exchange, channel
    "trades_late_total",  # trades that came after a higher id; exchange, channel
    "events_published_total",  # events acknowledged by JetStream; type
    "events_dropped_total",  # events we gave up, with the reason; type, reason
    "publish_retries_total",  # messages sent again under the same id; -
    "publish_duplicates_total",  # messages JetStream had already; -
    "spool_messages_total",  # messages on disk while NATS was away: written, done; what
    "spool_damaged_total",  # spool files that ended in a damaged record when they were found; -
    "wire_errors_total",  # frames that could not be used; exchange, kind
    "extra_fields_total",  # fields we do not know; exchange, field
    "implausible_total",  # events kept although a check disliked them; exchange, check
    "quality_cases_total",  # odd things found and told as quality events; exchange, check
    "restarts_wanted_total",  # processes that ended to be started anew; exchange, why
    "reconnects_total",  # connections opened again; exchange, cause
    "connects_refused_total",  # handshakes the exchange refused; exchange, status
    "resubscribes_total",  # streams subscribed again because they were silent; exchange
    "handovers_total",  # connections replaced while the old one still read; exchange, cause
    "handovers_failed_total",  # sessions opened to replace another that did not; exchange
    "subscriptions_refused_total",  # streams the exchange did not give; exchange, channel
    "replies_sent_total",  # messages sent back because the exchange asked; exchange
    "events_ignored_total",  # read and not wanted: other symbols, halted books; exchange, what
    "book_audits_total",  # live books compared with another of the exchange; exchange, result
    "book_checksums_total",  # books that carried a checksum of the exchange; exchange, result
    "gaps_total",  # holes published; exchange, data_type, cause
    "snapshots_requested_total",  # REST snapshots asked for; exchange, cause
    "rest_errors_total",  # failed REST calls; exchange, code
    "rest_outcomes_total",  # REST calls by how they ended; exchange, endpoint, outcome
    "polls_total",  # polling runs by how they ended; exchange, task, outcome
    "polls_missing_total",  # symbols that an answer for all of them lacked; exchange, task
    "messages_poisoned_total",  # task messages nobody can run; queue, why
    "rows_stored_total",  # rows ClickHouse took; table
    "rows_refused_total",  # rows ClickHouse refused, now dead letters; table
    "insert_retries_total",  # inserts tried again; table
    "batches_stored_total",  # inserts that went through; table
    "processor_events_total",  # events a user's processor took; type
    "processor_errors_total",  # events it failed at: raised|unreadable; type, why
]

Labels = tuple[str, ...]
METRICS: frozenset[str] = frozenset(get_args(Metric))


class Counters:
    """Counts of one service, by metric and label values."""

    def __init__(self) -> None:
        self._values: defaultdict[tuple[Metric, Labels], int] = defaultdict(int)

    def add(self, metric: Metric, *labels: str, by: int = 1) -> None:
        """Add to a counter; `labels` in the order of the comment beside the metric's name."""
        self._values[metric, labels] += by

    def get(self, metric: Metric, *labels: str) -> int:
        """A counter's value; 0 if it was never added to."""
        return self._values.get((metric, labels), 0)

    def total(self, metric: Metric) -> int:
        """Sum of a metric over all labels."""
        return sum(value for (name, _), value in list(self._values.items()) if name == metric)

    def items(self) -> list[tuple[Metric, Labels, int]]:
        """All values as (metric, label values, value)."""
        return [(name, labels, value) for (name, labels), value in self._values.copy().items()]

    def snapshot(self) -> dict[str, int]:
        """All values, `metric{label,label}` to value, for status reports."""
        return {
            f"{name}{{{','.join(labels)}}}" if labels else name: value
            for (name, labels), value in sorted(self._values.copy().items())
        }
