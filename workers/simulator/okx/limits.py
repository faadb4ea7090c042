"""REST limits of OKX: so many requests of one endpoint in each fixed window of two seconds."""

from dataclasses import dataclass


@dataclass(frozen=True)
class EndpointLimit:
    """`requests` in each `window_s`, for each address and value of the `per` parameter."""

    requests: int
    window_s: float = 2.0
    per: str = ""


class Meter:
    """Requests counted in the present window of each key.

    Args:
        share: of the documented limits.
    """

    def __init__(self, share: float) -> None:
        self._share = share
        self._counts: dict[tuple[str, str, str], tuple[int, int]] = {}

    def allows(self, limit: EndpointLimit, key: tuple[str, str, str], now_s: float) -> bool:
        """Count a request; `key` is address, path and the value of `limit.per`."""
        window = int(now_s // limit.window_s)
        before, count = self._counts.get(key, (window, 0))
        count = count + 1 if before == window else 1
        self._counts[key] = (window, count)
        return count <= max(1, int(limit.requests * self._share))
