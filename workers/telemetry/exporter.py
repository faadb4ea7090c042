"""The Prometheus page of one service: its counters under the names and meanings of metrics.py."""

import inspect
import logging
import re
from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector

from workers.telemetry import metrics
from workers.telemetry.metrics import Counters, Labels

logger = logging.getLogger(__name__)

PREFIX = "marketprism_"
_LINE = re.compile(r'^ +"(\w+)",  # (.+); ([\w, ]+|-)$', re.MULTILINE)


class Meaning(NamedTuple):
    """What a metric counts, and the names of its labels in order."""

    text: str
    labels: tuple[str, ...]


def meanings() -> dict[str, Meaning]:
    """Every metric's meaning, read from the comments of the closed list in metrics.py."""
    return {
        name: Meaning(text, () if labels == "-" else tuple(re.split(r",\s*", labels)))
        for name, text, labels in _LINE.findall(inspect.getsource(metrics))
    }


class CountersPage(Collector):
    """Reads one service's counters when Prometheus asks; counting itself pays nothing for it.

    Args:
        counters: the service's counters.
        service: its name, a label of every value.
    """

    def __init__(self, counters: Counters, service: str) -> None:
        self._counters, self._service = counters, service
        self._meanings = meanings()

    def collect(self) -> Iterator[CounterMetricFamily]:
        """One family per metric, also for those still at zero."""
        values: dict[str, dict[Labels, int]] = defaultdict(dict)
        for counted, labels, value in self._counters.items():
            values[counted][labels] = value
        for name, meaning in self._meanings.items():
            family = CounterMetricFamily(
                PREFIX + name, meaning.text, labels=["service", *meaning.labels]
            )
            for labels, value in sorted(values[name].items()):
                family.add_metric([self._service, *labels], value)
            yield family


def serve(counters: Counters, service: str, address: str, port: int) -> None:
    """Start the page on its own daemon thread. A taken port costs the page, not the service."""
    registry = CollectorRegistry()
    registry.register(CountersPage(counters, service))
    try:
        start_http_server(port, addr=address, registry=registry)
    except OSError as error:
        logger.error(
            "%s: no metrics page on %s:%d (%s); choose another telemetry.ports.%s",
            service,
            address,
            port,
            error,
            service,
        )
