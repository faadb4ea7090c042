"""Budgets beside the weight: an endpoint's own calls, counted for each thing asked about or not."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from typing import Protocol

from workers.transport.shared import Window

SHOWN = 5
"""Of the windows of one bucket that are counted apart, only so many are asked for reports."""


class Calls(Protocol):
    """Calls in a window, counted apart from the weight: `exchanges.base.Bucket`."""

    @property
    def calls(self) -> int:
        """How many."""
        ...

    @property
    def window_s(self) -> float:
        """Length of the window."""
        ...


class Buckets:
    """Windows by the names that requests give, made when a call first costs one. For threads.

    Args:
        declared: by name; a request that names `rubik/BTC-USDT-SWAP` costs one of the bucket
            `rubik`, counted for BTC-USDT-SWAP alone.
        make: a window for such a name.
    """

    def __init__(self, declared: Mapping[str, Calls], make: Callable[[str, Calls], Window]) -> None:
        self._declared, self._make = declared, make
        self._windows: OrderedDict[str, Window] = OrderedDict()
        self._lock = threading.Lock()

    def find(self, name: str | None) -> Window | None:
        """The window of a name; None for what is no bucket."""
        if name is None:
            return None
        with self._lock:
            if name not in self._windows:
                declared = self._declared.get(name.partition("/")[0])
                if declared is None:
                    return None
                self._windows[name] = self._make(name, declared)
            self._windows.move_to_end(name)
            return self._windows[name]

    def recent(self) -> Iterator[tuple[str, Window]]:
        """Windows that were used, by name; of each bucket the latest few."""
        with self._lock:
            windows = list(reversed(self._windows.items()))
        seen: dict[str, int] = {}
        for name, window in windows:
            bucket = name.partition("/")[0]
            seen[bucket] = seen.get(bucket, 0) + 1
            if seen[bucket] <= SHOWN:
                yield name, window
