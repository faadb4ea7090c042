"""How long to wait before connecting again."""

import random as _random
from collections.abc import Callable


class Backoff:
    """Delays that double from `first_s` up to `limit_s`, each varied by jitter.

    Jitter keeps connections that broke together from coming back together.

    Args:
        first_s: the first delay.
        limit_s: the delay is not doubled beyond this; jitter may lift it above.
        jitter: fraction; 0.2 varies each delay evenly by up to 20 % both ways.
        random: uniform in [0, 1); tests pass their own.

    Attributes:
        attempts: delays given since the last reset.
    """

    def __init__(
        self,
        first_s: float,
        limit_s: float,
        jitter: float = 0.2,
        random: Callable[[], float] = _random.random,
    ) -> None:
        if first_s <= 0 or not 0 <= jitter < 1:
            raise ValueError(
                f"backoff from {first_s:g} s with jitter {jitter:g}: the first delay must be "
                "positive, jitter at least 0 and below 1"
            )
        self.first_s, self.limit_s, self.jitter = first_s, max(first_s, limit_s), jitter
        self._random = random
        self._next_s = first_s
        self.attempts = 0

    def next_s(self) -> float:
        """Seconds to wait now; the following delay is twice as long."""
        delay_s = self._next_s
        self._next_s = min(self.limit_s, delay_s * 2)
        self.attempts += 1
        return delay_s * (1 + self.jitter * (2 * self._random() - 1))

    def reset(self) -> None:
        """Begin again at `first_s`; call it once a connection proved itself."""
        self._next_s, self.attempts = self.first_s, 0
