"""Whether the exchange's times of one stream go forward. Pure."""


class TimeOrder:
    """The latest time of one stream."""

    __slots__ = ("latest_ns",)

    def __init__(self) -> None:
        self.latest_ns = 0

    def behind_ns(self, exchange_ns: int) -> int:
        """How far a time lies before one that came earlier; 0 in order, equal times are."""
        behind_ns = self.latest_ns - exchange_ns
        if behind_ns > 0:
            return behind_ns
        self.latest_ns = exchange_ns
        return 0
