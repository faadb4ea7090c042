"""A REST call as data: exchanges describe requests, transport/http.py makes them."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class HttpRequest:
    """A GET to be made.

    Args:
        path: below the exchange's `rest_url`, `/api/v3/depth`.
        params: query parameters, already as text.
        weight: what it costs of the exchange's budget, in the exchange's own unit.
        bucket: a budget of its own it also costs one call of, `name`, or `name/what` where that is
            counted apart for each `what`; None: it costs weight alone.
    """

    path: str
    params: Mapping[str, str] = field(default_factory=dict)
    weight: int = 1
    bucket: str | None = None


@dataclass(frozen=True)
class HttpResponse:
    """What came back. Header names are lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    received_ns: int
