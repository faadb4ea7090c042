"""A Prometheus page as a scraper reads it."""

import urllib.request

from prometheus_client.parser import text_string_to_metric_families


def page(port: int) -> dict[str, dict[frozenset[tuple[str, str]], float]]:
    """Values by metric, by labels."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as reply:
        text = reply.read().decode()
    return {
        family.name: {frozenset(each.labels.items()): each.value for each in family.samples}
        for family in text_string_to_metric_families(text)
    }
